/* Tests of schedule: when a cron expression is due next, around the calendar and clock changes, and
 * what was missed. */
#include "cronrig.h"

enum {
	DAY_SECONDS = 24 * 3600
};

/* The next time */

struct next_case {
	const char *expression, *after, *expected, *name;
};

static void check_next(const struct next_case *cases, size_t count)
{
	char text[TIME_TEXT];

	for (size_t i = 0; i < count; i++) {
		struct cron cron = parsed(cases[i].expression);
		time_t next = cron_next(&cron, at(cases[i].after));
		is_str(shown(next, text), cases[i].expected, cases[i].name);
	}
}

#define CHECK_NEXT(cases) check_next(cases, sizeof(cases) / sizeof(cases)[0])

static void test_calendar(void)
{
	static const struct next_case cases[] = {
		{"30 4 * * *", "2026-06-09 04:29:59 +0000", "2026-06-09 04:30:00 +0000",
			"a second before, it is due today"},
		{"30 4 * * *", "2026-06-09 04:30:00 +0000", "2026-06-10 04:30:00 +0000",
			"on time, the next is tomorrow"},
		{"30 4 * * *", "2026-12-31 04:30:01 +0000", "2027-01-01 04:30:00 +0000",
			"after the last of the year comes the first"},
		{"* * * * *", "2026-06-09 23:59:30 +0000", "2026-06-10 00:00:00 +0000",
			"every minute goes over midnight"},
		{"*/15 9-17 * * mon-fri", "2026-06-12 17:45:00 +0000", "2026-06-15 09:00:00 +0000",
			"office hours skip the weekend"},
		{"0 0 1 * *", "2026-01-31 12:00:00 +0000", "2026-02-01 00:00:00 +0000",
			"the first of the month follows a long month"},
		{"0 0 31 * *", "2026-03-31 00:00:00 +0000", "2026-05-31 00:00:00 +0000",
			"the 31st skips months of 30 days"},
		{"0 0 29 2 *", "2026-06-09 00:00:00 +0000", "2028-02-29 00:00:00 +0000",
			"the leap day is found in the next leap year"},
		{"0 0 29 2 *", "2096-02-29 00:00:00 +0000", "2104-02-29 00:00:00 +0000",
			"the leap day is found over 2100, which has none"},
		{"0 0 29 2 0", "2026-02-20 12:00:00 +0000", "2026-02-22 00:00:00 +0000",
			"day and weekday are or-ed when both are restricted: the weekday"},
		{"0 0 13 * 5", "2026-02-07 00:00:00 +0000", "2026-02-13 00:00:00 +0000",
			"the 13th that is a Friday is due once"},
		{"0 0 15 * 5", "2026-02-13 12:00:00 +0000", "2026-02-15 00:00:00 +0000",
			"day and weekday are or-ed when both are restricted: the day"},
		{"0 0 */2 * 1", "2026-06-09 00:00:00 +0000", "2026-06-15 00:00:00 +0000",
			"a step over all days and a weekday must both match"},
		{"0 0 1 * */2", "2026-06-09 00:00:00 +0000", "2026-08-01 00:00:00 +0000",
			"a day and a step over all weekdays must both match"},
		{"0 0 * * 7", "2026-06-09 00:00:00 +0000", "2026-06-14 00:00:00 +0000",
			"weekday 7 is due on Sunday"},
		{"59 23 31 12 *", "2026-12-31 23:59:00 +0000", "2027-12-31 23:59:00 +0000",
			"the last minute of the year comes again"},
		{"0 0 31 2 *", "2026-06-09 00:00:00 +0000", "never", "31 February is never due"},
		{"0 0 30 2 *", "2026-06-09 00:00:00 +0000", "never", "30 February is never due"},
		{"0 0 31 4,6,9,11 *", "2026-06-09 00:00:00 +0000", "never",
			"a 31st in short months only is never due"},
		{"0 0 31 2 1", "2026-06-09 00:00:00 +0000", "2027-02-01 00:00:00 +0000",
			"31 February or a Monday is due on Mondays of February"},
	};
	static const struct next_case west[] = {
		{"30 4 * * *", "1970-01-01 00:00:00 +0000", "1970-01-01 04:30:00 -0500",
			"the first day of 1970 works west of Greenwich"},
		{"0 20 * * *", "1970-01-01 00:00:00 +0000", "1969-12-31 20:00:00 -0500",
			"a local date in 1969 may come after the start of 1970"},
		{"30 19 * * *", "1970-01-01 00:00:00 +0000", "1969-12-31 19:30:00 -0500",
			"a local time in 1969 is no failure"},
	};

	use_zone("UTC");
	CHECK_NEXT(cases);
	use_zone("America/New_York");
	CHECK_NEXT(west);
}

