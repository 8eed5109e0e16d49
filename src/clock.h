/*
 * clock: times and durations.
 *
 * Every time in the project is an int64_t of nanoseconds (nsec_t). Two clocks:
 * wall time (since 1970, UTC) is for people and calendars; monotonic time is for
 * deadlines and survives a change of the wall clock. Monotonic times are the same
 * for every process of one boot, so they may stand in a state file beside the boot id.
 */
#ifndef GRACECTL_CLOCK_H
#define GRACECTL_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "cause.h"

typedef int64_t nsec_t;

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC INT64_C(1000000000)
#define NSEC_PER_MIN (60 * NSEC_PER_SEC)
#define NSEC_PER_HOUR (60 * NSEC_PER_MIN)

/* The longest duration that is accepted anywhere: 366 days. */
#define DURATION_MAX (366 * 24 * NSEC_PER_HOUR)

nsec_t clock_wall(void);
nsec_t clock_mono(void);

/* What this process has spent of the CPU. Where others want it too, work is measured by this rather
 * than by the time that it takes. */
nsec_t clock_cpu(void);

/* This boot's id, as in /proc/sys/kernel/random/boot_id; "" where it cannot be read. */
const char *clock_boot_id(void);

/*
 * Reads a duration: a number with a unit (ms s m h d), or several such parts in
 * falling order ("1h30m"); a bare number is seconds. A fraction is allowed in the
 * last part ("1.5s"). Returns 0, or -1 with a sentence that says what would be right.
 */
int duration_parse(const char *text, nsec_t *out, struct cause *cause);

/* Writes a duration so that duration_parse() reads the same value back: "1h30m", "250ms", "0s". */
enum {
	DURATION_TEXT = 48
};
const char *duration_format(nsec_t value, char text[static DURATION_TEXT]);

/* RFC 3339 in UTC with microseconds, as Heroku prints it: 2026-06-09T16:13:38.269578+00:00 */
enum {
	TIME_TEXT = 40
};
const char *time_format_log(nsec_t wall, char text[static TIME_TEXT]);

/* The same with nanoseconds and a Z, as the journal keeps it: 2026-06-09T16:13:38.269578123Z */
const char *time_format_exact(nsec_t wall, char text[static TIME_TEXT]);

/* Heroku's time of ps, in local time: 2026/10/09 11:02:03 +0000 */
const char *time_format_ps(nsec_t wall, char text[static TIME_TEXT]);

/* Heroku's "(~ 12s ago)" after a time in ps; "" from 25 hours on. */
const char *time_format_ago(nsec_t age, char text[static TIME_TEXT]);

/*
 * Reads a point in time for --since: RFC 3339 (with Z or an offset), "YYYY-MM-DD[ HH:MM[:SS]]"
 * and "HH:MM[:SS]" (today) in local time, or a duration ago ("10m"). Returns 0, or -1 with a
 * sentence.
 */
int time_parse(const char *text, nsec_t now, nsec_t *out, struct cause *cause);

#endif
