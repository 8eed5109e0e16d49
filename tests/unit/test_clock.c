/* Tests of clock: durations and points in time, read and written. */
#include "clock.h"

#include <stdlib.h>
#include <time.h>

#include "tap.h"

#define DAY (24 * NSEC_PER_HOUR)

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* The seconds since 1970 of a time in UTC. */
static nsec_t utc(int year, int month, int day, int hour, int minute, int second)
{
	struct tm tm = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute,
		.tm_sec = second};

	return timegm(&tm) * NSEC_PER_SEC;
}

static void test_clocks(void)
{
	nsec_t wall = clock_wall();
	nsec_t mono = clock_mono();

	ok(wall / NSEC_PER_SEC - time(NULL) >= -1 && wall / NSEC_PER_SEC - time(NULL) <= 1,
		"the wall clock agrees with time()");
	ok(mono > 0, "the monotonic clock runs");
	ok(clock_mono() >= mono, "the monotonic clock does not go back");
	is_int(strlen(clock_boot_id()), 36, "the boot id has the length of a UUID");
	ok(strchr(clock_boot_id(), '\n') == NULL, "the boot id ends before the newline");
	is_str(clock_boot_id(), clock_boot_id(), "the boot id stays the same");
}

static void test_durations_read(void)
{
	static const struct {
		const char *text;
		nsec_t value;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"30", 30 * NSEC_PER_SEC},
		{"007", 7 * NSEC_PER_SEC},
		{"250ms", 250 * NSEC_PER_MSEC},
		{"30s", 30 * NSEC_PER_SEC},
		{"20m", 20 * NSEC_PER_MIN},
		{"24h", DAY},
		{"7d", 7 * DAY},
		{"1h30m", NSEC_PER_HOUR + 30 * NSEC_PER_MIN},
		{"1d2h3m4s5ms", DAY + 2 * NSEC_PER_HOUR + 3 * NSEC_PER_MIN + 4 * NSEC_PER_SEC +
					5 * NSEC_PER_MSEC},
		{"1m90s", 150 * NSEC_PER_SEC},
		{"1.5s", 1500 * NSEC_PER_MSEC},
		{"1.5", 1500 * NSEC_PER_MSEC},
		{"0.5d", 12 * NSEC_PER_HOUR},
		{"1h0.25m", NSEC_PER_HOUR + 15 * NSEC_PER_SEC},
		{"0.000000001s", 1},
		{"0.000001ms", 1},
		{"0.999999999d", 86399999913600},
		{"366d", DURATION_MAX},
		{"365d24h", DURATION_MAX},
		{"31622400", DURATION_MAX},
		{"31622400000ms", DURATION_MAX},
	};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct cause cause = {""};
		nsec_t value = -1;
		char name[96];
		snprintf(name, sizeof name, "\"%s\" is read as a duration", good[i].text);
		if (duration_parse(good[i].text, &value, &cause) != 0)
			printf("# refused: %s\n", cause.text);
		is_int(value, good[i].value, name);
	}
}

static void test_durations_refused(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "it is empty"},
		{"abc", "a number was expected"},
		{"-5s", "a number was expected"},
		{"+5s", "a number was expected"},
		{" 5s", "a number was expected"},
		{".5s", "a number was expected"},
		{"s", "a number was expected"},
		{"5x", "the unit is unknown"},
		{"5M", "the unit is unknown"},
		{"5sec", "the unit is unknown"},
		{"5 s", "the unit is unknown"},
		{"5s ", "a number was expected"},
		{"1,5s", "the unit is unknown"},
		{"1h30", "the last number has no unit"},
		{"30m1h", "its units must fall, as in 1h30m"},
		{"5s5s", "its units must fall, as in 1h30m"},
		{"1.5h30m", "only the last part may have a fraction"},
		{"1.s", "a digit is missing after the point"},
		{"1.", "a digit is missing after the point"},
		{"1.2.3s", "the unit is unknown"},
		{"1.0123456789s", "it has more than 9 digits after the point"},
	};
	static const char *const long_ones[] = {
		"367d",
		"366d1ms",
		"366d0.000001ms",
		"31622401",
		"9223372036854775807",
		"9223372036854775808d",
		"99999999999999999999999999999999999999999999s",
		"366d99999999999999999999h",
	};
	struct cause cause;
	char expected[CAUSE_MAX], name[128];
	nsec_t value = 42;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(expected, sizeof expected,
			"\"%s\" is not a duration (%s); write a number with a unit "
			"(ms, s, m, h, d), such as 30s, 1h30m or 1.5s",
			bad[i].text, bad[i].why);
		snprintf(name, sizeof name, "\"%s\" is refused as a duration", bad[i].text);
		is_int(duration_parse(bad[i].text, &value, &cause), -1, name);
		is_str(cause.text, expected, "the sentence says why and what would be right");
	}
	for (size_t i = 0; i < sizeof long_ones / sizeof long_ones[0]; i++) {
		snprintf(expected, sizeof expected,
			"\"%.40s\" is too long a duration; the longest is 366d", long_ones[i]);
		snprintf(name, sizeof name, "\"%s\" is refused as too long", long_ones[i]);
		is_int(duration_parse(long_ones[i], &value, &cause), -1, name);
		is_str(cause.text, expected, "the sentence names the limit");
	}
	is_int(value, 42, "a refused duration leaves the result alone");
}