/* Berlin: 2026-03-29 02:00 +0100 -> 03:00 +0200; 2026-10-25 03:00 +0200 -> 02:00 +0100 */
static void test_berlin(void)
{
	static const struct next_case cases[] = {
		{"30 2 * * *", "2026-03-28 12:00:00 +0100", "2026-03-29 03:00:00 +0200",
			"a skipped time is due right after the gap"},
		{"30 2 * * *", "2026-03-29 01:59:59 +0100", "2026-03-29 03:00:00 +0200",
			"a skipped time is due right after the gap, seen from its edge"},
		{"30 2 * * *", "2026-03-29 03:00:00 +0200", "2026-03-30 02:30:00 +0200",
			"a skipped time is due once"},
		{"*/15 2 * * *", "2026-03-29 01:00:00 +0100", "2026-03-29 03:00:00 +0200",
			"several skipped times are due together"},
		{"*/15 2 * * *", "2026-03-29 03:00:00 +0200", "2026-03-30 02:00:00 +0200",
			"several skipped times are not made up one by one"},
		{"30 2,3 * * *", "2026-03-29 03:00:00 +0200", "2026-03-29 03:30:00 +0200",
			"after the gap the day goes on as written"},
		{"0 3 * * *", "2026-03-29 01:00:00 +0100", "2026-03-29 03:00:00 +0200",
			"a time at the end of the gap is not skipped"},
		{"30 2 29 3 *", "2025-06-01 00:00:00 +0200", "2026-03-29 03:00:00 +0200",
			"a date whose time is skipped is due on that date"},
		{"30 4 * * *", "2026-03-28 04:30:00 +0100", "2026-03-29 04:30:00 +0200",
			"a time after the gap is due by the new clock"},
		{"30 2 * * *", "2026-10-24 02:30:00 +0200", "2026-10-25 02:30:00 +0200",
			"a doubled time is due at its first pass"},
		{"30 2 * * *", "2026-10-25 02:30:00 +0200", "2026-10-26 02:30:00 +0100",
			"a doubled time is not due at its second pass"},
		{"30 2 * * *", "2026-10-25 02:00:00 +0100", "2026-10-26 02:30:00 +0100",
			"a doubled time is not due at its second pass, seen from within it"},
		{"*/15 2 * * *", "2026-10-25 02:45:00 +0200", "2026-10-26 02:00:00 +0100",
			"several doubled times are due in the first pass only"},
		{"0 2,3 * * *", "2026-10-25 02:00:00 +0200", "2026-10-25 03:00:00 +0100",
			"after the doubled hour the day goes on as written"},
		{"59 1,2 * * *", "2026-10-25 01:59:00 +0200", "2026-10-25 02:59:00 +0200",
			"the last minute of the first pass is due"},
		{"30 4 * * *", "2026-10-24 04:30:00 +0200", "2026-10-25 04:30:00 +0100",
			"a time after the doubled hour is due by the new clock"},
		{"*/15 * * * *", "2026-03-29 01:45:00 +0100", "2026-03-29 03:00:00 +0200",
			"each quarter goes on after the gap"},
		{"30 * * * *", "2026-03-29 01:30:00 +0100", "2026-03-29 03:30:00 +0200",
			"every hour at half past is not due right after the gap"},
		{"*/15 * * * *", "2026-10-25 02:45:00 +0200", "2026-10-25 02:00:00 +0100",
			"each quarter is due in the second pass too"},
		{"*/15 * * * *", "2026-10-25 02:00:00 +0100", "2026-10-25 02:15:00 +0100",
			"each quarter is due within the second pass"},
		{"*/15 * * * *", "2026-10-25 02:45:00 +0100", "2026-10-25 03:00:00 +0100",
			"each quarter goes on after the second pass"},
		{"30 0-23 * * *", "2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100",
			"all hours written out are every hour"},
		{"30 * 25 10 *", "2026-10-25 02:30:00 +0200", "2026-10-25 02:30:00 +0100",
			"every hour of one date has the doubled hour twice"},
		{"59 * * * *", "2026-10-25 01:59:30 +0200", "2026-10-25 02:59:00 +0200",
			"every hour at its last minute finds the first pass"},
		{"0 12 * * *", "2099-03-28 12:00:00 +0100", "2099-03-29 12:00:00 +0200",
			"clock changes far ahead follow the zone's rule"},
	};

	use_zone("Europe/Berlin");
	CHECK_NEXT(cases);
}

