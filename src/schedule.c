/*
 * schedule: see the header. How a clock change is dealt with is explained at cron_next().
 */
#include "schedule.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	CRON_TEXT_MAX = 255,
	HOUR_SECONDS = 3600,
	DAY_SECONDS = 24 * HOUR_SECONDS,
	/* 29 February may be eight years away (2096 to 2104). */
	HORIZON_SECONDS = 8 * 366 * DAY_SECONDS,
	/* No zone keeps an offset for a shorter time than that, see next_change(). */
	PROBE_SECONDS = 7 * DAY_SECONDS,
	EVERY_HOUR = 0xffffff,
};

static const char blanks[] = " \t";

/*
 * Reading an expression
 */

static const char *const month_names[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct field {
	const char *what;
	unsigned min, max;
	const char *const *names; /* the first one stands for min; NULL: only numbers */
} fields[] = {
	{"minute", 0, 59, NULL},
	{"hour", 0, 23, NULL},
	{"day of month", 1, 31, NULL},
	{"month", 1, 12, month_names},
	{"day of week", 0, 7, weekday_names},
};

enum {
	MINUTE,
	HOUR,
	DAY,
	MONTH,
	WEEKDAY,
	FIELD_COUNT
};

static const struct nickname {
	const char *name, *text;
} nicknames[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"},
};

/* What stands between two blanks or commas; a piece of the caller's text, not terminated. */
struct word {
	const char *text;
	size_t len;
};

/* For "%.*s" */
#define WORD(word) (int)(word).len, (word).text

/* Cuts a word off the front of *rest, up to the character `end`. False when there is none. */
static bool word_cut(struct word *rest, char end, struct word *out)
{
	const char *stop = memchr(rest->text, end, rest->len);

	*out = *rest;
	if (stop == NULL) {
		rest->len = 0;
		return false;
	}
	out->len = stop - rest->text;
	rest->text = stop + 1;
	rest->len -= out->len + 1;
	return true;
}

/* A whole number of at most four digits. */
static bool word_number(struct word word, unsigned *out)
{
	*out = 0;
	if (word.len == 0 || word.len > 4)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.text[i] < '0' || word.text[i] > '9')
			return false;
		*out = *out * 10 + (word.text[i] - '0');
	}
	return true;
}

static int value_refuse(const struct field *field, struct word word, struct cause *cause)
{
	if (word.len == 0)
		return cause_set(cause, "a number is missing in the %s field", field->what);
	if (field->names != NULL)
		return cause_set(cause,
			"%s \"%.*s\" is not from %u to %u, nor a name (%s, %s, ...)", field->what,
			WORD(word), field->min, field->max, field->names[0], field->names[1]);
	return cause_set(cause, "%s \"%.*s\" is not from %u to %u", field->what, WORD(word),
		field->min, field->max);
}

/* A number within the field's bounds, or one of its names. */
static int value_read(
	const struct field *field, struct word word, unsigned *out, struct cause *cause)
{
	for (unsigned i = 0; field->names != NULL && field->names[i] != NULL; i++) {
		if (word.len != 3 || strncasecmp(field->names[i], word.text, 3) != 0)
			continue;
		*out = field->min + i;
		return 0;
	}
	if (!word_number(word, out) || *out < field->min || *out > field->max)
		return value_refuse(field, word, cause);
	return 0;
}

/* "*", "7" or "9-17", the part before a "/". */
static int range_read(const struct field *field, struct word word, unsigned *from, unsigned *to,
	struct cause *cause)
{
	struct word whole = word, first;

	*from = field->min;
	*to = field == &fields[WEEKDAY] ? 6 : field->max;
	if (word.len == 1 && word.text[0] == '*')
		return 0;
	bool is_range = word_cut(&word, '-', &first);
	if (value_read(field, first, from, cause) != 0)
		return -1;
	*to = *from;
	if (is_range && value_read(field, word, to, cause) != 0)
		return -1;
	if (field == &fields[WEEKDAY] && *to == 0 && *from > 0)
		*to = 7; /* "fri-sun" ends a week, it does not run backwards */
	if (*from > *to)
		return cause_set(cause,
			"%s range \"%.*s\" runs backwards; write two ranges with a "
			"comma between them",
			field->what, WORD(whole));
	return 0;
}

