/*
 * calls: the calls of a store, on their way to a thread and back.
 *
 * A call waits for its turn only so long. If no thread has begun it by then, it is taken back and
 * answered with STORE_UNREACHABLE: nothing has happened. The same is done with those that wait when
 * a stop has run out of time.
 *
 * All of it is the loop's, but for operate().
 */
#ifndef GRACECTL_DEMO_CALLS_H
#define GRACECTL_DEMO_CALLS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "clock.h"
#include "store.h"
#include "worker.h"

struct calls {
	/* To be filled in. */
	struct ev_loop *loop;
	struct worker *worker; /* may be of more threads than one */
	struct store *store;
	nsec_t patience;			   /* how long a call waits for its turn */
	void (*all_answered)(struct store *store); /* the last one that was pending; or NULL */

	size_t pending;			   /* calls without an answer */
	TAILQ_HEAD(call_list, call) queue; /* those that may not have begun, the oldest first */
	ev_timer timer;			   /* looks after the queue while there is one */
};

struct call {
	struct worker_job job; /* first: the two pointers are the same */
	struct calls *calls;
	TAILQ_ENTRY(call) entry;
	bool in_queue;

	/*
	 * Called on a thread, unless it is too late then. Fills in the answer; one that is left
	 * alone says that the database could not be asked, and why not.
	 */
	void (*operate)(struct call *call);
	nsec_t until;		    /* when its turn should have come */
	struct store_answer answer; /* its user is also the question */
	store_answer_fn *answer_fn;
	void *arg;
};

/* The first fields are filled in. */
void calls_init(struct calls *calls);

/* When none is pending. */
void calls_release(struct calls *calls);

void calls_submit(struct calls *calls, void (*operate)(struct call *call), const struct user *user,
	store_answer_fn *answer, void *arg);

/* Takes back all that have not begun. */
void calls_cut(struct calls *calls);

#endif
