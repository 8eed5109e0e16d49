/*
 * instance: one launched process tree, from its launch until the last of its processes is gone.
 *
 * A small state machine, without any system call of its own: what it does to the world goes through
 * struct instance_ops, so every cell of the table is tested without a process.
 *
 *                 STARTING      UP            STOPPING          GONE
 *     READY       -> UP         .             .                 .
 *     BOOT_OVER   R10, KILL     .             .                 .
 *     STOP        first rung    first rung    next rung         .
 *     RUNG_OVER   impossible    impossible    next rung         impossible
 *     MAIN_EXIT   -> STOPPING   -> STOPPING   noted *           impossible
 *     EMPTY       impossible    impossible    -> GONE           impossible
 *
 * An instance is gone when its main process has been reaped, its output has been read to the end
 * and no process of its tree is left. If the main process ends by itself while others of the tree
 * remain, these are stopped by the same ladder.
 * (*) MAIN_EXIT comes once more when somebody is found later of whom the survey at that end knew
 * nothing.
 */
#ifndef GRACECTL_INSTANCE_H
#define GRACECTL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "config.h"
#include "event.h"
#include "proc.h"

enum instance_state {
	INSTANCE_STARTING, /* launched, not ready yet */
	INSTANCE_UP,	   /* ready */
	INSTANCE_STOPPING, /* on the ladder, or its main process has ended */
	INSTANCE_GONE,	   /* nothing of it is left */
	INSTANCE_STATES
};

enum instance_event {
	INSTANCE_READY,	    /* the probe says so */
	INSTANCE_BOOT_OVER, /* boot_timeout has passed */
	INSTANCE_STOP,	    /* somebody wants it to end; once more: goes on to the next rung */
	INSTANCE_RUNG_OVER, /* the wait of this rung has passed */
	INSTANCE_MAIN_EXIT, /* the launched process ended; exit is filled */
	INSTANCE_EMPTY,	    /* no process and no output is left */
	INSTANCE_EVENTS
};

/* Why it is stopping. */
enum instance_ending {
	ENDING_NOT,
	ENDING_ASKED,  /* STOP */
	ENDING_BOOT,   /* did not become ready in time */
	ENDING_ITSELF, /* its main process ended, nobody asked */
	ENDING_LAUNCH, /* its command could not even be executed */
};

enum {
	INSTANCE_NAMES = 160 /* "123 (name), 124 (name)" of a few processes */
};

/* The deadlines of an instance. */
enum instance_timer {
	INSTANCE_TIMER_BOOT,
	INSTANCE_TIMER_RUNG,
	INSTANCE_TIMERS
};

extern const char *const instance_state_names[INSTANCE_STATES];
extern const char *const instance_event_names[INSTANCE_EVENTS];

struct instance;

/* What an instance does to the world. */
struct instance_ops {
	/* Sends a signal to the main process or to every process of the tree; returns how many got
	 * it. */
	unsigned (*signal)(struct instance *instance, int signo, bool all);
	/* Counts the processes that are left, appends "123 (name), 124 (name)" of at most a few. */
	unsigned (*survey)(struct instance *instance, struct buf *names);
	/* Counts and names those of them that may be signalled; who may not be is noted in refused.
	 * May be NULL: all may. */
	unsigned (*reach)(struct instance *instance, struct buf *names);
	/* Arms (due: monotonic) or, with 0, disarms a deadline. */
	void (*timer)(struct instance *instance, enum instance_timer timer, nsec_t due);
	void (*publish)(struct instance *instance, struct event *event);
	/* Adds what was seen of its stop to the report of the stop, and ends the observation. May
	 * be NULL. */
	void (*describe)(struct instance *instance, struct event *event);
	/* Told after each change of state. The instance may be freed at the end of the turn once it
	 * is GONE. */
	void (*changed)(struct instance *instance);
};

struct instance {
	enum instance_state state; /* written by instance.c only, see tests/layers */
	const struct instance_ops *ops;
	void *owner;			     /* for the ops */
	const struct process_config *config; /* of its type, as it was when launched */
	char dyno[PROCESS_NAME_MAX + 16];    /* "web.1" */
	uint64_t launch;		     /* its number in that place, from 1 */

	struct proc_id main; /* the launched process; pid 0: could not be launched */
	uint16_t port;	     /* 0: none */
	nsec_t launched;     /* wall */
	nsec_t since;	     /* wall: last change of state */
	nsec_t up_mono;	     /* monotonic: when it became UP, 0 before */

	enum instance_ending ending;
	char reason[16]; /* of the stop: "stop", "restart", "cycle", ...; set by whoever asks first
			  */
	unsigned rung;	 /* of the ladder, from 1; 0: not on it */
	unsigned sent;	 /* the rung whose signal is out, as far as the record tells */
	nsec_t stop_began;		  /* monotonic: first signal */
	nsec_t deadline[INSTANCE_TIMERS]; /* monotonic, 0: not armed */
	bool boot_forced;		  /* killed by SIGKILL because it did not boot */
	bool hurried;			  /* a rung was left before its wait was over */
	bool killed;	   /* the ladder had to use SIGKILL on something that was left */
	bool kill_hurried; /* and did so before its time, since a second stop was asked for */

	/* Some who were left when a rung was over and may not be signalled; "": none. */
	char refused[INSTANCE_NAMES];
	bool outlasted; /* SIGKILL was due, and could reach none of those that were left */

	bool lacking;	/* the machine lacked descriptors, memory or room for its launch */
	bool abandoned; /* its child found its supervisor dead, and executed nothing */
	bool main_ended;
	struct proc_exit exit;	 /* of the main process, when main_ended */
	char failure[CAUSE_MAX]; /* why it could not be executed; "" otherwise */
};

/* Prepares a launched instance in state STARTING, and arms its boot deadline if it has to prove
 * readiness. */
void instance_init(struct instance *instance, const struct instance_ops *ops, void *owner,
	const struct process_config *config, const char *dyno, uint64_t launch);

/* The one door: every time-out, exit, probe and request enters here. */
void instance_handle(struct instance *instance, enum instance_event event);

/* The line for the first rung: its signal is out, to so many processes. */
void instance_say_stop(struct instance *instance, int signo, bool all, unsigned count);

/* Restores a state that was read from a record, without its entry actions. */
void instance_restore(struct instance *instance, enum instance_state state);

/* The deadline of SIGKILL (monotonic), 0 when none is known. */
nsec_t instance_kill_time(const struct instance *instance);

/* "status 1", "status 137 (SIGKILL)", "unknown status": for messages. */
enum {
	INSTANCE_EXIT_TEXT = 64
};
const char *instance_exit_text(
	const struct instance *instance, char text[static INSTANCE_EXIT_TEXT]);

#endif
