/*
 * ending: the end of everything: who has asked for it, what makes it hurry, and what the next
 * supervisor must know of it.
 *
 * That it has begun, and who has asked, stands in RUN_DIR/ending, so that a supervisor that takes
 * the place of a dead one goes on with it, and tells a new wish from one that was heard.
 */
#ifndef GRACECTL_ENDING_H
#define GRACECTL_ENDING_H

#include <stdbool.h>

#include "app.h"
#include "formation.h"

struct ending {
	struct app *app;
	struct formation *formation;
	bool begun;	 /* the supervisor ends when the last instance is gone */
	bool stop_asked; /* a client has asked for it */
	nsec_t asked;	 /* monotonic: the last signal that counted, or when it began */
};

/* Goes on with what a supervisor had begun in whose place we are (again), and forgets what others
 * have left. */
void ending_open(struct ending *ending, struct app *app, struct formation *formation, bool again);

/* A client asks for it. The caller stops the dynos. True when one had asked before: only then they
 * are to hurry. */
bool ending_ask(struct ending *ending);

/* A signal: stops every dyno. Once more: makes haste, unless it is so soon that it may be the same
 * wish, told twice. */
void ending_demand(struct ending *ending, const char *reason);

/* Writes into the run directory, which was made anew, what the next supervisor must know. */
void ending_keep(struct ending *ending);

/* True when it has begun and nothing is left to be waited for. */
bool ending_is_over(const struct ending *ending);

/* Everything is done: removes what is kept. */
void ending_close(struct ending *ending);

#endif
