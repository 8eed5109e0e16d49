/*
 * What the tests of schedule share. Times are written as local text with their offset, so that the
 * two passes of a doubled hour can be told apart.
 */
#ifndef GRACECTL_CRONRIG_H
#define GRACECTL_CRONRIG_H

#include "schedule.h"

#include <stdlib.h>
#include <time.h>

#include "tap.h"

static inline void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* "2026-03-29 03:00:00 +0200" to seconds since 1970. */
static inline time_t at(const char *text)
{
	struct tm tm = {0};

	if (strptime(text, "%Y-%m-%d %H:%M:%S %z", &tm) == NULL) {
		printf("Bail out! the test has a bad time: %s\n", text);
		exit(1);
	}
	long offset = tm.tm_gmtoff;
	return timegm(&tm) - offset;
}

/* The other way round; a time that is none is "never". */
static inline const char *shown(time_t t, char text[static TIME_TEXT])
{
	struct tm tm;

	if (t == -1)
		return "never";
	localtime_r(&t, &tm);
	strftime(text, TIME_TEXT, "%Y-%m-%d %H:%M:%S %z", &tm);
	return text;
}

static inline struct cron parsed(const char *expression)
{
	struct cause cause = {""};
	struct cron cron = {0};

	if (cron_parse(expression, &cron, &cause) != 0)
		printf("# \"%s\" was refused: %s\n", expression, cause.text);
	return cron;
}

#endif
