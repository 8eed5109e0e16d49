/*
 * runner: an instance in the real world.
 *
 * Holds what an instance machine needs outside of itself: its processes, its FIFO, its probe, its timers. It turns what happens
 * there into events of the machine, and what the machine orders into system calls.
 */
#ifndef GRACECTL_RUNNER_H
#define GRACECTL_RUNNER_H

#include <sys/queue.h>

#include "app.h"
#include "instance.h"
#include "mover.h"
#include "probe.h"
#include "spawn.h"
#include "timers.h"

struct runner {
	struct instance instance;
	struct app *app;
	struct mover mover;
	struct probe probe;
	struct timer deadline[INSTANCE_TIMERS];
	struct timer again;     /* the second look after a signal, for what was forked meanwhile */
	ev_io report;           /* the pipe that tells of the exec */
	int report_fd;          /* -1: it has told */
	struct proc_id *known;  /* members of the tree seen so far, without the main process; owned */
	size_t known_count;
	int signo;              /* the last signal sent to all, 0: none */
	unsigned searches;      /* for unknown holders of the output */
	char *mark;             /* see PROCTREE_MARK; owned */
	void (*changed)(void *owner, struct runner *runner); /* after each change of state */
	void *owner;
	TAILQ_ENTRY(runner) link; /* for the owner */
};

TAILQ_HEAD(runner_list, runner);

/*
 * Launches dyno NAME.NUMBER. Never fails: what could not be launched is an instance that ends at once, in a later turn
 * of the loop, with its failure told.
 */
struct runner *runner_launch(struct app *app, const struct process_config *config, unsigned number,
	uint64_t launch, void (*changed)(void *owner, struct runner *runner), void *owner);

/* The main process has been reaped with this status of waitpid(2). */
void runner_main_exited(struct runner *runner, struct proc_exit exit);

/* Looks whether anything of it is left, once its main process has ended. Called after children were reaped. */
void runner_check_empty(struct runner *runner);

/* Frees a runner whose instance is GONE, and removes its files from the run directory. Not from within its own callbacks. */
void runner_free(struct runner *runner);

/* Lets go of an instance without touching its processes or files: the supervisor ends, it goes on. */
void runner_abandon(struct runner *runner);

#endif
