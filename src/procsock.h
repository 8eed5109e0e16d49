/*
 * procsock: which processes have which sockets open, as (inode, process, descriptor).
 *
 * The links of /proc/PID/fd tell it, at some 3 microseconds each. A process with many connections
 * has these in an epoll set as a rule, and one read of the set's fdinfo tells all of them at a
 * tenth of that. So in a large process, behind the first descriptors, the sets are read, and only
 * those descriptors are looked at one by one that are in none. What is in a set counts as open in
 * its process.
 */
#ifndef GRACECTL_PROCSOCK_H
#define GRACECTL_PROCSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct procsock {
	uint32_t inode;
	int fd;
	pid_t pid;
};

/* All zero: empty. */
struct procsock_list {
	struct procsock *items;
	size_t count;
	size_t capacity;
};

/* Adds the sockets of a process. False when it may not be looked at, or has sockets and is in
 * another network namespace, of which the kernel's tables tell nothing; a process that is gone has
 * none. */
bool procsock_scan(struct procsock_list *list, pid_t pid);

/* To be called between the last scan and the first search. */
void procsock_sort(struct procsock_list *list);

/* One that has it open, and how many descriptors of it there are; NULL: none. */
const struct procsock *procsock_find(
	const struct procsock_list *list, uint32_t inode, size_t *count);

/* Whether that descriptor still is that socket. */
bool procsock_is_open(pid_t pid, int fd, uint32_t inode);

void procsock_release(struct procsock_list *list);

#endif
