/* Tests of stophistory: the limits, and what is left out when there is too much. */
#include "stophistory.h"

#include <signal.h>

#include "tap.h"

static struct stophistory history;

/* Counts that fall by one every millisecond, from that many to none. */
static void fall_from(unsigned count)
{
	history = (struct stophistory){0};
	for (unsigned i = 0; i <= count; i++)
		stophistory_add_step(&history, i * NSEC_PER_MSEC, count - i, 1);
}

/* The widest and the narrowest gap between two steps, without the last one. */
static nsec_t widest_gap(nsec_t *narrowest)
{
	nsec_t widest = 0;

	*narrowest = INT64_MAX;
	for (size_t i = 1; i + 1 < history.step_count; i++) {
		nsec_t gap = history.steps[i].at - history.steps[i - 1].at;
		widest = gap > widest ? gap : widest;
		*narrowest = gap < *narrowest ? gap : *narrowest;
	}
	return widest;
}

static void test_thinning(unsigned count)
{
	const struct stophistory_step *last;
	nsec_t narrowest;
	char name[96];

	fall_from(count);
	last = &history.steps[history.step_count - 1];
	snprintf(name, sizeof name, "of %u steps the first one is kept", count + 1);
	is_int(history.steps[0].inbound, count, name);
	snprintf(name, sizeof name, "of %u steps the last one is kept", count + 1);
	ok(last->inbound == 0 && last->at == count * NSEC_PER_MSEC, name);
	snprintf(name, sizeof name, "of %u steps at least half of what has room", count + 1);
	ok(history.step_count >= (count < 50 ? count + 1 : 50) &&
			history.step_count <= STOPHISTORY_STEPS,
		name);
	snprintf(name, sizeof name, "of %u steps those in between are thinned evenly", count + 1);
	ok(widest_gap(&narrowest) == narrowest || history.step_count < 3, name);
}

static void test_event(void)
{
	struct event event;
	bson_iter_t iter, at;

	history = (struct stophistory){0};
	stophistory_add_signal(&history, 0, SIGTERM, 2);
	stophistory_add_signal(&history, 3 * NSEC_PER_SEC, SIGKILL, 1);
	stophistory_add_step(&history, 0, 7, 1);
	stophistory_add_exit(&history, 40 * NSEC_PER_MSEC, 123, "node");
	event_begin(&event, EVENT_STOPPED, 1, "web.1", 1);
	stophistory_fill(&history, &event);
	bson_iter_init(&iter, &event.doc);
	ok(bson_iter_find_descendant(&iter, "signals.1.signal", &at) &&
			strcmp(bson_iter_utf8(&at, NULL), "SIGKILL") == 0,
		"a signal has its name");
	bson_iter_init(&iter, &event.doc);
	ok(bson_iter_find_descendant(&iter, "signals.1.ms", &at), "and its time");
	is_int(bson_iter_as_int64(&at), 3000, "in milliseconds");
	bson_iter_init(&iter, &event.doc);
	ok(bson_iter_find_descendant(&iter, "connections.0.inbound", &at), "a step has its counts");
	is_int(bson_iter_as_int64(&at), 7, "as they were");
	bson_iter_init(&iter, &event.doc);
	ok(bson_iter_find_descendant(&iter, "exits.0.name", &at) &&
			strcmp(bson_iter_utf8(&at, NULL), "node") == 0,
		"an exit has the name of the process");
	event_release(&event);
}

int main(void)
{
	test_thinning(0);
	test_thinning(3);
	test_thinning(99);
	test_thinning(100);
	test_thinning(101);
	test_thinning(1000);
	test_thinning(8191);
	history = (struct stophistory){0};
	for (int i = 0; i < 5; i++)
		stophistory_add_step(&history, i, 1, 1);
	is_int((int64_t)history.step_count, 1, "a step that changes nothing is none");
	for (int i = 0; i < 100; i++) {
		stophistory_add_signal(&history, i, SIGTERM, 1);
		stophistory_add_exit(
			&history, i, i + 1, "a name that is much too long for a process");
	}
	is_int((int64_t)history.signal_count, STOPHISTORY_SIGNALS, "signals have a limit");
	is_int((int64_t)history.exit_count, STOPHISTORY_EXITS, "exits have a limit");
	is_str(history.exits[0].name, "a name that is ", "and their names");
	test_event();
	return tap_done();
}
