/* Percentiles of the times of stops, and what is made of old and odd documents. */
#include "../../cmd/gracectl/stopdoc.c"
#include "../../cmd/gracectl/stopstats.c"

#include "docof.h"
#include "tap.h"

static void add(struct stopstats *stats, const char *dyno, int64_t ms, const char *rest)
{
	char *json = xasprintf("{\"dyno\": \"%s\", \"ms\": %lld, %s}", dyno, (long long)ms, rest);
	bson_t *stop = doc_of(json);

	stopstats_add(stats, stop);
	bson_destroy(stop);
	free(json);
}

static int64_t of_first(size_t count, unsigned percent)
{
	int64_t row[200];

	for (size_t i = 0; i < count; i++)
		row[i] = (int64_t)(i + 1);
	return stopstats_percentile(row, count, percent);
}

static void ranks(void)
{
	is_int(of_first(1, 50), 1, "the median of one time is that time");
	is_int(of_first(1, 99), 1, "the 99th percentile of one time is that time");
	is_int(of_first(2, 50), 1, "the median of two times is the shorter one");
	is_int(of_first(5, 50), 3, "the median of five times is the third");
	is_int(of_first(11, 95), 11, "the 95th percentile of 11 times is the last one");
	is_int(of_first(20, 95), 19, "the 95th percentile of 20 times is the 19th");
	is_int(of_first(21, 95), 20, "the 95th percentile of 21 times is the 20th");
	is_int(of_first(100, 90), 90, "the 90th percentile of 100 times is the 90th");
	is_int(of_first(100, 99), 99, "the 99th percentile of 100 times is the 99th");
	is_int(of_first(101, 99), 100, "the 99th percentile of 101 times is the 100th");
	is_int(of_first(200, 100), 200, "the 100th percentile is the longest time");
}

static void types(void)
{
	struct stopstats stats = {.last = 3};

	add(&stats, "web.2", 300, "\"verdict\": \"clean\", \"allowed_ms\": 1000");
	add(&stats, "worker.1", 5, "\"verdict\": \"clean\"");
	add(&stats, "web.1", 100, "\"verdict\": \"forced, cut, status 137\", \"allowed_ms\": 9");
	add(&stats, "web.1", 5000, "\"verdict\": \"clean\", \"ms_at_most\": 1");
	add(&stats, "web.1", 200, "\"verdict\": \"status 3\"");
	add(&stats, "web.1", 900, "\"verdict\": \"clean\"");
	stopstats_finish(&stats);
	is_int((int64_t)stats.count, 2, "there are two types");
	const struct stopstats_type *web = stopstats_find(&stats, "web", 3);
	is_str(stats.types[0].name, "web", "the types are in the order of their names");
	is_int((int64_t)web->count, 3, "only the last so many of a type count");
	is_int(web->ms[2], 300, "the times are in order, without that of the oldest stop");
	is_int(web->allowed, 1000, "what is allowed is what the newest stop was allowed");
	is_int((int64_t)web->verdict_count, 5, "each part of a verdict is counted");
	is_str(web->verdicts[0].words, "clean", "the verdicts are in the order of the manual");
	is_str(web->verdicts[3].words, "status 3", "each status is a verdict of its own");
	is_str(web->verdicts[4].words, "status 137", "the lower one is the first");
	is_int((int64_t)stats.unseen, 1, "one that nobody watched to its end is left out");
	ok(stopstats_is_full(&stats, "web", 3), "a type with so many is full");
	ok(!stopstats_is_full(&stats, "worker", 6), "one with fewer is not");
	ok(stopstats_find(&stats, "we", 2) == NULL, "the beginning of a name is no name");
	stopstats_release(&stats);
}

static bool is_slow(size_t count, int64_t ms, const char *rest)
{
	struct stopstats stats = {.last = STOPSTATS_LAST};

	for (size_t i = 0; i < count; i++)
		add(&stats, "web.1", ms, rest);
	stopstats_finish(&stats);
	bool slow = stopstats_is_slow(&stats.types[0]);
	stopstats_release(&stats);
	return slow;
}

