/*
 * procopen: which files a process has open, by the names under which it opened them.
 *
 * Nothing is asked of a file system, since that may not answer, but what the kernel knows by
 * itself. What may not be looked at is not found.
 */
#ifndef GRACECTL_PROCOPEN_H
#define GRACECTL_PROCOPEN_H

#include <stdbool.h>
#include <sys/types.h>

struct procopen_file {
	dev_t device;
	ino_t inode;
};

/* Calls found for each descriptor that is open for writing, of a file that is wanted by its name,
 * which is without directories and the one that it had when it was removed. */
void procopen_each_written(pid_t pid, bool (*is_wanted)(const void *arg, const char *name),
	void (*found)(void *arg, struct procopen_file file), void *arg);

/* Whether a process has that file open for writing, under that name. */
bool procopen_can_write(pid_t pid, const char *name, struct procopen_file file);

/* Whether a process has something open that the kernel calls so, such as "/tmp/lock (deleted)". */
bool procopen_has(pid_t pid, const char *called);

/* A descriptor of ours, above stderr, of a file that has that name or had it when it was removed;
 * or -1 with ENOENT. */
int procopen_own(const char *name);

#endif
