/*
 * procopen: which files a process has open, by the names under which it opened them.
 *
 * A file is looked at only when its name is the one that is wanted: others may be on a file system
 * that does not answer. What may not be looked at is not found.
 */
#ifndef GRACECTL_PROCOPEN_H
#define GRACECTL_PROCOPEN_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Calls found for each descriptor that is open for writing, of a file that is wanted by its name,
 * which is without directories and the one that it had when it was removed. */
void procopen_each_written(pid_t pid, bool (*is_wanted)(const void *arg, const char *name),
	void (*found)(void *arg, const struct stat *file), void *arg);

/* Whether a process has that file open for writing, under that name. */
bool procopen_can_write(pid_t pid, const char *name, const struct stat *file);

/* Whether a process has something open that the kernel calls so, such as "/tmp/lock (deleted)". */
bool procopen_has(pid_t pid, const char *called);

/* A descriptor of ours, above stderr, of a file that has that name or had it when it was removed;
 * or -1 with ENOENT. */
int procopen_own(const char *name);

#endif