static void warnings(void)
{
	ok(is_slow(5, 501, "\"allowed_ms\": 1000"), "more than half of the time is slow");
	ok(!is_slow(5, 500, "\"allowed_ms\": 1000"), "half of the time is not");
	ok(!is_slow(4, 999, "\"allowed_ms\": 1000"), "four stops are too few to tell");
	ok(!is_slow(9, 999999, "\"signal\": \"SIGTERM\""), "without SIGKILL nothing is slow");
	ok(is_slow(5, 15001, "\"ladder\": \"TERM/30/KILL/5\""),
		"an old document tells by its ladder what was allowed");
	ok(!is_slow(5, 15000, "\"ladder\": \"TERM/30/KILL/5\""), "and that is until SIGKILL");
	ok(!is_slow(5, 99999, "\"ladder\": \"TERM/30\""), "a ladder without KILL allows any time");
}

static int64_t ms_of(const char *json)
{
	bson_t *stop = doc_of(json);
	int64_t ms = stopdoc_ms(stop);

	bson_destroy(stop);
	return ms;
}

static void odd_documents(void)
{
	is_int(ms_of("{}"), 0, "a stop that does not say how long it took has taken no time");
	is_int(ms_of("{\"ms\": -5}"), 0, "no time is below zero");
	is_int(ms_of("{\"ms\": 9223372036854775807}"), DURATION_MAX / NSEC_PER_MSEC,
		"no time is longer than a year");
	is_int(ms_of("{\"ms\": \"long\"}"), 0, "a text is no time");
}

static bool passes(const struct stopfilter *filter, const char *json)
{
	bson_t *stop = doc_of(json);
	bool accepted = stopfilter_accepts(filter, stop);

	bson_destroy(stop);
	return accepted;
}

static void filters(void)
{
	static const char forced[] =
		"{\"reason\": \"exit\", \"verdict\": \"forced, late accepts, status 137\"}";
	static const char clean[] = "{\"reason\": \"restart\", \"verdict\": \"clean\"}";
	struct cause cause;

	ok(passes(&(struct stopfilter){0}, forced), "without a filter everything passes");
	ok(passes(&(struct stopfilter){.verdict = "late"}, forced), "a beginning is enough");
	ok(passes(&(struct stopfilter){.verdict = "status 137"}, forced), "a status may be meant");
	ok(!passes(&(struct stopfilter){.verdict = "status 143"}, forced), "and not another one");
	ok(!passes(&(struct stopfilter){.verdict = "accepts"}, forced), "an end is not enough");
	ok(passes(&(struct stopfilter){.not_clean = true}, forced), "what was forced is not clean");
	ok(!passes(&(struct stopfilter){.not_clean = true}, clean), "what is clean is");
	ok(passes(&(struct stopfilter){.reason = "crash"}, forced), "an exit is called a crash");
	ok(passes(&(struct stopfilter){.reason = "exit"}, forced), "and an exit");
	ok(passes(&(struct stopfilter){.reason = "manual"}, clean), "a restart was by hand");
	ok(!passes(&(struct stopfilter){.reason = "manual"}, forced), "a crash was not");
	is_int(stopfilter_check(&(struct stopfilter){.verdict = "dirty"}, &cause), -1,
		"a verdict that there is not is refused");
	is_str(cause.text,
		"--verdict: there is no \"dirty\"; there are: clean, forced, refused, cut, leaked, "
		"unanswered, reset, late "
		"accepts, order wrong, status",
		"and those that there are, are told");
	is_int(stopfilter_check(&(struct stopfilter){.reason = "boot"}, &cause), 0,
		"the beginning of a reason is known");
	is_int(stopfilter_check(&(struct stopfilter){.reason = ""}, &cause), -1,
		"nothing is no reason");
}

int main(void)
{
	ranks();
	types();
	warnings();
	odd_documents();
	filters();
	return tap_done();
}