static void test_durations_written(void)
{
	static const struct {
		nsec_t value;
		const char *text;
	} cases[] = {
		{0, "0s"},
		{1, "0.000001ms"},
		{250 * NSEC_PER_MSEC, "250ms"},
		{NSEC_PER_SEC - 1, "999.999999ms"},
		{NSEC_PER_SEC, "1s"},
		{1500 * NSEC_PER_MSEC, "1.5s"},
		{NSEC_PER_SEC + 1, "1.000000001s"},
		{100 * NSEC_PER_SEC, "1m40s"},
		{20 * NSEC_PER_MIN, "20m"},
		{90 * NSEC_PER_MIN, "1h30m"},
		{216 * NSEC_PER_MIN, "3h36m"},
		{DAY, "1d"},
		{DAY + 10 * NSEC_PER_MSEC, "1d10ms"},
		{DURATION_MAX, "366d"},
		{DURATION_MAX - 1, "365d23h59m59.999999999s"},
	};
	char text[DURATION_TEXT];
	struct cause cause;
	nsec_t again;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		is_str(duration_format(cases[i].value, text), cases[i].text,
			"a duration is written with its units");
		again = -1;
		duration_parse(text, &again, &cause);
		is_int(again, cases[i].value, "what was written reads back the same");
	}
	is_str(duration_format(-90 * NSEC_PER_SEC, text), "-1m30s",
		"a negative duration is written with its sign");
	is_str(duration_format(INT64_MAX, text), "106751d23h47m16.854775807s",
		"the largest number fits");
	is_str(duration_format(INT64_MIN, text), "-106751d23h47m16.854775808s",
		"the smallest number fits");
}

static void test_times_written(void)
{
	nsec_t time = utc(2026, 6, 9, 16, 13, 38) + 269578123;
	char text[TIME_TEXT];

	use_zone("America/New_York");
	is_str(time_format_log(time, text), "2026-06-09T16:13:38.269578+00:00",
		"a log time is in UTC with microseconds");
	is_str(time_format_exact(time, text), "2026-06-09T16:13:38.269578123Z",
		"a journal time is in UTC with nanoseconds");
	is_str(time_format_log(utc(2026, 1, 1, 0, 0, 0), text), "2026-01-01T00:00:00.000000+00:00",
		"a full second keeps its six zeros");
	is_str(time_format_log(999, text), "1970-01-01T00:00:00.000000+00:00",
		"less than a microsecond is cut, not rounded");
	is_str(time_format_exact(-1, text), "1969-12-31T23:59:59.999999999Z",
		"a time before 1970 is written right");
	is_str(time_format_exact(INT64_MAX, text), "2262-04-11T23:47:16.854775807Z",
		"the last time of all fits");
	is_str(time_format_ps(time, text), "2026/06/09 12:13:38 -0400",
		"a time of ps is in local time with the offset of that day");
	is_str(time_format_ps(utc(2026, 1, 9, 16, 13, 38), text), "2026/01/09 11:13:38 -0500",
		"a time of ps in winter has the offset of winter");
	use_zone("UTC");
	is_str(time_format_ps(time, text), "2026/06/09 16:13:38 +0000",
		"a time of ps in UTC has the offset +0000");
	use_zone("Asia/Kolkata");
	is_str(time_format_ps(time, text), "2026/06/09 21:43:38 +0530",
		"a time of ps shows an offset with half an hour");
}

