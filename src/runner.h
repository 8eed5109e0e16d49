/*
 * runner: an instance in the real world.
 *
 * Holds what an instance machine needs outside of itself: its processes, its FIFO, its probe, its
 * timers. It turns what happens there into events of the machine, and what the machine orders into
 * system calls. An instance is either launched by us, and then our child, or adopted from a
 * supervisor that died, and then a child of the guard (or of nobody we know).
 */
#ifndef GRACECTL_RUNNER_H
#define GRACECTL_RUNNER_H

#include <sys/queue.h>

#include "app.h"
#include "deathwatch.h"
#include "instance.h"
#include "mover.h"
#include "observe.h"
#include "probe.h"
#include "spawn.h"
#include "timers.h"
#include "tree.h"
#include "why.h"

/* After a signal: when it is looked whether somebody was forked meanwhile. */
#define RUNNER_SECOND_LOOK (5 * NSEC_PER_MSEC)

struct runner;

/* Whom a runner belongs to. */
struct runner_owner {
	/* After each change of state. */
	void (*changed)(void *arg, struct runner *runner);
	/* Something that stands in its record has changed. */
	void (*touched)(void *arg);
	/* A signal is about to be sent: its record must be written first. */
	void (*save)(void *arg);
};

struct runner {
	struct instance instance;
	struct app *app;
	struct tree tree;
	struct mover mover;
	struct probe probe;
	struct observer *observer; /* of its stop; owned; NULL: it has not begun */
	struct observe_kept *kept; /* adopted: what another supervisor has seen of its stop, until
				      the observer goes on with it; owned; NULL */
	struct timer deadline[INSTANCE_TIMERS];
	struct timer again; /* a second look: after a signal, for what was forked meanwhile; for the
			       end of the tree */
	struct timer why;   /* the next time to say what holds its stop up */
	unsigned looks;	    /* how often that was said */
	ev_io report;	    /* launched: the pipe that tells of the exec */
	int report_fd;	    /* -1: it has told, or is adopted */
	struct deathwatch death; /* adopted: over its main process */
	uint64_t fifo;		 /* inode of the FIFO, held by the guard; 0: none */
	bool adopted;

	unsigned searches; /* for unknown holders of the output */
	int signo;	   /* the last signal sent to all, 0: none */
	const struct runner_owner *owner;
	void *owner_arg;
	TAILQ_ENTRY(runner) link; /* for the owner */
};

TAILQ_HEAD(runner_list, runner);

/*
 * Launches dyno NAME.NUMBER. Never fails: what could not be launched is an instance that ends at
 * once, in a later turn of the loop, with its failure told.
 */
struct runner *runner_launch(struct app *app, const struct process_config *config, unsigned number,
	uint64_t launch, const struct runner_owner *owner, void *owner_arg);

/* What a record says of an instance. */
struct runner_found {
	struct instance instance; /* state, main, port, times, ending, rung, deadlines, exit ... */
	struct proc_id *known;	  /* members of its tree; handed over; NULL */
	size_t known_count;
	const struct observe_kept *observed; /* of its stop; NULL: nothing */
};

/* Adopts an instance. What has happened to it meanwhile comes as events in later turns of the loop.
 */
struct runner *runner_adopt(struct app *app, const struct process_config *config, unsigned number,
	const struct runner_found *found, const struct runner_owner *owner, void *owner_arg);

/* Publishes the event of its launch: for an adopted one whose supervisor died before it could. */
void runner_tell_launch(struct runner *runner);

/* The main process was reaped, by us: from now on its pid may be anybody's. How it ended is told
 * later in this turn. */
void runner_reaped(struct runner *runner);

/* The main process has ended like that. Ignored when it is known already. */
void runner_main_exited(struct runner *runner, struct proc_exit exit);

/* Looks whether anything of it is left, once its main process has ended. Called after children were
 * reaped. */
void runner_check_empty(struct runner *runner);

/* Finds those of its processes that have left their session, their parent and their mark behind, if
 * they still hold a file of the instance. */
void runner_find_strays(struct runner *runner);

/* Looks at what it holds: what keeps it from ending, if it is being stopped. */
void runner_why(struct runner *runner, struct why *why);

/* Frees a runner whose instance is GONE, and removes its files from the run directory. Not from
 * within its own callbacks. */
void runner_free(struct runner *runner);

/* Lets go of an instance without touching its processes or files: the supervisor ends, it goes on.
 */
void runner_release(struct runner *runner);

#endif