/* One item of a list: a range, with or without a step. */
static int item_read(
	const struct field *field, struct word item, uint64_t *bits, struct cause *cause)
{
	struct word whole = item, range;
	unsigned from, to, step = 1;
	bool has_step = word_cut(&item, '/', &range);

	if (range_read(field, range, &from, &to, cause) != 0)
		return -1;
	if (has_step && range.text[0] != '*' && memchr(range.text, '-', range.len) == NULL)
		return cause_set(cause,
			"\"%.*s\" in the %s field: a step needs a range or * before it",
			WORD(whole), field->what);
	if (has_step && (!word_number(item, &step) || step < 1 || step > field->max))
		return cause_set(cause, "\"%.*s\" in the %s field: the step must be from 1 to %u",
			WORD(whole), field->what, field->max);
	for (unsigned value = from; value <= to; value += step)
		*bits |= UINT64_C(1) << value;
	return 0;
}

/* A comma-separated list. */
static int field_read(
	const struct field *field, struct word list, uint64_t *bits, struct cause *cause)
{
	struct word item;
	bool more;

	*bits = 0;
	do {
		more = word_cut(&list, ',', &item);
		if (item_read(field, item, bits, cause) != 0)
			return -1;
	} while (more);
	return 0;
}

/* Splits into the five fields. */
static int fields_split(
	const char *text, struct word words[static FIELD_COUNT], struct cause *cause)
{
	size_t count = 0;

	for (const char *p = text + strspn(text, blanks); *p != '\0'; count++) {
		size_t len = strcspn(p, blanks);
		if (count < FIELD_COUNT)
			words[count] = (struct word){p, len};
		p += len;
		p += strspn(p, blanks);
	}
	if (count == FIELD_COUNT)
		return 0;
	return cause_set(cause,
		"\"%.80s\" has %zu field%s instead of five: minute, hour, day of month, month, day "
		"of week, such as 30 4 * * *",
		text, count, count == 1 ? "" : "s");
}

/* "@daily" becomes the five fields it stands for; other text stays as it is. */
static const char *nickname_expand(const char *text, struct cause *cause)
{
	size_t len = strcspn(text, blanks);

	if (text[0] != '@')
		return text;
	for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++)
		if (strlen(nicknames[i].name) == len &&
			strncasecmp(nicknames[i].name, text, len) == 0 &&
			text[len + strspn(text + len, blanks)] == '\0')
			return nicknames[i].text;
	cause_set(cause,
		"\"%.40s\" is not one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly "
		"and "
		"@annually",
		text);
	return NULL;
}

int cron_parse(const char *text, struct cron *out, struct cause *cause)
{
	uint64_t bits[FIELD_COUNT];
	struct word words[FIELD_COUNT];

	if (strlen(text) > CRON_TEXT_MAX)
		return cause_set(
			cause, "a cron expression may have at most %d characters", CRON_TEXT_MAX);
	const char *expanded = nickname_expand(text + strspn(text, blanks), cause);
	if (expanded == NULL || fields_split(expanded, words, cause) != 0)
		return -1;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (field_read(&fields[i], words[i], &bits[i], cause) != 0)
			return -1;
	if (bits[WEEKDAY] & 1U << 7)
		bits[WEEKDAY] |= 1;
	*out = (struct cron){
		.minutes = bits[MINUTE],
		.hours = bits[HOUR],
		.days = bits[DAY],
		.months = bits[MONTH],
		.weekdays = bits[WEEKDAY] & 0x7f,
		/* As Vixie's cron has it, a step over all days still counts as no restriction. */
		.any_day = words[DAY].text[0] == '*',
		.any_weekday = words[WEEKDAY].text[0] == '*',
	};
	return 0;
}

