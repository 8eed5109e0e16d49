/* Tests of schedule: cron expressions and lists of pauses as they are read, cycle and backoff. */
#include "cronrig.h"

/* Fields */

#define BIT(n) (UINT64_C(1) << (n))

/* The bits from one number to another. */
static uint64_t bits(unsigned from, unsigned to)
{
	uint64_t all = 0;

	for (unsigned i = from; i <= to; i++)
		all |= BIT(i);
	return all;
}

static bool cron_same(const struct cron *a, const struct cron *b)
{
	return a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
	       a->months == b->months && a->weekdays == b->weekdays && a->any_day == b->any_day &&
	       a->any_weekday == b->any_weekday;
}

static void test_fields(void)
{
	struct cron cron = parsed("30 4 * * *");

	is_int(cron.minutes, BIT(30), "a minute is one bit");
	is_int(cron.hours, BIT(4), "an hour is one bit");
	is_int(cron.days, bits(1, 31), "* is every day of the month");
	is_int(cron.months, bits(1, 12), "* is every month");
	is_int(cron.weekdays, bits(0, 6), "* is every weekday, Sunday once");
	ok(cron.any_day && cron.any_weekday, "both day fields are unrestricted");
	cron = parsed("0-59 0-23 1-31 1-12 0-7");
	is_int(cron.minutes, bits(0, 59), "minutes go from 0 to 59");
	is_int(cron.hours, bits(0, 23), "hours go from 0 to 23");
	is_int(cron.days, bits(1, 31), "days go from 1 to 31");
	is_int(cron.months, bits(1, 12), "months go from 1 to 12");
	is_int(cron.weekdays, bits(0, 6), "weekdays go from 0 to 7, which is Sunday again");
	ok(!cron.any_day && !cron.any_weekday, "a full range is a restriction, as in Vixie's cron");
	cron = parsed("0,15,30-32,50-59/3 * * * *");
	is_int(cron.minutes,
		BIT(0) | BIT(15) | bits(30, 32) | BIT(50) | BIT(53) | BIT(56) | BIT(59),
		"a list mixes numbers, ranges and steps");
	is_int(parsed("*/15 * * * *").minutes, BIT(0) | BIT(15) | BIT(30) | BIT(45),
		"a step over * starts at the lowest value");
	is_int(parsed("7-59/20 * * * *").minutes, BIT(7) | BIT(27) | BIT(47),
		"a step over a range starts at the range");
	is_int(parsed("* * */10 * *").days, BIT(1) | BIT(11) | BIT(21) | BIT(31),
		"a step over days starts at the first");
	ok(parsed("* * */2 * 1").any_day, "a step over all days counts as unrestricted");
	is_int(parsed("* * * jan,Mar-MAY,12 *").months, BIT(1) | bits(3, 5) | BIT(12),
		"months have names in any case, in lists and ranges");
	is_int(parsed("* * * * mon-fri").weekdays, bits(1, 5), "weekdays have names");
	is_int(parsed("* * * * 7").weekdays, BIT(0), "weekday 7 is Sunday");
	is_int(parsed("* * * * 5-7").weekdays, BIT(0) | BIT(5) | BIT(6),
		"a range may end on Sunday");
	is_int(parsed("* * * * fri-sun").weekdays, BIT(0) | BIT(5) | BIT(6),
		"a range may end on sun");
	is_int(parsed("* * * * sun-tue").weekdays, bits(0, 2), "a range may begin on sun");
	is_int(parsed("* * * * */2").weekdays, BIT(0) | BIT(2) | BIT(4) | BIT(6),
		"a step over weekdays does not come to Sunday twice");
	is_int(parsed("\t 05  04\t*  * * ").minutes, BIT(5),
		"blanks, tabs and zeros do not matter");
}

static void test_nicknames(void)
{
	static const struct {
		const char *name, *text;
	} same[] = {
		{"@yearly", "0 0 1 1 *"},
		{"@annually", "0 0 1 1 *"},
		{"@monthly", "0 0 1 * *"},
		{"@weekly", "0 0 * * 0"},
		{"@daily", "0 0 * * *"},
		{"@midnight", "0 0 * * *"},
		{"@hourly", "0 * * * *"},
		{"  @Daily ", "0 0 * * *"},
	};
	char name[64];

	for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
		struct cron a = parsed(same[i].name);
		struct cron b = parsed(same[i].text);
		snprintf(name, sizeof name, "\"%s\" is \"%s\"", same[i].name, same[i].text);
		ok(a.minutes != 0 && cron_same(&a, &b), name);
	}
}

#define NICKNAMES "@hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually"
#define FIVE "instead of five: minute, hour, day of month, month, day of week, such as 30 4 * * *"

