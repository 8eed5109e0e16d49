/*
 * What the fake operations of a test have done, in words and in its order, as one line of text:
 * "up>starting; stop 1; launch 2".
 */
#ifndef GRACECTL_DID_H
#define GRACECTL_DID_H

#include <stdio.h>

#include "buf.h"
#include "clock.h"

static struct {
	struct buf words;
	nsec_t before; /* monotonic: when the last event was handed in */
} doings;

static inline void did(const char *what)
{
	if (doings.words.len > 0)
		buf_adds(&doings.words, "; ");
	buf_adds(&doings.words, what);
}

/* A timer was set, or stopped with due 0. The wait is told in whole half seconds, so the time that
 * the test itself takes does not matter. */
static inline void did_timer(const char *name, nsec_t due)
{
	const nsec_t grain = NSEC_PER_SEC / 2;
	char wait[DURATION_TEXT], text[80];

	snprintf(text, sizeof text, "%s %s", name,
		due == 0 ? "off" : duration_format((due - doings.before) / grain * grain, wait));
	did(text);
}

/* From now on waits are counted. */
static inline void did_begin(void)
{
	doings.before = clock_mono();
}

/* Hands out what was gathered, and begins anew; good until the next call with the same `out`. */
static inline const char *take_text(struct buf *from, struct buf *out)
{
	buf_reset(out);
	buf_adds(out, from->len > 0 ? from->data : "");
	buf_reset(from);
	return out->data;
}

/* What was done since the last call; good until the next one. */
static inline const char *done(void)
{
	static struct buf text;

	return take_text(&doings.words, &text);
}

#endif