/* New York: 2026-03-08 02:00 -0500 -> 03:00 -0400; 2026-11-01 02:00 -0400 -> 01:00 -0500 */
static void test_new_york(void)
{
	static const struct next_case cases[] = {
		{"30 2 * * *", "2026-03-07 02:30:00 -0500", "2026-03-08 03:00:00 -0400",
			"New York: a skipped time is due right after the gap"},
		{"30 2 * * *", "2026-03-08 03:00:00 -0400", "2026-03-09 02:30:00 -0400",
			"New York: a skipped time is due once"},
		{"30 1 * * *", "2026-10-31 12:00:00 -0400", "2026-11-01 01:30:00 -0400",
			"New York: a doubled time is due at its first pass"},
		{"30 1 * * *", "2026-11-01 01:30:00 -0400", "2026-11-02 01:30:00 -0500",
			"New York: a doubled time is due once"},
		{"30 1 * * *", "2026-11-01 01:29:59 -0500", "2026-11-02 01:30:00 -0500",
			"New York: the second pass is over for a doubled time"},
		{"0 * * * *", "2026-11-01 01:00:00 -0400", "2026-11-01 01:00:00 -0500",
			"New York: every hour is due in both passes"},
		{"0 * * * *", "2026-03-08 01:00:00 -0500", "2026-03-08 03:00:00 -0400",
			"New York: every hour goes on after the gap"},
		{"0 0 1 7 *", "2026-07-01 00:00:00 -0400", "2027-07-01 00:00:00 -0400",
			"New York: a year with two clock changes is crossed"},
	};

	use_zone("America/New_York");
	CHECK_NEXT(cases);
}

/* Lord Howe: 2026-04-05 02:00 +1100 -> 01:30 +1030; 2026-10-04 02:00 +1030 -> 02:30 +1100 */
static void test_lord_howe(void)
{
	static const struct next_case cases[] = {
		{"15 2 * * *", "2026-10-03 12:00:00 +1030", "2026-10-04 02:30:00 +1100",
			"Lord Howe: a time in the half-hour gap is due right after it"},
		{"45 2 * * *", "2026-10-03 12:00:00 +1030", "2026-10-04 02:45:00 +1100",
			"Lord Howe: a time after the half-hour gap is due as written"},
		{"0,30 2 * * *", "2026-10-04 02:30:00 +1100", "2026-10-05 02:00:00 +1100",
			"Lord Howe: a skipped time and the end of the gap are due together"},
		{"45 1 * * *", "2026-04-05 01:00:00 +1100", "2026-04-05 01:45:00 +1100",
			"Lord Howe: a doubled time is due at its first pass"},
		{"45 1 * * *", "2026-04-05 01:45:00 +1100", "2026-04-06 01:45:00 +1030",
			"Lord Howe: a doubled time is due once"},
		{"15 1 * * *", "2026-04-05 01:15:00 +1100", "2026-04-06 01:15:00 +1030",
			"Lord Howe: the undoubled half of the hour comes once"},
		{"*/15 * * * *", "2026-04-05 01:45:00 +1100", "2026-04-05 01:30:00 +1030",
			"Lord Howe: each quarter is due in the doubled half hour"},
		{"*/15 * * * *", "2026-10-04 01:45:00 +1030", "2026-10-04 02:30:00 +1100",
			"Lord Howe: each quarter goes on after the gap"},
	};

	use_zone("Australia/Lord_Howe");
	CHECK_NEXT(cases);
}

