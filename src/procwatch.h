/*
 * procwatch: the processes of a stop, and the end of each that was told to stop.
 *
 * A pidfd for each of these tells on the loop when it has ended, whoever its parent is. When there
 * are more than PROCWATCH_MAX, the end of those that are added first is told; the others are known.
 */
#ifndef GRACECTL_PROCWATCH_H
#define GRACECTL_PROCWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "proc.h"
#include "timers.h"

enum {
	PROCWATCH_MAX = 64
};

struct procwatch;

struct procwatch_item {
	struct procwatch *watch;
	struct proc_id id;
	char name[PROC_NAME_MAX];
	int pidfd; /* -1: it has ended, or is not watched */
	ev_io death;
	bool is_told;
	bool has_ended;
	uint64_t handled; /* signals that do not end it at once (bit signo - 1): it catches, ignores
			     or blocks them */
	bool may_await;	  /* but it may have been waiting for the next one in sigwait(3) */
	int deadly;	  /* one that ended it at once was sent, as it seems; 0: none */
	struct proc_exit exit;	    /* if it could be learnt */
	unsigned inbound, outbound; /* for observe.c: closed while it was ending */
	unsigned asked;	   /* for observe.c: when it was asked last whether it is ending, */
	enum proc_end end; /* and the answer */
	TAILQ_ENTRY(procwatch_item) link;
};

struct procwatch {
	struct ev_loop *loop;
	TAILQ_HEAD(procwatch_list, procwatch_item) items;
	size_t count;	/* that were told */
	size_t watched; /* of these */
	size_t left;	/* of the watched ones */
	void (*ended)(void *owner, const struct procwatch_item *item);
	void *owner;
};

void procwatch_init(struct procwatch *watch, struct ev_loop *loop,
	void (*ended)(void *owner, const struct procwatch_item *item), void *owner);

/* With told, its end is told, in a later turn. Ignored when it is known already, but for one that
 * was not told then. */
void procwatch_add(struct procwatch *watch, const struct proc_stat *stat, bool told);

/* To be called just before a signal is sent, and just after it was sent to that process only;
 * PROC_NONE: to all. */
void procwatch_before(struct procwatch *watch, int signo);
void procwatch_signalled(struct procwatch *watch, int signo, struct proc_id only);

/* The item of a process, or NULL. */
struct procwatch_item *procwatch_find(struct procwatch *watch, struct proc_id id);

/* The item of whoever has, or had, that pid last, or NULL. */
struct procwatch_item *procwatch_find_pid(struct procwatch *watch, pid_t pid);

/* Whether a signal that it does not handle has ended it: it has done nothing after that signal. How
 * it ended must be known, since only that is the proof. */
bool procwatch_was_struck(const struct procwatch_item *item);

/* All processes are gone: tells the end of those of which it was not heard yet. */
void procwatch_sweep(struct procwatch *watch);

void procwatch_release(struct procwatch *watch);

#endif
