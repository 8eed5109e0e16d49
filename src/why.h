/*
 * why: what holds a stop up. One look at the processes that are left of an instance: what each is
 * doing, what it does with the signal, its sockets, its children.
 *
 * A look is asked for by the clock, at half of the time before SIGKILL and just before it, or by a
 * person at any time. It is bounded: at most WHY_PROCESSES processes are looked at, and none is
 * begun when they have cost WHY_BUDGET; the others are counted. Of a process at most
 * WHY_DESCRIPTORS descriptors are looked at. It does not wait for anything that a process in
 * trouble could keep for itself (see procstate.h).
 */
#ifndef GRACECTL_WHY_H
#define GRACECTL_WHY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "app.h"
#include "instance.h"
#include "procstate.h"
#include "tree.h"

enum {
	WHY_PROCESSES = 16,
	WHY_DESCRIPTORS = 8192, /* which cost 30 ms */
	WHY_TEXT = 320
};

#define WHY_BUDGET (20 * NSEC_PER_MSEC)

struct why_process {
	pid_t pid;
	pid_t parent;
	struct procstate now;
	char signals[WHY_TEXT];	  /* "ignores SIGTERM"; "" when that explains nothing */
	bool visible;		  /* all of its sockets could be looked at */
	bool elsewhere;		  /* they are in another network namespace */
	char listening[WHY_TEXT]; /* "8080, unix:/run/x.sock"; "" for none */
	unsigned inbound;
	unsigned outbound;
	char inbound_peers[WHY_TEXT];  /* "127.0.0.1:50312, 127.0.0.1:50314 and 9 more" */
	char outbound_peers[WHY_TEXT]; /* "127.0.0.1:27017 x10" */
	char children[WHY_TEXT];       /* "1240 sleep, 1241 sh (zombie)" */
};

struct why {
	const struct instance *instance;
	nsec_t taken;	/* monotonic */
	unsigned count; /* living processes */
	unsigned shown; /* of these below */
	struct why_process processes[WHY_PROCESSES];
};

/*
 * Looks. ports are those on which the instance is known to have listened: a connection on them is
 * an inbound one even after the listener was closed. Good as long as the instance.
 */
void why_look(struct why *why, struct app *app, struct tree *tree, const struct instance *instance,
	const uint16_t *ports, size_t port_count);

/* Publishes it: a line that says how far the stop is, and one for each process. Nothing when no
 * process is left. */
void why_publish(const struct why *why, struct app *app);

/* Appends the instance, how far its stop is, and a document for each process: see wire.h. */
void why_put(const struct why *why, bson_t *doc);

/* Appends what is said of a process: "ignores SIGTERM; sleeping in ep_poll; 3 inbound (...)". */
void why_describe(const struct why_process *process, struct buf *out);

/* The signal that was sent last: of the rung on which it is. */
int why_signal(const struct instance *instance);

/*
 * When the clock asks next (monotonic), after so many looks of this stop: at half of the time to
 * SIGKILL, and a second before it or at 95 % of it, whichever is later; once more when somebody
 * outlives SIGKILL. Without a SIGKILL to come: once, at half of the wait for the first signal. 0:
 * not any more, or not at all because there are less than two seconds. A time in the past: now.
 */
nsec_t why_due(const struct instance *instance, unsigned looks);

#endif
