/*
 * clock: see the header. The readers take text from people, so each of their failures says
 * what would be right; the writers cannot fail.
 */
#include "clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	BOOT_ID_LENGTH = 36,
	FRACTION_DIGITS = 9,
	DAY_SECONDS = 24 * 3600
};

/* The years that a nsec_t holds from January to December; before 1970 there is nothing to log. */
enum {
	YEAR_MIN = 1970,
	YEAR_MAX = 2261
};

static nsec_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

nsec_t clock_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

nsec_t clock_mono(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

nsec_t clock_cpu(void)
{
	return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

const char *clock_boot_id(void)
{
	static char id[BOOT_ID_LENGTH + 1];

	if (id[0] != '\0')
		return id;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (file == NULL)
		return id;
	if (fgets(id, sizeof id, file) == NULL)
		id[0] = '\0';
	fclose(file);
	id[strcspn(id, "\n")] = '\0';
	return id;
}

/*
 * Durations
 */

/* From the largest to the smallest, the order in which parts may follow each other. */
static const struct unit {
	const char *name;
	nsec_t nsec;
} units[] = {
	{"d", 24 * NSEC_PER_HOUR},
	{"h", NSEC_PER_HOUR},
	{"m", NSEC_PER_MIN},
	{"s", NSEC_PER_SEC},
	{"ms", NSEC_PER_MSEC},
};

enum {
	UNIT_COUNT = sizeof units / sizeof units[0],
	UNIT_SECOND = 3
};

/* One part of a duration, such as the "30m" of "1h30m" or the "1.5s" of "1.5s". */
struct part {
	int64_t whole;	  /* DURATION_MAX + 1 for anything that is larger */
	int64_t fraction; /* the digits after the point, as a number */
	int64_t scale;	  /* ten to the power of how many they are; 1 without a fraction */
	size_t unit;	  /* in units[]; UNIT_COUNT when there is none */
};

/* The position in units[] of a name of that length, or UNIT_COUNT. */
static size_t unit_find(const char *name, size_t len)
{
	size_t i = 0;

	while (i < UNIT_COUNT &&
		(strlen(units[i].name) != len || strncmp(units[i].name, name, len) != 0))
		i++;
	return i;
}

/* Reads a part and moves on behind it. Returns NULL, or what is wrong with it. */
static const char *part_read(const char **p, struct part *part)
{
	*part = (struct part){.scale = 1, .unit = UNIT_COUNT};
	if (!isdigit((unsigned char)**p))
		return "a number was expected";
	for (; isdigit((unsigned char)**p); (*p)++)
		part->whole = part->whole > DURATION_MAX / 10 ? DURATION_MAX + 1
							      : part->whole * 10 + (**p - '0');
	if (**p == '.') {
		size_t digits = strspn(++*p, "0123456789");
		if (digits == 0)
			return "a digit is missing after the point";
		if (digits > FRACTION_DIGITS)
			return "it has more than 9 digits after the point";
		for (; digits > 0; digits--, part->scale *= 10)
			part->fraction = part->fraction * 10 + (*(*p)++ - '0');
	}
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz");
	part->unit = unit_find(*p, len);
	*p += len;
	return len > 0 && part->unit == UNIT_COUNT ? "the unit is unknown" : NULL;
}

/* Adds up the parts in 128 bits, where no part and no sum of five can overflow. */
static const char *duration_sum(const char *text, __int128 *total)
{
	size_t largest = 0; /* the largest unit that may still come */
	const char *p = text;
	struct part part;

	*total = 0;
	if (*text == '\0')
		return "it is empty";
	do {
		bool only = p == text;
		const char *wrong = part_read(&p, &part);
		if (wrong != NULL)
			return wrong;
		if (part.unit == UNIT_COUNT && *p == '\0' && only)
			part.unit = UNIT_SECOND;
		if (part.unit == UNIT_COUNT)
			return *p == '\0' ? "the last number has no unit" : "the unit is unknown";
		if (part.unit < largest)
			return "its units must fall, as in 1h30m";
		if (part.scale > 1 && *p != '\0')
			return "only the last part may have a fraction";
		__int128 unit = units[part.unit].nsec;
		*total += part.whole * unit + part.fraction * unit / part.scale;
		largest = part.unit + 1;
	} while (*p != '\0');
	return NULL;
}

int duration_parse(const char *text, nsec_t *out, struct cause *cause)
{
	__int128 total;
	const char *wrong = duration_sum(text, &total);

	if (wrong != NULL)
		return cause_set(cause,
			"\"%.40s\" is not a duration (%s); write a number with a unit "
			"(ms, s, m, h, d), such as 30s, 1h30m or 1.5s",
			text, wrong);
	if (total > DURATION_MAX)
		return cause_set(
			cause, "\"%.40s\" is too long a duration; the longest is 366d", text);
	*out = (nsec_t)total;
	return 0;
}

/* Cuts the zeros that end a fraction, and the point when nothing is left behind it. */
static size_t trim_fraction(char *text, size_t len)
{
	while (text[len - 1] == '0')
		len--;
	if (text[len - 1] == '.')
		len--;
	text[len] = '\0';
	return len;
}

const char *duration_format(nsec_t value, char text[static DURATION_TEXT])
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	size_t len = 0;

	if (value == 0)
		return strcpy(text, "0s");
	if (value < 0)
		text[len++] = '-';
	for (size_t i = 0; i < UNIT_SECOND; i++) {
		uint64_t count = rest / units[i].nsec;
		rest %= units[i].nsec;
		if (count > 0)
			len += snprintf(text + len, DURATION_TEXT - len, "%llu%s",
				(unsigned long long)count, units[i].name);
	}
	if (rest == 0)
		return text;
	bool below = rest < (uint64_t)NSEC_PER_SEC;
	uint64_t unit = below ? NSEC_PER_MSEC : NSEC_PER_SEC;
	len += snprintf(text + len, DURATION_TEXT - len, "%llu.%0*llu",
		(unsigned long long)(rest / unit), below ? 6 : 9,
		(unsigned long long)(rest % unit));
	len = trim_fraction(text, len);
	snprintf(text + len, DURATION_TEXT - len, "%s", below ? "ms" : "s");
	return text;
}

/*
 * Points in time, written
 */

/* Splits into seconds and the nanoseconds above them, which are never negative. */
static time_t wall_split(nsec_t wall, long *nsec)
{
	time_t seconds = wall / NSEC_PER_SEC;

	*nsec = wall % NSEC_PER_SEC;
	if (*nsec < 0) {
		*nsec += NSEC_PER_SEC;
		seconds--;
	}
	return seconds;
}

/* YYYY-MM-DDTHH:MM:SS in UTC. Every nsec_t has a year of four digits, so this always fits. */
static size_t utc_format(time_t seconds, char text[static TIME_TEXT])
{
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return strftime(text, TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
}

const char *time_format_log(nsec_t wall, char text[static TIME_TEXT])
{
	long nsec;
	size_t len = utc_format(wall_split(wall, &nsec), text);

	snprintf(text + len, TIME_TEXT - len, ".%06ld+00:00", nsec / (long)NSEC_PER_USEC);
	return text;
}

const char *time_format_exact(nsec_t wall, char text[static TIME_TEXT])
{
	long nsec;
	size_t len = utc_format(wall_split(wall, &nsec), text);

	snprintf(text + len, TIME_TEXT - len, ".%09ldZ", nsec);
	return text;
}

const char *time_format_ps(nsec_t wall, char text[static TIME_TEXT])
{
	long nsec;
	time_t seconds = wall_split(wall, &nsec);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(text, TIME_TEXT, "%Y/%m/%d %H:%M:%S %z", &tm);
	return text;
}

const char *time_format_ago(nsec_t age, char text[static TIME_TEXT])
{
	long long seconds = age < 0 ? 0 : age / NSEC_PER_SEC;

	if (seconds < 60)
		snprintf(text, TIME_TEXT, "(~ %llds ago)", seconds);
	else if (seconds < 3600)
		snprintf(text, TIME_TEXT, "(~ %lldm ago)", seconds / 60);
	else if (seconds < 25 * 3600)
		snprintf(text, TIME_TEXT, "(~ %lldh ago)", seconds / 3600);
	else
		text[0] = '\0';
	return text;
}

/*
 * Points in time, read
 */

struct moment {
	struct tm tm;
	long nsec;
	bool has_offset;
	long offset; /* seconds east of Greenwich */
};

/* Reads exactly count digits. */
static bool take_digits(const char **p, int count, int *out)
{
	*out = 0;
	for (; count > 0; count--, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool take_char(const char **p, const char *set)
{
	if (**p == '\0' || strchr(set, **p) == NULL)
		return false;
	(*p)++;
	return true;
}

/* YYYY-MM-DD */
static bool take_date(const char **p, struct tm *tm)
{
	if (!take_digits(p, 4, &tm->tm_year) || !take_char(p, "-") ||
		!take_digits(p, 2, &tm->tm_mon) || !take_char(p, "-") ||
		!take_digits(p, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return true;
}

/* HH:MM[:SS[.fraction]]; digits beyond the nanosecond are dropped. */
static bool take_clock(const char **p, struct moment *moment)
{
	struct tm *tm = &moment->tm;

	if (!take_digits(p, 2, &tm->tm_hour) || !take_char(p, ":") ||
		!take_digits(p, 2, &tm->tm_min))
		return false;
	if (!take_char(p, ":"))
		return true;
	if (!take_digits(p, 2, &tm->tm_sec))
		return false;
	if (!take_char(p, "."))
		return true;
	if (!isdigit((unsigned char)**p))
		return false;
	for (long unit = NSEC_PER_SEC / 10; isdigit((unsigned char)**p); unit /= 10, (*p)++)
		moment->nsec += (**p - '0') * unit;
	return true;
}

/* Z, +HH:MM or -HH:MM */
static bool take_offset(const char **p, struct moment *moment)
{
	bool west = **p == '-';
	int hours, minutes;

	moment->has_offset = true;
	if (take_char(p, "Zz"))
		return true;
	if (!take_char(p, "+-") || !take_digits(p, 2, &hours) || !take_char(p, ":") ||
		!take_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	moment->offset = (west ? -1 : 1) * (hours * 3600L + minutes * 60L);
	return true;
}

/* "YYYY-MM-DD" with or without a time and an offset, or "HH:MM[:SS]", whose day is not set. */
static bool moment_read(const char *text, bool dated, struct moment *moment)
{
	const char *p = text;

	if (!dated)
		return take_clock(&p, moment) && *p == '\0';
	if (!take_date(&p, &moment->tm))
		return false;
	if (*p == '\0')
		return true;
	if (!take_char(&p, "Tt ") || !take_clock(&p, moment))
		return false;
	return *p == '\0' || (take_offset(&p, moment) && *p == '\0');
}

static bool day_exists(const struct tm *tm)
{
	struct tm same = {.tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday};

	timegm(&same);
	return same.tm_mon == tm->tm_mon && same.tm_mday == tm->tm_mday;
}

static long offset_at(time_t seconds)
{
	struct tm tm;

	localtime_r(&seconds, &tm);
	return tm.tm_gmtoff;
}

/* In the hour that a clock change doubles the first is meant, so that --since shows more, not less.
 */
static time_t local_seconds(struct tm *tm)
{
	tm->tm_isdst = -1;
	time_t seconds = mktime(tm);
	long before = offset_at(seconds - DAY_SECONDS);
	time_t earlier = seconds + tm->tm_gmtoff - before;

	return earlier < seconds && offset_at(earlier) == before ? earlier : seconds;
}

static int moment_check(const char *text, const struct moment *moment, struct cause *cause)
{
	const struct tm *tm = &moment->tm;

	if (tm->tm_year + 1900 < YEAR_MIN || tm->tm_year + 1900 > YEAR_MAX)
		return cause_set(cause,
			"\"%.40s\" is no time to be found in a log: the year must be "
			"from %d to %d",
			text, YEAR_MIN, YEAR_MAX);
	if (!day_exists(tm))
		return cause_set(cause, "\"%.40s\" is not a time: there is no such day", text);
	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return cause_set(cause,
			"\"%.40s\" is not a time: hours go to 23, minutes and seconds to 59", text);
	return 0;
}

static int time_refuse(const char *text, struct cause *cause)
{
	return cause_set(cause,
		"\"%.40s\" is not a time; write 2026-06-09T16:13:38Z, \"2026-06-09 16:13\", "
		"2026-06-09, 16:13 or how long ago, such as 10m",
		text);
}

static int time_parse_ago(const char *text, nsec_t now, nsec_t *out, struct cause *cause)
{
	nsec_t ago;

	if (!isdigit((unsigned char)*text))
		return time_refuse(text, cause);
	if (duration_parse(text, &ago, cause) != 0)
		return -1;
	*out = now - ago;
	return 0;
}

int time_parse(const char *text, nsec_t now, nsec_t *out, struct cause *cause)
{
	struct moment moment = {0};
	bool dated = strchr(text, '-') != NULL;
	long now_nsec;
	time_t today = wall_split(now, &now_nsec);

	if (!dated && strchr(text, ':') == NULL)
		return time_parse_ago(text, now, out, cause);
	localtime_r(&today, &moment.tm);
	moment.tm.tm_hour = moment.tm.tm_min = moment.tm.tm_sec = 0;
	if (!moment_read(text, dated, &moment))
		return time_refuse(text, cause);
	if (moment_check(text, &moment, cause) != 0)
		return -1;
	time_t seconds =
		moment.has_offset ? timegm(&moment.tm) - moment.offset : local_seconds(&moment.tm);
	*out = seconds * NSEC_PER_SEC + moment.nsec;
	return 0;
}