/* A gap at midnight, a change that is not daylight saving time, a day that never was. */
static void test_other_zones(void)
{
	static const struct next_case santiago[] = {
		{"@daily", "2026-09-05 12:00:00 -0400", "2026-09-06 01:00:00 -0300",
			"Santiago: a midnight that is skipped is due right after the gap"},
		{"@daily", "2026-04-04 12:00:00 -0300", "2026-04-05 00:00:00 -0400",
			"Santiago: the day after the doubled hour begins as written"},
		{"30 * 4 4 *", "2026-04-04 23:30:00 -0300", "2026-04-04 23:30:00 -0400",
			"Santiago: a beat on one date has the second pass, not the next year"},
	};
	static const struct next_case moscow[] = {
		{"30 1 * * *", "2014-10-26 01:30:00 +0400", "2014-10-27 01:30:00 +0300",
			"Moscow: a change of the standard time doubles an hour too"},
	};
	static const struct next_case apia[] = {
		{"30 4 * * *", "2011-12-29 04:30:00 -1000", "2011-12-31 00:00:00 +1400",
			"Apia: the time of a day that was left out is due when the next begins"},
		{"30 4 * * *", "2011-12-31 00:00:00 +1400", "2011-12-31 04:30:00 +1400",
			"Apia: the next day has its own time"},
	};

	use_zone("America/Santiago");
	CHECK_NEXT(santiago);
	use_zone("Europe/Moscow");
	CHECK_NEXT(moscow);
	use_zone("Pacific/Apia");
	CHECK_NEXT(apia);
}

/*
 * The same rules in another way: step by step through every minute, with the latest wall time so
 * far in mind.
 */
static bool wall_matches(const struct cron *cron, time_t wall)
{
	struct tm tm;

	gmtime_r(&wall, &tm);
	bool day = cron->days >> tm.tm_mday & 1;
	bool weekday = cron->weekdays >> tm.tm_wday & 1;
	bool both = cron->any_day || cron->any_weekday;
	return cron->minutes >> tm.tm_min & 1 && cron->hours >> tm.tm_hour & 1 &&
	       cron->months >> (tm.tm_mon + 1) & 1 && (both ? day && weekday : day || weekday);
}

static time_t wall_of(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return t + tm.tm_gmtoff;
}

/* Compares all due times from `from` on; returns how many there were, or -1 at the first
 * difference. */
static int compare_slowly(const char *expression, time_t from, int days)
{
	struct cron cron = parsed(expression);
	bool steady = cron.hours == 0xffffff;
	time_t reached = wall_of(from);
	time_t next = cron_next(&cron, from);
	char text[TIME_TEXT], other[TIME_TEXT];
	int count = 0;

	for (time_t t = from + 60; t <= from + (time_t)days * DAY_SECONDS; t += 60) {
		time_t wall = wall_of(t);
		bool due = steady && wall_matches(&cron, wall);
		for (; !steady && reached < wall; reached += 60)
			due |= wall_matches(&cron, reached + 60);
		if (due != (next == t)) {
			printf("# at %s: %s, but cron_next() says %s\n", shown(t, text),
				due ? "due" : "not due", shown(next, other));
			return -1;
		}
		if (due) {
			count++;
			next = cron_next(&cron, t);
		}
	}
	return count;
}

static void test_against_slow_walk(void)
{
	static const char *const expressions[] = {
		"30 2 * * *",
		"*/15 * * * *",
		"*/20 1-3 * * *",
		"59 23 * * *",
		"0 0 * * sun",
		"7 */5 1-7 * 6",
		"* * * * *",
		"* 1,2 * * *",
	};
	static const struct {
		const char *zone, *from;
	} places[] = {
		{"Europe/Berlin", "2026-03-27 12:00:00 +0100"},
		{"Europe/Berlin", "2026-10-23 12:00:00 +0200"},
		{"America/New_York", "2026-03-06 12:00:00 -0500"},
		{"America/New_York", "2026-10-30 12:00:00 -0400"},
		{"Australia/Lord_Howe", "2026-04-03 12:00:00 +1100"},
		{"Australia/Lord_Howe", "2026-10-02 12:00:00 +1030"},
		{"America/Santiago", "2026-09-04 12:00:00 -0400"},
		{"Pacific/Apia", "2011-12-28 12:00:00 -1000"},
		{"Africa/Casablanca", "2026-02-13 12:00:00 +0100"},
	};
	char name[128];

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		use_zone(places[i].zone);
		for (size_t j = 0; j < sizeof expressions / sizeof expressions[0]; j++) {
			snprintf(name, sizeof name, "%s from %.10s: \"%s\" agrees with a slow walk",
				places[i].zone, places[i].from, expressions[j]);
			ok(compare_slowly(expressions[j], at(places[i].from), 4) >= 0, name);
		}
	}
	use_zone("Europe/Berlin");
	is_int(compare_slowly("30 2 * * *", at("2026-01-01 00:00:00 +0100"), 365), 365,
		"once a day is due 365 times a year, clock changes or not");
	is_int(compare_slowly("0 * * * *", at("2026-01-01 00:00:00 +0100"), 365), 365 * 24,
		"once an hour is due 8760 times a year, clock changes or not");
}