static void test_refused(void)
{
	static const struct {
		const char *text, *sentence;
	} bad[] = {
		{"", "\"\" has 0 fields " FIVE},
		{"   ", "\"\" has 0 fields " FIVE},
		{"30", "\"30\" has 1 field " FIVE},
		{"30 4 * *", "\"30 4 * *\" has 4 fields " FIVE},
		{"0 30 4 * * *", "\"0 30 4 * * *\" has 6 fields " FIVE},
		{"60 4 * * *", "minute \"60\" is not from 0 to 59"},
		{"30 24 * * *", "hour \"24\" is not from 0 to 23"},
		{"30 4 0 * *", "day of month \"0\" is not from 1 to 31"},
		{"30 4 32 * *", "day of month \"32\" is not from 1 to 31"},
		{"30 4 * 0 *", "month \"0\" is not from 1 to 12, nor a name (jan, feb, ...)"},
		{"30 4 * 13 *", "month \"13\" is not from 1 to 12, nor a name (jan, feb, ...)"},
		{"30 4 * june *", "month \"june\" is not from 1 to 12, nor a name (jan, feb, ...)"},
		{"30 4 * * 8", "day of week \"8\" is not from 0 to 7, nor a name (sun, mon, ...)"},
		{"30 4 * * xyz",
			"day of week \"xyz\" is not from 0 to 7, nor a name (sun, mon, ...)"},
		{"mon 4 * * *", "minute \"mon\" is not from 0 to 59"},
		{"-5 4 * * *", "a number is missing in the minute field"},
		{"5- 4 * * *", "a number is missing in the minute field"},
		{"1,,2 4 * * *", "a number is missing in the minute field"},
		{"1, 4 * * *", "a number is missing in the minute field"},
		{",1 4 * * *", "a number is missing in the minute field"},
		{"1-2-3 4 * * *", "minute \"2-3\" is not from 0 to 59"},
		{"** 4 * * *", "minute \"**\" is not from 0 to 59"},
		{"*-5 4 * * *", "minute \"*\" is not from 0 to 59"},
		{"1.5 4 * * *", "minute \"1.5\" is not from 0 to 59"},
		{"99999999999999999999 4 * * *",
			"minute \"99999999999999999999\" is not from 0 to 59"},
		{"20-10 4 * * *", "minute range \"20-10\" runs backwards; write two ranges with a "
				  "comma between them"},
		{"0 22-6 * * *",
			"hour range \"22-6\" runs backwards; write two ranges with a comma "
			"between them"},
		{"0 0 * * fri-mon",
			"day of week range \"fri-mon\" runs backwards; write two ranges "
			"with a comma between them"},
		{"*/0 4 * * *", "\"*/0\" in the minute field: the step must be from 1 to 59"},
		{"*/60 4 * * *", "\"*/60\" in the minute field: the step must be from 1 to 59"},
		{"*/ 4 * * *", "\"*/\" in the minute field: the step must be from 1 to 59"},
		{"*/x 4 * * *", "\"*/x\" in the minute field: the step must be from 1 to 59"},
		{"*/5/5 4 * * *", "\"*/5/5\" in the minute field: the step must be from 1 to 59"},
		{"* */24 * * *", "\"*/24\" in the hour field: the step must be from 1 to 23"},
		{"5/10 4 * * *",
			"\"5/10\" in the minute field: a step needs a range or * before it"},
		{"/5 4 * * *", "a number is missing in the minute field"},
		{"@", "\"@\" is not one of " NICKNAMES},
		{"@reboot", "\"@reboot\" is not one of " NICKNAMES},
		{"@dailyy", "\"@dailyy\" is not one of " NICKNAMES},
		{"@daily 5", "\"@daily 5\" is not one of " NICKNAMES},
	};
	struct cause cause;
	struct cron cron = {.minutes = 42};
	char name[96], text[300];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(name, sizeof name, "\"%s\" is refused", bad[i].text);
		is_int(cron_parse(bad[i].text, &cron, &cause), -1, name);
		is_str(cause.text, bad[i].sentence,
			"the sentence names the field and what is right");
	}
	memset(text, ' ', sizeof text);
	memcpy(text, "30 4 * * *", 10);
	text[256] = '\0';
	is_int(cron_parse(text, &cron, &cause), -1, "256 characters are refused");
	is_str(cause.text, "a cron expression may have at most 255 characters",
		"the sentence names the limit");
	is_int(cron.minutes, 42, "a refused expression leaves the result alone");
	text[255] = '\0';
	is_int(cron_parse(text, &cron, &cause), 0, "255 characters are read");
}

/* Cycle and backoff */

