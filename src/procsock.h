/*
 * procsock: which processes have which sockets open, as (inode, process, descriptor).
 *
 * The links of /proc/PID/fd tell it, at some 3 microseconds each. A process with many connections
 * has these in an epoll set as a rule, and one read of the set's fdinfo tells all of them at a
 * tenth of that. So in a large process, behind the first descriptors, the sets are read, and only
 * those descriptors are looked at one by one that are in none. What is in a set counts as open in
 * its process.
 *
 * Cheaper still is not to look at the rest at all, when it is known by number: see
 * procsock_has_others().
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

/* ---- the same in two steps ---- */

enum {
	PROCSOCK_SETS = 16 /* epoll sets that are heeded */
};

/* A process that is looked at. */
struct procsock_scan {
	struct procsock_list *list;
	size_t count_before; /* of the list */
	pid_t pid;
	int dir;       /* /proc/PID/fd */
	bool has_more; /* than the first descriptors */
	bool is_complete;
	size_t seen;		 /* so many descriptors were looked at: all */
	unsigned last;		 /* up to this one */
	int sets[PROCSOCK_SETS]; /* epoll sets among these */
	unsigned set_count;
	uint8_t *known; /* one bit a descriptor: told by an epoll set; NULL: not asked */
	unsigned size;	/* of it, in descriptors */
};

/*
 * Adds the sockets among the first descriptors, some forty. When scan->has_more, one of the other
 * two has to follow. All return what procsock_scan() returns, of what was looked at so far.
 */
bool procsock_scan_first(struct procsock_scan *scan, struct procsock_list *list, struct proc_id id);
bool procsock_scan_rest(struct procsock_scan *scan);
bool procsock_scan_leave(struct procsock_scan *scan);

/* Whether the process has exactly so many descriptors open besides those that were looked at. False
 * as well when that cannot be told, as before Linux 6.2, or changes just now. */
bool procsock_has_others(const struct procsock_scan *scan, size_t count);

/* ---- */

/* To be called between the last scan and the first search. */
void procsock_sort(struct procsock_list *list);

/* One that has it open, and how many descriptors of it there are; NULL: none. */
const struct procsock *procsock_find(
	const struct procsock_list *list, uint32_t inode, size_t *count);

/* Whether that descriptor still is that socket. */
bool procsock_is_open(pid_t pid, int fd, uint32_t inode);

void procsock_release(struct procsock_list *list);

#endif
