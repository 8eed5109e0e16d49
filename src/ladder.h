/*
 * ladder: the signals and waits of a stop, written TERM/30/KILL/5.
 *
 * A ladder is climbed one rung at a time: send the signal, wait at most so long for
 * the dyno to be gone, go on to the next rung. The last rung is KILL in every ladder
 * that ends by itself; a wait of "forever" never goes on by itself.
 */
#ifndef GRACECTL_LADDER_H
#define GRACECTL_LADDER_H

#include "cause.h"
#include "clock.h"

enum {
	LADDER_MAX = 8,
	LADDER_TEXT = 160
};

#define LADDER_FOREVER INT64_MAX

struct ladder_rung {
	int signo;
	nsec_t wait; /* after the signal; LADDER_FOREVER waits without end */
};

struct ladder {
	struct ladder_rung rung[LADDER_MAX];
	size_t count; /* at least 1 */
};

/*
 * Reads "TERM/30/KILL/5" (signal names with or without SIG, durations as in clock.h, "forever").
 * A last signal without a wait gets 5 s. KILL may only stand last; STOP and unknown names are
 * refused.
 */
int ladder_parse(const char *text, struct ladder *out, struct cause *cause);

/* Writes it so that ladder_parse() reads the same value back. */
const char *ladder_format(const struct ladder *ladder, char text[static LADDER_TEXT]);

/* The time until the rung that sends SIGKILL, or until the end when there is none; LADDER_FOREVER
 * possible. */
nsec_t ladder_grace(const struct ladder *ladder);

/* The time until the end of the last wait. */
nsec_t ladder_total(const struct ladder *ladder);

/* "SIGTERM" for 15; signal numbers without a name give "SIGRTMIN+3" or "signal 99". Static or
 * thread-local text. */
const char *signal_name(int signo);

/* The number for "TERM" or "SIGTERM" (any case), or -1. */
int signal_number(const char *name);

#endif
