/*
 * stopplot: one stop as a picture: time across, a bar for each phase, the connections as falling
 * steps, the signals as marks, the end of each process.
 *
 * The model is made from a `stopped` event and holds what the two renderers (terminal, SVG) share:
 * which phases there are and where they begin and end, how far the axis goes, and where its ticks
 * are. Journals of earlier versions lack counts, signals and exits; the picture then has less in
 * it, and never more than is known.
 */
#ifndef GRACECTL_STOPPLOT_H
#define GRACECTL_STOPPLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "stopdoc.h"

enum {
	STOPPLOT_PHASES = 4,
	STOPPLOT_SIGNALS = 32,
	STOPPLOT_STEPS = 512,
	STOPPLOT_EXITS = 64,
	STOPPLOT_LABEL = 64
};

/* What is said of a phase that is open. */
extern const char *const stopplot_at_exit;

/* The sequence of phases is the one in which a correct shutdown goes through them. */
struct stopplot_phase {
	const char *name; /* "draining" */
	int64_t begin, end;
	bool open; /* the program did not finish it: the end of its process did */
};

struct stopplot_signal {
	int64_t ms;
	const char *name;  /* "SIGTERM" */
	int64_t processes; /* 0: not known */
};

/* The connections from this moment on. */
struct stopplot_step {
	int64_t ms;
	int64_t open[2]; /* by enum stopplot_side */
};

enum stopplot_side {
	STOPPLOT_INBOUND,
	STOPPLOT_OUTBOUND,
	STOPPLOT_SIDES
};

extern const char *const stopplot_side_names[STOPPLOT_SIDES];

struct stopplot_exit {
	int64_t ms, pid;
	const char *name;
};

/* All texts live as long as the document it was made from. */
struct stopplot {
	const bson_t *stop;
	const char *dyno, *reason, *verdict, *evidence, *peers;
	nsec_t began;	 /* wall time of the first signal */
	int64_t ms;	 /* how long it took */
	int64_t allowed; /* or STOPDOC_NEVER */
	int64_t span;	 /* where the axis ends, > 0: at the end of the stop, or at the time allowed
			    when    that is not far beyond */
	bool visible;	 /* its sockets could be seen */
	bool coarse;	 /* a look once a second */
	struct stopplot_phase phases[STOPPLOT_PHASES];
	size_t phase_count;
	struct stopplot_signal signals[STOPPLOT_SIGNALS];
	size_t signal_count;
	struct stopplot_step steps[STOPPLOT_STEPS];
	size_t step_count; /* 0: not recorded */
	int64_t most[STOPPLOT_SIDES], at_signal[STOPPLOT_SIDES];
	struct stopplot_exit exits[STOPPLOT_EXITS];
	size_t exit_count; /* 0: not recorded */
	size_t processes;  /* that were told, at least as many */
};

void stopplot_init(struct stopplot *plot, const bson_t *stop);

/* The most connections that were open on a side at any moment from ms `from` to `to`. */
int64_t stopplot_open_between(
	const struct stopplot *plot, enum stopplot_side side, int64_t from, int64_t to);

/* The smallest step of 1, 2 or 5 times a power of ten that cuts span into at most so many parts (1
 * to 100). */
int64_t stopplot_tick(int64_t span, unsigned parts);

/* The label of a place on an axis with such a step: "0", "0.5", "20". Seconds. */
const char *stopplot_tick_label(int64_t ms, int64_t step, char text[static STOPPLOT_LABEL]);

/* How many bytes of a text (valid UTF-8) make its first line of at most so many columns, of which
 * there are two at least. It is cut at a blank where there is one, and never within a character. */
size_t stopplot_line(const char *text, size_t columns);

/* What is to be said beside the picture, one line each. */
void stopplot_title(const struct stopplot *plot, struct buf *out); /* "web.1 restart: clean" */
void stopplot_subtitle(const struct stopplot *plot, struct buf *out);
/* These may add nothing. */
void stopplot_peers(const struct stopplot *plot, struct buf *out);
void stopplot_evidence(const struct stopplot *plot, struct buf *out);
void stopplot_note(const struct stopplot *plot, struct buf *out);

enum {
	STOPPLOT_WIDTH_MIN = 40
};

/* What a terminal can show. */
struct stopplot_screen {
	unsigned width; /* columns, at least STOPPLOT_WIDTH_MIN */
	bool utf8, color;
};

void stopplot_text(
	const struct stopplot *plot, const struct stopplot_screen *screen, struct buf *out);
void stopplot_svg(const struct stopplot *plot, struct buf *out);

#endif
