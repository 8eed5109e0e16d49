/*
 * stophistory: what happened in a stop and when: the signals, the connections as they became fewer,
 * the end of each process. Times are since the first signal.
 *
 * Everything has a limit. Of the steps of the connections more and more are left out, evenly, when
 * there are too many; the first and the last one always stay.
 */
#ifndef GRACECTL_STOPHISTORY_H
#define GRACECTL_STOPHISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "clock.h"
#include "event.h"
#include "proc.h"

enum {
	STOPHISTORY_SIGNALS = 32,
	STOPHISTORY_STEPS = 100,
	STOPHISTORY_EXITS = 64
};

struct stophistory_signal {
	nsec_t at;
	int signo;
	unsigned processes; /* that got it */
};

struct stophistory_step {
	nsec_t at;
	unsigned inbound;
	unsigned outbound;
};

struct stophistory_exit {
	nsec_t at;
	pid_t pid;
	char name[PROC_NAME_MAX];
};

/* All zero: nothing has happened. */
struct stophistory {
	struct stophistory_signal signals[STOPHISTORY_SIGNALS];
	size_t signal_count;
	struct stophistory_step steps[STOPHISTORY_STEPS];
	size_t step_count;
	size_t stride;	 /* one of so many steps is kept, a power of two; 0: as yet all */
	size_t number;	 /* of the newest step, from 0 */
	bool is_passing; /* the newest step will be left out when a newer one comes */
	struct stophistory_exit exits[STOPHISTORY_EXITS];
	size_t exit_count;
};

void stophistory_add_signal(struct stophistory *history, nsec_t at, int signo, unsigned processes);

/* Ignored when nothing has changed since the last step. */
void stophistory_add_step(
	struct stophistory *history, nsec_t at, unsigned inbound, unsigned outbound);
void stophistory_add_exit(struct stophistory *history, nsec_t at, pid_t pid, const char *name);

/* The fields signals, connections and exits. */
void stophistory_fill(const struct stophistory *history, struct event *event);

#endif
