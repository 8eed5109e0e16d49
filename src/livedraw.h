/*
 * livedraw: the moving part of a terminal as text, and the lines that stay.
 *
 *     web.1     draining 3 connections  ▕███▁▁▁▁▏  4.2 s of 30 s
 *     worker.1  ending, 2 processes     ▕███▁▁▁▁▏  4.2 s of 30 s
 *     and 37 more, 20 of 59 stopped
 *
 * A line is never wider than the terminal less one column, for one that fills it may be wrapped.
 * When there is little room, words become fewer, then the bar goes, then the end of the line.
 * Nothing here knows a terminal: size, colours and characters are handed in.
 */
#ifndef GRACECTL_LIVEDRAW_H
#define GRACECTL_LIVEDRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "clock.h"
#include "livework.h"

enum {
	LIVE_LINES_MAX = 100 /* more would not be read */
};

/* The widest that was ever drawn. */
struct livewidths {
	unsigned text, time, rest;
};

struct livedraw {
	unsigned columns, rows; /* of the terminal; at least 1 */
	bool unicode;		/* block characters instead of ASCII */
	bool color;
	struct livewidths widths[2]; /* in full words, and in brief; 0 at first */
};

/* A frame: its lines, each with its newline, and how many columns each takes. */
struct liveframe {
	struct buf text;
	size_t count;
	unsigned width[LIVE_LINES_MAX];
};

/* Draws all rows that are not done, or as many as there is room for, and leaves the last row of the
 * terminal to the cursor. Replaces what was in frame. */
void livedraw_frame(
	struct livedraw *draw, const struct livework *work, nsec_t now, struct liveframe *frame);

/* How many rows there are for the lines of dynos. */
size_t livedraw_room(const struct livedraw *draw);

/*
 * Appends the line that stays when a dyno has got there, or will not (failed); said is what the
 * supervisor says of it. With its newline.
 */
void livedraw_result(const struct livedraw *draw, const struct livework *work,
	const struct live_row *row, bool failed, const char *said, nsec_t now, struct buf *out);

/* Appends the line that stays instead when that has become untrue: it had got there, and failed
 * since. With its newline. */
void livedraw_revised(const struct livedraw *draw, const struct livework *work, const char *dyno,
	const char *said, struct buf *out);

/* Appends another line about a dyno that stays. With its newline. */
void livedraw_note(
	const struct livework *work, const char *dyno, const char *text, struct buf *out);

void liveframe_release(struct liveframe *frame);

#endif
