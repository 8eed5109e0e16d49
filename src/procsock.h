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

#include "proc.h"

struct procsock {
	uint32_t inode;
	int fd;
	pid_t pid;
};

/* What a list may cost, a tenth of a second: as many descriptors that are looked at one by one, or
 * ten times as many that stand in epoll sets. */
#define PROCSOCK_BUDGET 32768

/* All zero: empty. */
struct procsock_list {
	struct procsock *items;
	size_t count;
	size_t capacity;
	size_t spent; /* of the budget, in tenths of a descriptor */
};

/*
 * Adds the sockets of a process; a process that is gone has none, whoever has its pid now. False
 * when not all of them can be seen: it may not be looked at; the budget is spent; or it has sockets
 * and is in another network namespace, of which the kernel's tables tell nothing.
 */
bool procsock_scan(struct procsock_list *list, struct proc_id id);

/* To be called between the last scan and the first search. */
void procsock_sort(struct procsock_list *list);

/* One that has it open, and how many descriptors of it there are; NULL: none. */
const struct procsock *procsock_find(
	const struct procsock_list *list, uint32_t inode, size_t *count);

/* Whether that descriptor still is that socket. */
bool procsock_is_open(pid_t pid, int fd, uint32_t inode);

void procsock_release(struct procsock_list *list);

#endif
