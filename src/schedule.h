/*
 * schedule: when something is due. Pure functions of time and configuration, no
 * timer and no clock is read here, so every rule can be tested with plain numbers.
 *
 * - cron: the five fields of crontab(5) with names, lists, ranges, steps and Vixie's
 *   rule that day of month and day of week are or-ed when both are restricted; @daily etc. too.
 * - the calendar is that of the process's time zone (TZ, tzset(3)); around a clock change
 *   an hour that is skipped is due right after the gap, one that is doubled is due once
 *   (at its first occurrence).
 * - cycle: 24 h plus a jitter drawn once per start (heroku.md section 3).
 * - backoff: the pause before the n-th restart of a crashing dyno (heroku.md section 4).
 */
#ifndef GRACECTL_SCHEDULE_H
#define GRACECTL_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cause.h"
#include "clock.h"

struct cron {
	uint64_t minutes; /* bit n: minute n, 0-59 */
	uint32_t hours;	  /* bit n: hour n, 0-23 */
	uint32_t days;	  /* bit n: day of month n, 1-31 */
	uint16_t months;  /* bit n: month n, 1-12 */
	uint8_t weekdays; /* bit n: weekday n, 0 = Sunday (7 is read as 0) */
	bool any_day;	  /* day of month was "*" */
	bool any_weekday; /* day of week was "*" */
};

int cron_parse(const char *text, struct cron *out, struct cause *cause);

/*
 * The first time strictly after `after` at which the expression is due, in seconds since 1970,
 * in the process's time zone; -1 when there is none within the next 8 years ("0 0 31 2 *").
 */
time_t cron_next(const struct cron *cron, time_t after);

/*
 * The newest time at or before `now` and after `since` at which it was due, or -1: what was missed
 * while nobody watched.
 */
time_t cron_missed(const struct cron *cron, time_t since, time_t now);

/* cycle + a share of jitter; random is a number drawn by the caller, uniform over uint64_t. */
nsec_t cycle_length(nsec_t cycle, nsec_t jitter, uint64_t random);

enum {
	BACKOFF_MAX = 16
};

struct backoff {
	nsec_t pause[BACKOFF_MAX]; /* pause[0] before the first restart; the last one repeats */
	size_t count;		   /* 0: never restart by itself */
};

/* Reads "0 20m 40m 60m 180m 320m" (blanks or commas) or "never". */
int backoff_parse(const char *text, struct backoff *out, struct cause *cause);

enum {
	BACKOFF_TEXT = 16 * DURATION_TEXT
};
const char *backoff_format(const struct backoff *backoff, char text[static BACKOFF_TEXT]);

/* The pause before restart number crashes (from 1) in a row, or -1 for never. */
nsec_t backoff_pause(const struct backoff *backoff, unsigned crashes);

#endif