/*
 * Looking for the next time
 *
 * "Wall seconds" are what the clock on the wall shows, counted as if it were UTC. On that scale
 * the calendar has no clock changes, and looking for the next match is plain arithmetic.
 */

static bool day_matches(const struct cron *cron, const struct tm *tm)
{
	bool day = cron->days >> tm->tm_mday & 1;
	bool weekday = cron->weekdays >> tm->tm_wday & 1;

	return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

/* The lowest bit set from `from` on, or -1. */
static int bit_from(uint64_t bits, int from)
{
	bits = from > 63 ? 0 : bits >> from << from;
	return bits == 0 ? -1 : __builtin_ctzll(bits);
}

/* Moves to the first minute of the next month, day or hour; timegm() mends what overflows. */
static void skip(struct tm *tm, int months, int days, int hours)
{
	tm->tm_mon += months;
	tm->tm_mday = months > 0 ? 1 : tm->tm_mday + days;
	tm->tm_hour = months > 0 || days > 0 ? 0 : tm->tm_hour + hours;
	tm->tm_min = 0;
	timegm(tm);
}

/* The first match strictly after `wall`, both in wall seconds. False when it is beyond `limit`. */
static bool next_match(const struct cron *cron, time_t wall, time_t limit, time_t *match)
{
	time_t t = wall - (wall % 60 + 60) % 60 + 60; /* the next full minute, before 1970 too */
	struct tm tm;

	gmtime_r(&t, &tm);
	while (timegm(&tm) <= limit) {
		int hour = bit_from(cron->hours, tm.tm_hour);
		int minute = bit_from(cron->minutes, hour == tm.tm_hour ? tm.tm_min : 0);

		if (!(cron->months >> (tm.tm_mon + 1) & 1)) {
			skip(&tm, 1, 0, 0);
		} else if (!day_matches(cron, &tm) || hour < 0) {
			skip(&tm, 0, 1, 0);
		} else if (minute < 0) {
			skip(&tm, 0, 0, 1);
		} else {
			tm.tm_hour = hour;
			tm.tm_min = minute;
			*match = timegm(&tm);
			return *match <= limit;
		}
	}
	return false;
}

/* Seconds to add to UTC to get wall seconds. */
static long offset_at(time_t t)
{
	struct tm tm;

	return localtime_r(&t, &tm) == NULL ? 0 : tm.tm_gmtoff;
}

/*
 * The first moment after `from` and not after `to` at which the offset is no longer that of
 * `from`, or -1. Looks once a week, then halves: a zone that changes and changes back within
 * a week is not noticed.
 */
static time_t next_change(time_t from, time_t to)
{
	long offset = offset_at(from);
	time_t same = from;

	while (same < to) {
		time_t other = to - same > PROBE_SECONDS ? same + PROBE_SECONDS : to;
		if (offset_at(other) == offset) {
			same = other;
			continue;
		}
		while (other - same > 1) {
			time_t middle = same + (other - same) / 2;
			if (offset_at(middle) == offset)
				same = middle;
			else
				other = middle;
		}
		return other;
	}
	return -1;
}

/*
 * The latest wall time that was already reached at `t`. Within a doubled hour this is the end of
 * its first pass, else what the clock shows.
 */
static time_t wall_reached(time_t t)
{
	long offset = offset_at(t);
	time_t yesterday = t - DAY_SECONDS;
	long before = offset_at(yesterday);

	if (before <= offset)
		return t + offset;
	time_t change = next_change(yesterday, t);
	time_t end_of_pass = change - 1 + before;
	return end_of_pass > t + offset ? end_of_pass : t + offset;
}

/*
 * Time is walked in stretches between two clock changes; within one, wall time runs evenly.
 * `reached` says up to which wall time everything has had its turn, and makes both rules at once:
 *
 * - after a gap it is before the stretch, so a match in the skipped hour is found, and is due
 *   as soon as the stretch begins;
 * - in the second pass of a doubled hour it is at the end of the first one, so nothing comes
 *   twice.
 *
 * An expression for every hour is meant as a steady beat, not as an hour of the day. For that one
 * every stretch begins afresh: what the clock skips is left out, what it shows twice is due twice.
 */
time_t cron_next(const struct cron *cron, time_t after)
{
	bool steady = cron->hours == EVERY_HOUR;
	time_t start = after + 1;
	time_t reached = steady ? after + offset_at(after) : wall_reached(after);
	time_t limit = reached + HORIZON_SECONDS;

	for (time_t inside = after;;) {
		long offset = offset_at(inside);
		time_t match;
		if (!next_match(cron, reached, limit, &match))
			return -1;
		time_t due = match - offset < start ? start : match - offset;
		time_t change = next_change(inside, due);
		if (change < 0)
			return due;
		start = inside = change;
		reached = steady ? change - 1 + offset_at(change) : change - 1 + offset;
	}
}

/*
 * cron_next() never falls when its argument grows, so the newest time is found by halving: `missed`
 * was due, and after `quiet` nothing is due up to now.
 */
time_t cron_missed(const struct cron *cron, time_t since, time_t now)
{
	time_t missed = since < now ? cron_next(cron, since) : -1;
	time_t quiet = now;

	if (missed < 0 || missed > now)
		return -1;
	while (missed < quiet) {
		time_t middle = missed + (quiet - missed) / 2;
		time_t next = cron_next(cron, middle);
		if (next >= 0 && next <= now)
			missed = next;
		else
			quiet = middle;
	}
	return missed;
}

/*
 * Cycle and backoff
 */

nsec_t cycle_length(nsec_t cycle, nsec_t jitter, uint64_t random)
{
	if (cycle <= 0)
		return 0; /* never stays never */
	if (jitter <= 0)
		return cycle;
	/* random / 2^64 is the share; both ends of the jitter can be drawn. */
	return cycle + (nsec_t)((unsigned __int128)random * ((uint64_t)jitter + 1) >> 64);
}

int backoff_parse(const char *text, struct backoff *out, struct cause *cause)
{
	static const char separators[] = " \t,";
	const char *p = text + strspn(text, separators);
	struct backoff backoff = {.count = 0};

	if (*p == '\0')
		return cause_set(cause, "the list is empty; write the pauses, such as 0 20m 40m, "
					"or never");
	for (; *p != '\0'; backoff.count++) {
		char item[DURATION_TEXT];
		size_t len = strcspn(p, separators);
		const char *rest = p + len + strspn(p + len, separators);

		if (backoff.count == 0 && *rest == '\0' && len == 5 && strncmp(p, "never", 5) == 0)
			break;
		if (backoff.count == BACKOFF_MAX)
			return cause_set(cause, "there are more than %d pauses", BACKOFF_MAX);
		if (len >= sizeof item)
			return cause_set(cause, "\"%.40s...\" is too long for a duration", p);
		snprintf(item, sizeof item, "%.*s", (int)len, p);
		if (duration_parse(item, &backoff.pause[backoff.count], cause) != 0)
			return -1;
		p = rest;
	}
	*out = backoff;
	return 0;
}

const char *backoff_format(const struct backoff *backoff, char text[static BACKOFF_TEXT])
{
	size_t len = 0;

	if (backoff->count == 0)
		return strcpy(text, "never");
	for (size_t i = 0; i < backoff->count; i++) {
		char item[DURATION_TEXT];
		len += snprintf(text + len, BACKOFF_TEXT - len, "%s%s", i > 0 ? " " : "",
			duration_format(backoff->pause[i], item));
	}
	return text;
}

nsec_t backoff_pause(const struct backoff *backoff, unsigned crashes)
{
	size_t i = crashes > 0 ? crashes - 1 : 0;

	if (backoff->count == 0)
		return -1;
	return backoff->pause[i < backoff->count ? i : backoff->count - 1];
}