/* A walk through eight years by minutes would take seconds for each call. */
static void test_speed(void)
{
	struct cron never = parsed("0 0 31 2 *");
	struct cron leap = parsed("0 0 29 2 *");
	clock_t begin = clock();
	time_t after;

	use_zone("Europe/Berlin");
	after = at("2096-03-01 00:00:00 +0100");
	for (int i = 0; i < 20; i++) {
		cron_next(&never, after + i);
		cron_next(&leap, after + i);
	}
	double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
	printf("# 40 searches through eight years took %.3f s\n", seconds);
	ok(seconds < 2, "a search through eight years takes milliseconds");
}

/* What was missed */

static void test_missed(void)
{
	static const struct {
		const char *expression, *since, *now, *expected, *name;
	} cases[] = {
		{"30 4 * * *", "2026-06-09 04:00:00 +0200", "2026-06-09 05:00:00 +0200",
			"2026-06-09 04:30:00 +0200", "what was due in between was missed"},
		{"30 4 * * *", "2026-06-09 04:30:00 +0200", "2026-06-10 04:29:59 +0200", "never",
			"what was due at the beginning was not missed"},
		{"30 4 * * *", "2026-06-09 04:29:59 +0200", "2026-06-09 04:30:00 +0200",
			"2026-06-09 04:30:00 +0200", "what is due now counts"},
		{"30 4 * * *", "2026-06-01 00:00:00 +0200", "2026-06-09 05:00:00 +0200",
			"2026-06-09 04:30:00 +0200", "of many the newest counts"},
		{"* * * * *", "2006-06-01 00:00:00 +0200", "2026-06-09 05:00:42 +0200",
			"2026-06-09 05:00:00 +0200", "of ten million the newest is found at once"},
		{"0 0 29 2 *", "2020-01-01 00:00:00 +0100", "2027-12-31 00:00:00 +0100",
			"2024-02-29 00:00:00 +0100", "a leap day long ago is found"},
		{"0 0 31 2 *", "2020-01-01 00:00:00 +0100", "2026-12-31 00:00:00 +0100", "never",
			"what is never due is never missed"},
		{"* * * * *", "2026-06-09 05:00:00 +0200", "2026-06-09 05:00:00 +0200", "never",
			"in no time nothing is missed"},
		{"* * * * *", "2026-06-09 06:00:00 +0200", "2026-06-09 05:00:00 +0200", "never",
			"a clock that was set back has missed nothing"},
		{"30 2 * * *", "2026-03-29 01:00:00 +0100", "2026-03-29 08:00:00 +0200",
			"2026-03-29 03:00:00 +0200", "a time in a gap was missed right after it"},
		{"30 2 * * *", "2026-10-25 02:30:00 +0200", "2026-10-25 08:00:00 +0100", "never",
			"the second pass of a doubled hour was not missed"},
		{"*/15 2 * * *", "2026-10-25 01:00:00 +0200", "2026-10-25 08:00:00 +0100",
			"2026-10-25 02:45:00 +0200",
			"the newest of a doubled hour is in the first pass"},
	};
	char text[TIME_TEXT];

	use_zone("Europe/Berlin");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cron cron = parsed(cases[i].expression);
		time_t missed = cron_missed(&cron, at(cases[i].since), at(cases[i].now));
		is_str(shown(missed, text), cases[i].expected, cases[i].name);
	}
}

int main(void)
{
	test_calendar();
	test_berlin();
	test_new_york();
	test_lord_howe();
	test_other_zones();
	test_against_slow_walk();
	test_speed();
	test_missed();
	return tap_done();
}