static void test_ago(void)
{
	static const struct {
		nsec_t age;
		const char *text, *name;
	} cases[] = {
		{-5 * NSEC_PER_SEC, "(~ 0s ago)", "a time to come counts as now"},
		{0, "(~ 0s ago)", "now is 0 s ago"},
		{12 * NSEC_PER_SEC, "(~ 12s ago)", "12 s are seconds"},
		{59 * NSEC_PER_SEC, "(~ 59s ago)", "59 s are seconds"},
		{60 * NSEC_PER_SEC - 1, "(~ 59s ago)", "almost a minute is 59 s"},
		{60 * NSEC_PER_SEC, "(~ 1m ago)", "60 s are a minute"},
		{119 * NSEC_PER_SEC, "(~ 1m ago)", "minutes are floored"},
		{59 * NSEC_PER_MIN, "(~ 59m ago)", "59 min are minutes"},
		{60 * NSEC_PER_MIN - 1, "(~ 59m ago)", "almost an hour is 59 min"},
		{60 * NSEC_PER_MIN, "(~ 1h ago)", "60 min are an hour"},
		{24 * NSEC_PER_HOUR, "(~ 24h ago)", "24 h are hours"},
		{25 * NSEC_PER_HOUR - 1, "(~ 24h ago)", "almost 25 h are 24 h"},
		{25 * NSEC_PER_HOUR, "", "from 25 h on nothing is written"},
		{INT64_MAX, "", "nothing is written for the longest age"},
	};
	char text[TIME_TEXT];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_str(time_format_ago(cases[i].age, text), cases[i].text, cases[i].name);
}

struct time_case {
	const char *text;
	nsec_t expected;
	const char *name;
};

static void check_times(const struct time_case *cases, size_t count, nsec_t now)
{
	for (size_t i = 0; i < count; i++) {
		struct cause cause = {""};
		nsec_t value = -1;
		if (time_parse(cases[i].text, now, &value, &cause) != 0)
			printf("# refused: %s\n", cause.text);
		is_int(value, cases[i].expected, cases[i].name);
	}
}

#define CHECK_TIMES(cases, now) check_times(cases, sizeof(cases) / sizeof(cases)[0], now)

static void test_times_read(void)
{
	nsec_t now = utc(2026, 11, 22, 11, 30, 15) + 7;
	const struct time_case utc_cases[] = {
		{"2026-06-09T16:13:38Z", utc(2026, 6, 9, 16, 13, 38), "Z is UTC"},
		{"2026-06-09t16:13:38z", utc(2026, 6, 9, 16, 13, 38), "t and z may be small"},
		{"2026-06-09 16:13:38Z", utc(2026, 6, 9, 16, 13, 38), "a blank may replace the T"},
		{"2026-06-09T16:13Z", utc(2026, 6, 9, 16, 13, 0), "seconds may be left out"},
		{"2026-06-09T16:13:38.269578+00:00", utc(2026, 6, 9, 16, 13, 38) + 269578000,
			"a time copied from the log is read"},
		{"2026-06-09T16:13:38.269578123Z", utc(2026, 6, 9, 16, 13, 38) + 269578123,
			"a time copied from the journal is read"},
		{"2026-06-09T16:13:38.1234567899Z", utc(2026, 6, 9, 16, 13, 38) + 123456789,
			"digits beyond the nanosecond are dropped"},
		{"2026-06-09T16:13:38-04:00", utc(2026, 6, 9, 20, 13, 38),
			"a negative offset lies later in UTC"},
		{"2026-06-09T16:13:38-03:30", utc(2026, 6, 9, 19, 43, 38),
			"a negative offset with half an hour is read"},
		{"2026-01-01T00:15:00+05:30", utc(2025, 12, 31, 18, 45, 0),
			"a positive offset may lead into the year before"},
		{"2024-02-29T00:00:00Z", utc(2024, 2, 29, 0, 0, 0), "a leap day is a day"},
		{"1970-01-01T00:00:00+23:59", -(24 * 60 - 1) * NSEC_PER_MIN,
			"the largest offset before the first day is read"},
		{"2261-12-31T23:59:59Z", utc(2261, 12, 31, 23, 59, 59), "the last year is read"},
	};
	const struct time_case berlin_cases[] = {
		{"2026-06-09", utc(2026, 6, 8, 22, 0, 0), "a date is midnight in local time"},
		{"2026-06-09 16:13", utc(2026, 6, 9, 14, 13, 0), "date and time are local"},
		{"2026-12-09 16:13:38", utc(2026, 12, 9, 15, 13, 38), "winter has its own offset"},
		{"2026-06-09T16:13:38.5", utc(2026, 6, 9, 14, 13, 38) + NSEC_PER_SEC / 2,
			"T without an offset is local too"},
		{"16:13", utc(2026, 11, 22, 15, 13, 0), "a time alone is today in local time"},
		{"00:00", utc(2026, 11, 21, 23, 0, 0), "midnight is where the local day began"},
		{"09:05:07", utc(2026, 11, 22, 8, 5, 7), "a time alone may have seconds"},
		{"2026-10-25 02:30", utc(2026, 10, 25, 0, 30, 0),
			"in the doubled hour the first pass is meant"},
		{"2026-10-25 03:00", utc(2026, 10, 25, 2, 0, 0),
			"after the doubled hour is winter"},
		{"2026-10-25 01:59:59", utc(2026, 10, 24, 23, 59, 59),
			"before the doubled hour is summer"},
		{"10m", now - 10 * NSEC_PER_MIN, "a duration is that long ago"},
		{"1.5h", now - 90 * NSEC_PER_MIN, "a duration may have a fraction"},
		{"90", now - 90 * NSEC_PER_SEC, "a bare number is seconds ago"},
		{"0", now, "0 is now"},
	};
	const struct time_case day_cases[] = {
		{"08:00", utc(2026, 11, 22, 19, 0, 0), "today is the day of the local calendar"},
	};

	use_zone("UTC");
	CHECK_TIMES(utc_cases, now);
	use_zone("Europe/Berlin");
	CHECK_TIMES(berlin_cases, now);
	use_zone("Pacific/Auckland");
	CHECK_TIMES(day_cases, now + 4 * NSEC_PER_HOUR);
}

