/*
 * supervisor: the loop, its signals, and its end.
 *
 * SIGTERM, SIGINT and SIGHUP stop every dyno gracefully and then end the supervisor; another one, a
 * second later or more, makes the stop go on to the next rung of the ladder. SIGUSR1 turns debug
 * lines on and off. SIGUSR2 upgrades: the program that is installed now takes over.
 */
#ifndef GRACECTL_SUPERVISOR_H
#define GRACECTL_SUPERVISOR_H

#include <ev.h>
#include <stdbool.h>

#include "app.h"
#include "ending.h"
#include "formation.h"
#include "guard.h"
#include "timers.h"
#include "version.h"

struct supervisor {
	struct ev_loop *loop;
	struct app app;
	char *zone_before; /* TZ as it was given to us, NULL for none; owned */
	struct formation formation;
	const struct guard_order *order; /* how a guard is made, should ours die */
	struct ending ending;
	struct timespec kept; /* when the configuration was read that it goes on with */
	bool starting;	/* some of the dynos that were to be started at first may not be launched */
	bool upgrading; /* ends at once, leaving all as it is, so that a newer program takes over */
	ev_io guard;
	struct timer guard_again; /* runs while there is none */
	ev_signal signals[6];
	ev_prepare end_check;
	/* Asked when nothing is left to run: may it end now? NULL: yes. Lets the clients get their
	 * answers. */
	bool (*may_end)(void *arg);
	void *may_end_arg;
};

/*
 * Takes the lock of the application, STATE_DIR/lock: there is one supervisor, and its guard, at a
 * time. Who comes after some that have not ended in order stays in their run directory, where the
 * outputs of what runs are: *left is true and config->run_dir is that one then. Returns a
 * descriptor that holds the lock; or -1 with a sentence, and *running is true when somebody else
 * holds it.
 */
int supervisor_lock(struct config *config, bool *running, bool *left, struct cause *cause);

/*
 * Opens everything and adopts what runs. link leads to the guard. order must live as long as the
 * supervisor. With order->again it takes the place of a supervisor that died, and ends if that one
 * was ending. Returns 0, or -1 with a sentence.
 */
int supervisor_open(struct supervisor *supervisor, const struct config *config,
	const struct guard_order *order, int link, struct cause *cause);

/*
 * The configuration that the application was started with stands in RUN_DIR/config.ini. A
 * supervisor that takes the place of a dead one goes on with that: what was written into the file
 * meanwhile, and may have mistakes, waits for the next start.
 */
extern const char supervisor_kept[];

/* Writes that, and whether it is ending, into the run directory. */
void supervisor_keep(struct supervisor *supervisor);

/* Tells the guard that it listens. */
void supervisor_ready(struct supervisor *supervisor);

/* Starts every dyno of the formation, unless the end has begun, and tells the guard when they are
 * launched. */
void supervisor_start_all(struct supervisor *supervisor);

/*
 * Another supervisor has the lock of the application, and listens: it could not know of this one.
 * So this one touches nothing that may be the other's, stops its dynos, and ends.
 */
void supervisor_give_way(struct supervisor *supervisor);

/* Ends as soon as clients have their answers, leaving the instances to the program that is
 * installed now. */
void supervisor_upgrade(struct supervisor *supervisor);

/* Runs until it has ended; returns the exit code for its guard. */
int supervisor_run(struct supervisor *supervisor);

void supervisor_close(struct supervisor *supervisor);

#endif
