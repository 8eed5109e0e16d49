/*
 * dyno: one place where a process runs, "web.1": what is wanted of it, what it is, and what to do
 * about the difference.
 *
 * A small state machine beside that of the instance. "Wanted" is kept apart from "is": stopping and
 * wanted up is a restart. It holds at most one instance that serves (current), one that is to take
 * over (next, for start-first), and any number of old ones on their way out.
 *
 *              DOWN     STARTING        UP              STOPPING          COOLING    CRASHED
 *   START      launch   .               .               wanted up         launch     launch
 *   STOP       .        -> STOPPING     -> STOPPING     next rung         -> DOWN    -> STOPPING
 *   RESTART    .        replace         replace         wanted up         launch     launch
 *   CYCLE      .        .               replace         .                 .          .
 *   READY      imposs.  -> UP           .               .                 imposs.    .
 *   ENDING     imposs.  -> CRASHED      -> CRASHED      .                 imposs.    .
 *   GONE       imposs.  crash           crash           DOWN or launch    imposs.    try again
 *   NEXT_GONE  imposs.  -> UP           imposs.         DOWN or launch    imposs.    imposs.
 *   OLD_GONE   .        launch if due   .               DOWN or launch    if asked   try again
 *   COOLED     .        .               .               .                 launch     .
 *   STABLE     .        .               crashes = 0     .                 .          .
 *
 * "replace" follows restart_order; "crash" follows backoff: at once, after a pause (COOLING), or
 * never (CRASHED).
 */
#ifndef GRACECTL_DYNO_H
#define GRACECTL_DYNO_H

#include "config.h"
#include "event.h"
#include "instance.h"

enum dyno_state {
	DYNO_DOWN,     /* nothing runs, nothing is wanted */
	DYNO_STARTING, /* launched and not ready, or waiting for the old one to make room */
	DYNO_UP,
	DYNO_STOPPING,
	DYNO_COOLING, /* crashed, will be started again after a pause */
	DYNO_CRASHED, /* crashed, and either its rest is still ending or it is not started again by
			 itself */
	DYNO_STATES
};

enum dyno_event {
	DYNO_START,
	DYNO_STOP,
	DYNO_RESTART,
	DYNO_CYCLE,	/* restart because its time is up */
	DYNO_READY,	/* the instance that was starting is up */
	DYNO_ENDING,	/* the main process of current ended by itself and left others behind */
	DYNO_GONE,	/* current is gone */
	DYNO_NEXT_GONE, /* the one that was to take over is gone */
	DYNO_OLD_GONE,	/* an old one is gone */
	DYNO_COOLED,	/* the pause after a crash is over */
	DYNO_STABLE,	/* up for backoff_reset */
	DYNO_EVENTS
};

enum dyno_timer {
	DYNO_TIMER_COOL,
	DYNO_TIMER_STABLE,
	DYNO_TIMER_CYCLE,
	DYNO_TIMERS
};

/* For people: down starting up stopping cooling crashed. */
extern const char *const dyno_state_names[DYNO_STATES];
extern const char *const dyno_event_names[DYNO_EVENTS];
extern const char *const dyno_timer_names[DYNO_TIMERS];

struct dyno;

struct dyno_ops {
	/* Launches instance number dyno->launches; never fails (see runner_launch()). */
	struct instance *(*launch)(struct dyno *dyno);
	/* Asks an instance to stop, or to go on to its next rung. */
	void (*stop)(struct dyno *dyno, struct instance *instance);
	/* The same for all instances that are neither current nor next. */
	void (*stop_old)(struct dyno *dyno);
	/* Arms (due: monotonic) or, with 0, disarms a timer. */
	void (*timer)(struct dyno *dyno, enum dyno_timer timer, nsec_t due);
	void (*publish)(struct dyno *dyno, struct event *event);
	/* Told once after each event that was handled. */
	void (*changed)(struct dyno *dyno);
	/* A random number for the jitter of the cycle. */
	uint64_t (*random)(struct dyno *dyno);
};

struct dyno {
	enum dyno_state state; /* written by dyno-steps.c only, see tests/layers */
	const struct dyno_ops *ops;
	void *owner; /* for the ops */
	const struct process_config *config;
	unsigned number;		  /* n of type.n, from 1 */
	char name[PROCESS_NAME_MAX + 16]; /* "web.1" */

	bool wanted_up;
	bool abandoned;	  /* the instance that is gone was never executed: its supervisor died too
			     early */
	bool start_asked; /* asked to start while the rest of a crashed instance is still ending */
	bool cycling;	  /* the last replacement was the cycle's, and nobody's wish */
	nsec_t since;	  /* wall: last change of state */
	char why[CAUSE_MAX]; /* why it is in this state, for people; "" when there is nothing to
				say: of one that is up, unless its last restart failed
			      */

	struct instance *current; /* serves, or is starting or ending in order to; NULL: none */
	struct instance *next;	  /* starting in order to replace current; NULL: none */
	unsigned old;		  /* how many others are still ending */

	uint64_t launches;   /* number of the newest launch ever */
	uint64_t over;	     /* number of the newest of them of which nothing is left, 0: none */
	bool launched;	     /* it was launched at least once since it was asked to start */
	unsigned restarts;   /* launches after that one */
	unsigned unlaunched; /* launches in a row for which there could be no process: descriptors,
				memory or room ran out */
	unsigned crashes;    /* in a row */
	uint64_t failures;   /* crashes and failed replacements ever; who waits compares */
	uint64_t kills;	     /* instances whose stop needed SIGKILL, ever */
	bool kill_refused;   /* the last of them could not be killed, and ended by itself */
	bool kill_hurried;   /* the last of them was killed early, since a second stop was asked for
			      */
	struct proc_exit last_exit; /* of the last instance that ended; known false at first */
	nsec_t due[DYNO_TIMERS];    /* monotonic, 0: not armed */
};

void dyno_init(struct dyno *dyno, const struct dyno_ops *ops, void *owner,
	const struct process_config *config, unsigned number);

/* The door for requests and timers. */
void dyno_handle(struct dyno *dyno, enum dyno_event event);

/* The door for instances: to be called after each change of state of one of its instances. */
void dyno_instance_changed(struct dyno *dyno, struct instance *instance);

/* Restores a state that was read from a record, without its entry actions. */
void dyno_restore(struct dyno *dyno, enum dyno_state state);

/*
 * After everything was restored: goes on where a dead supervisor stopped between two steps (a
 * launch that was intended, a stop whose last instance is gone).
 */
void dyno_resume(struct dyno *dyno);

/* How many instances exist. */
unsigned dyno_instances(const struct dyno *dyno);

#endif
