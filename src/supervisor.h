/*
 * supervisor: the loop, its signals, and its end.
 *
 * SIGTERM, SIGINT and SIGHUP stop every dyno gracefully and then end the supervisor; a second one makes the stop go on to the next
 * rung of the ladder. SIGUSR1 turns debug lines on and off.
 */
#ifndef GRACECTL_SUPERVISOR_H
#define GRACECTL_SUPERVISOR_H

#include <ev.h>
#include <stdbool.h>

#include "app.h"
#include "formation.h"

#define GRACECTL_VERSION "0.1.0"

struct supervisor {
	struct ev_loop *loop;
	struct app app;
	struct formation formation;
	bool ending;   /* ends when the last instance is gone */
	int lock;      /* held while it lives */
	ev_signal signals[5];
	ev_prepare end_check;
	/* Asked when nothing is left to run: may it end now? NULL: yes. Lets the clients get their answers. */
	bool (*may_end)(void *arg);
	void *may_end_arg;
};

/*
 * Takes the lock of the application and opens everything. Returns 0; or -1 with a sentence, and *running is true when another
 * supervisor of this application runs already.
 */
int supervisor_open(struct supervisor *supervisor, const struct config *config, bool *running, struct cause *cause);

/* Starts every dyno of the formation. */
void supervisor_start_all(struct supervisor *supervisor);

/* From now on it ends as soon as no instance is left. The caller stops the dynos. */
void supervisor_announce_end(struct supervisor *supervisor, const char *reason);

/* Stops every dyno, and ends when all are gone. Once more: makes haste. */
void supervisor_end(struct supervisor *supervisor, const char *reason);

/* Runs until it has ended. */
void supervisor_run(struct supervisor *supervisor);

void supervisor_close(struct supervisor *supervisor);

#endif