static void test_times_refused(void)
{
	static const char *const shapes[] = {
		"",
		"yesterday",
		"2026-06",
		"2026-6-9",
		"2026-06-09T",
		"2026-06-09T16",
		"2026-06-09T16:13:38+0000",
		"2026-06-09T16:13:38+24:00",
		"2026-06-09T16:13:38-04:60",
		"2026-06-09T16:13:38.Z",
		"2026-06-09T16:13:38Zulu",
		"2026-06-09  16:13",
		"-10m",
		"16:13Z",
		"6:13",
		"16:13:",
		"16:13:38x",
	};
	static const struct {
		const char *text, *sentence;
	} ranges[] = {
		{"2026-02-29", "\"2026-02-29\" is not a time: there is no such day"},
		{"2026-13-01", "\"2026-13-01\" is not a time: there is no such day"},
		{"2026-00-10", "\"2026-00-10\" is not a time: there is no such day"},
		{"2026-04-31T00:00:00Z",
			"\"2026-04-31T00:00:00Z\" is not a time: there is no such day"},
		{"24:00", "\"24:00\" is not a time: hours go to 23, minutes and seconds to 59"},
		{"23:60", "\"23:60\" is not a time: hours go to 23, minutes and seconds to 59"},
		{"23:59:60",
			"\"23:59:60\" is not a time: hours go to 23, minutes and seconds to 59"},
		{"1969-12-31", "\"1969-12-31\" is no time to be found in a log: the year must be "
			       "from 1970 to 2261"},
		{"2262-01-01", "\"2262-01-01\" is no time to be found in a log: the year must be "
			       "from 1970 to 2261"},
		{"400d", "\"400d\" is too long a duration; the longest is 366d"},
	};
	struct cause cause;
	char expected[CAUSE_MAX], name[128];
	nsec_t value = 42;

	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		snprintf(expected, sizeof expected,
			"\"%s\" is not a time; write 2026-06-09T16:13:38Z, \"2026-06-09 16:13\", "
			"2026-06-09, 16:13 or how long ago, such as 10m",
			shapes[i]);
		snprintf(name, sizeof name, "\"%s\" is refused as a time", shapes[i]);
		is_int(time_parse(shapes[i], 0, &value, &cause), -1, name);
		is_str(cause.text, expected, "the sentence shows every shape that is right");
	}
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		snprintf(name, sizeof name, "\"%s\" is refused", ranges[i].text);
		is_int(time_parse(ranges[i].text, 0, &value, &cause), -1, name);
		is_str(cause.text, ranges[i].sentence, "the sentence says what is out of range");
	}
	is_int(time_parse("10x", 0, &value, &cause), -1, "a bad duration ago is refused");
	ok(strstr(cause.text, "the unit is unknown") != NULL, "the sentence tells of the unit");
	is_int(value, 42, "a refused time leaves the result alone");
}

int main(void)
{
	test_clocks();
	test_durations_read();
	test_durations_refused();
	test_durations_written();
	test_times_written();
	test_ago();
	test_times_read();
	test_times_refused();
	return tap_done();
}
