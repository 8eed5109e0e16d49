/*
 * livescreen: what a command has on the terminal below its first line, and how it is changed.
 *
 *     app.1     up in 0.3 s: pid 4711            lines that stay
 *     worker.1  starting  ▕███▁▁▁▁▏  4.2 s       the frame: lines that move, see livedraw.h
 *
 * Lines that stay stand above those that move, in the order in which they came. One of a dyno can
 * still be replaced when it has become untrue; then everything from there on is written anew. What
 * has left the window for the part that only scrolling back shows cannot be changed any more; a
 * line that should be comes once more, below.
 *
 * Nothing here knows a terminal: what is to be written to it is handed out, and all moves are
 * relative to where the cursor stands.
 */
#ifndef GRACECTL_LIVESCREEN_H
#define GRACECTL_LIVESCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "livedraw.h"

/* A line that stays. */
struct screen_line {
	char *dyno;	 /* whose result it is, or NULL: it is never replaced. Owned */
	char *text;	 /* without newline. Owned */
	bool is_written; /* the terminal has it, as it is */
	bool stands;	 /* the terminal has it, or what was there before it was replaced */
	unsigned width;	 /* columns of what stands; 0 when they cannot be known */
};

struct livescreen {
	struct screen_line *lines; /* owned; those that stand come first */
	size_t count;
	struct liveframe frame; /* what stands below them */
};

/* Adds a line that stays: the result of a dyno, or, without one, what else there is to say. Its
 * newline may be missing. */
void livescreen_add(struct livescreen *screen, const char *dyno, const char *line);

/* The result of a dyno has become another one. */
void livescreen_replace(struct livescreen *screen, const char *dyno, const char *line);

/*
 * Takes over a new frame and appends what brings the terminal to all of this; nothing, when it is
 * there already.
 */
void livescreen_draw(struct livescreen *screen, const struct livedraw *size,
	struct liveframe *frame, struct buf *out);

/* The cursor is somewhere else now: what stands there is left as it is. */
void livescreen_leave(struct livescreen *screen);

void livescreen_release(struct livescreen *screen);

#endif
