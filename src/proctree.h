/*
 * proctree: a snapshot of all processes, and who belongs to whom.
 *
 * One pass over /proc serves every dyno that wants to know about its processes in this moment. A
 * process belongs to an instance when it is in the instance's session, when it descends from one
 * that belongs, when it was seen to belong before, or, for a stray that left its session and lost
 * its parent, when its environment carries the instance's mark.
 *
 * Zombies count. The supervisor is the reaper of every orphan, so the top of each remaining chain
 * is a child of the supervisor, alive or not yet reaped: a snapshot without any member, zombies
 * included, proves the tree empty, whatever was forked while the snapshot was taken; if it is
 * whole.
 */
#ifndef GRACECTL_PROCTREE_H
#define GRACECTL_PROCTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "proc.h"

/* The variable whose value is the mark of an instance: "APP/web.1/HASH/7", with a hash of the state
 * directory. */
#define PROCTREE_MARK "GRACECTL_INSTANCE"

struct proctree_mark;

struct proctree_entry {
	struct proc_stat stat;
	const char *mark;      /* value of PROCTREE_MARK, read for unclaimed strays only */
	uint32_t first_child;  /* index + 1, 0: none */
	uint32_t next_sibling; /* index + 1, 0: none */
	uint32_t visit;	       /* number of the last query that counted it */
	bool claimed;	       /* the main process of some instance */
};

struct proctree {
	struct proctree_entry *entries; /* in the order of the pids */
	uint32_t *by_session;		/* indices, in the order of the sessions */
	uint32_t *strays;		/* indices of the unclaimed children of a reaper; known
					   after the first query */
	size_t stray_count;
	size_t count;
	size_t capacity;
	uint32_t queries;
	struct proctree_mark *marks; /* of the strays, read once */
	size_t mark_count;
	bool strays_known; /* strays was filled since the snapshot was taken */
	bool is_unsure;	   /* a stray was left alone, and may be anybody's, see is_held() */
	bool is_whole;	   /* nothing was lacking to look at all, and we are among them */
	nsec_t taken;	   /* monotonic time at which the pass began; 0: never */
	nsec_t cost;	   /* how long it took */
};

/* Who is asked for. */
struct proctree_query {
	struct proc_id main;	     /* the launched process, leader of its session */
	const struct proc_id *known; /* members seen before */
	size_t known_count;
	const char *mark; /* value of PROCTREE_MARK */
};

/* Takes a new snapshot. Returns 0, or -1 with errno when it is not whole: then that somebody is not
 * in it proves nothing. */
int proctree_take(struct proctree *tree);

/* Tells that a process is the main process of an instance, so that it is never taken for a stray.
 * Before the first query. */
void proctree_claim(struct proctree *tree, struct proc_id main);

/*
 * Writes the members to out (at most max; good until the next snapshot) and returns how many there
 * are in all. main is among them while it exists. reapers are those who inherit orphans, a list
 * that ends with 0: the supervisor, its guard, perhaps pid 1.
 */
size_t proctree_members(struct proctree *tree, const pid_t *reapers,
	const struct proctree_query *query, const struct proc_stat **out, size_t max);

/* Calls found for each living stray that has no mark and that no query of this snapshot has
 * counted; not for one that could not be looked at. */
void proctree_each_stray(
	struct proctree *tree, void (*found)(void *arg, const struct proc_stat *stat), void *arg);

/* Whether that process is in the snapshot. */
bool proctree_has(struct proctree *tree, struct proc_id id);

void proctree_release(struct proctree *tree);

#endif