static void test_cycle(void)
{
	nsec_t day = 24 * NSEC_PER_HOUR;
	nsec_t jitter = 216 * NSEC_PER_MIN;

	is_int(cycle_length(day, jitter, 0), day, "the smallest draw adds nothing");
	is_int(cycle_length(day, jitter, UINT64_MAX), day + jitter, "the largest draw adds all");
	is_int(cycle_length(day, jitter, UINT64_C(1) << 63), day + jitter / 2,
		"a draw in the middle adds half");
	is_int(cycle_length(day, jitter, UINT64_C(1) << 62), day + jitter / 4,
		"a draw at a quarter adds a quarter");
	is_int(cycle_length(day, 0, UINT64_MAX), day, "without jitter it is exact");
	is_int(cycle_length(0, jitter, UINT64_MAX), 0, "never stays never, whatever the jitter");
	is_int(cycle_length(DURATION_MAX, DURATION_MAX, UINT64_MAX), 2 * DURATION_MAX,
		"the largest of all does not overflow");
}

static void test_backoff_read(void)
{
	static const struct {
		const char *text, *written;
	} good[] = {
		{"0 20m 40m 60m 180m 320m", "0s 20m 40m 1h 3h 5h20m"},
		{"0,20m,40m", "0s 20m 40m"},
		{" 0 ,  20m\t40m , ", "0s 20m 40m"},
		{"5", "5s"},
		{"never", "never"},
		{" never ", "never"},
		{"1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s",
			"1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s"},
	};
	static const struct {
		const char *text, *part;
	} bad[] = {
		{"", "the list is empty; write the pauses, such as 0 20m 40m, or never"},
		{" , ", "the list is empty; write the pauses, such as 0 20m 40m, or never"},
		{"0 20x", "\"20x\" is not a duration (the unit is unknown)"},
		{"0 never", "\"never\" is not a duration (a number was expected)"},
		{"never 5m", "\"never\" is not a duration (a number was expected)"},
		{"0 -5m", "\"-5m\" is not a duration (a number was expected)"},
		{"0 400d", "\"400d\" is too long a duration; the longest is 366d"},
		{"0 00000000000000000000000000000000000000000000000000000000005m",
			"\"0000000000000000000000000000000000000000...\" is too long for a "
			"duration"},
		{"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "there are more than 16 pauses"},
	};
	struct cause cause;
	char text[BACKOFF_TEXT], name[128];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct backoff backoff, again;
		snprintf(name, sizeof name, "\"%s\" is read as a backoff", good[i].text);
		is_int(backoff_parse(good[i].text, &backoff, &cause), 0, name);
		is_str(backoff_format(&backoff, text), good[i].written,
			"it is written in one form");
		is_int(backoff_parse(text, &again, &cause), 0, "what was written can be read");
		ok(backoff.count == again.count &&
				memcmp(backoff.pause, again.pause,
					backoff.count * sizeof backoff.pause[0]) == 0,
			"what was written reads back the same");
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct backoff backoff = {.count = 42};
		snprintf(name, sizeof name, "\"%s\" is refused as a backoff", bad[i].text);
		is_int(backoff_parse(bad[i].text, &backoff, &cause), -1, name);
		is_str(strncmp(cause.text, bad[i].part, strlen(bad[i].part)) == 0 ? bad[i].part
										  : cause.text,
			bad[i].part, "the sentence begins with what is wrong");
		is_int(backoff.count, 42, "a refused backoff leaves the result alone");
	}
}

static void test_backoff_pause(void)
{
	struct backoff heroku, never;
	struct cause cause;
	static const int minutes[] = {0, 20, 40, 60, 180, 320, 320, 320};
	char text[BACKOFF_TEXT], name[64];

	backoff_parse("0 20m 40m 60m 180m 320m", &heroku, &cause);
	for (unsigned i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
		snprintf(name, sizeof name, "crash %u in a row waits %d min", i + 1, minutes[i]);
		is_int(backoff_pause(&heroku, i + 1), minutes[i] * NSEC_PER_MIN, name);
	}
	is_int(backoff_pause(&heroku, UINT32_MAX), 320 * NSEC_PER_MIN, "the last pause repeats");
	is_int(backoff_pause(&heroku, 0), 0, "no crash waits as long as the first");
	backoff_parse("never", &never, &cause);
	is_int(backoff_pause(&never, 1), -1, "never is never");
	for (heroku.count = 0; heroku.count < BACKOFF_MAX; heroku.count++)
		heroku.pause[heroku.count] = DURATION_MAX - 1;
	is_int(strlen(backoff_format(&heroku, text)), 16 * strlen("365d23h59m59.999999999s ") - 1,
		"the longest list fits");
}

int main(void)
{
	test_fields();
	test_nicknames();
	test_refused();
	test_cycle();
	test_backoff_read();
	test_backoff_pause();
	return tap_done();
}
