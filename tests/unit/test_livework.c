/* Tests of livework: what a command knows of its dynos while it waits. */
#include "liverig.h"

/* The words of the first row. */
static const char *words(void)
{
	static struct buf text;

	buf_reset(&text);
	live_stop_text(&work.rows[0].stop, false, &text);
	return text.data;
}

static void test_phases(void)
{
	begin(LIVE_STOP, ONE);
	tell(EVENT_OPEN, "\"dyno\": \"web.1\", \"launch\": 7, \"inbound\": 3, \"outbound\": 2", T0);
	tell_stop("web.1", 7, T0);
	is_str(words(), "stopping", "before anything is seen of it, it is stopping");
	tell(EVENT_NOT_ACCEPTING, "\"dyno\": \"web.1\", \"launch\": 7", AT(.1));
	is_str(words(), "draining 3 connections", "what was open at the signal is counted");
	look("web.1", 7, DRAINING, AT(4.2));
	is_str(words(), "draining 3 connections", "ps tells how far it is");
	tell(EVENT_DRAINED, "\"dyno\": \"web.1\", \"launch\": 7", AT(5));
	is_str(words(), "releasing 2 connections", "after the inbound ones come the outbound ones");
	tell(EVENT_RELEASED, "\"dyno\": \"web.1\", \"launch\": 7", AT(6));
	is_str(words(), "ending", "without connections it is ending");
	tell(EVENT_STOP_KILL, "\"dyno\": \"web.1\", \"launch\": 7, \"signal\": \"SIGKILL\"",
		AT(30));
	is_str(words(), "SIGKILL sent", "a SIGKILL is told");
}

static void test_words(void)
{
	static const struct {
		struct live_stop stop;
		const char *full, *brief;
	} cases[] = {
		{{.phase = PHASE_UNSEEN, .processes = 2}, "stopping, 2 processes", "stopping"},
		{{.phase = PHASE_ACCEPTING, .inbound = 1}, "accepting, 1 connection",
			"accepting 1"},
		{{.phase = PHASE_ACCEPTING}, "accepting", "accepting"},
		{{.phase = PHASE_DRAINING, .inbound = 12}, "draining 12 connections",
			"draining 12"},
		{{.phase = PHASE_RELEASING, .outbound = 1}, "releasing 1 connection",
			"releasing 1"},
		{{.phase = PHASE_ENDING, .processes = 1}, "ending", "ending"},
		{{.phase = PHASE_ENDING, .processes = 3}, "ending, 3 processes", "ending"},
		{{.phase = PHASE_DRAINING, .inbound = 3, .processes = 2, .killed = true},
			"SIGKILL sent, 2 processes", "killed"},
	};
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_reset(&text);
		live_stop_text(&cases[i].stop, false, &text);
		is_str(text.data, cases[i].full, "a phase has its words");
		buf_reset(&text);
		live_stop_text(&cases[i].stop, true, &text);
		is_str(text.data, cases[i].brief, "a phase has its words in brief");
	}
	buf_release(&text);
}

static void test_late_answers(void)
{
	begin(LIVE_RESTART, ONE);
	tell_stop("web.1", 7, T0);
	tell(EVENT_STOPPED, "\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 100", AT(.1));
	ok(livework_is_curious(&work.rows[0]),
		"after an end, ps is asked whether another one ends");
	look("web.1", 7, DRAINING, AT(.2));
	is_int((int64_t)work.rows[0].stop.launch, 0,
		"an answer that is older than the end does not bring an instance back");
	ok(livework_is_curious(&work.rows[0]), "and that answer does not count");
	look("web.1", 6, DRAINING, AT(.3));
	is_int((int64_t)work.rows[0].stop.launch, 6, "another old instance is shown then");
	tell(EVENT_DRAINED, "\"dyno\": \"web.1\", \"launch\": 7", AT(.4));
	is_int((int64_t)work.rows[0].stop.launch, 6, "news of one are not news of another");
	is_int(work.rows[0].stop.inbound, 3, "and do not change its counts");
}

static void test_answers_before_an_event(void)
{
	static const char accepting[] =
		"\"signal\": \"SIGTERM\", \"phase\": \"accepting\", \"inbound\": 3";

	begin(LIVE_STOP, ONE);
	tell(EVENT_OPEN, "\"dyno\": \"web.1\", \"launch\": 7, \"inbound\": 3", T0);
	tell_stop("web.1", 7, T0);
	tell(EVENT_NOT_ACCEPTING, "\"dyno\": \"web.1\", \"launch\": 7", AT(.2));
	look_back("web.1", 7, accepting, AT(.1), AT(.3));
	is_str(words(), "draining 3 connections",
		"what was asked before an event does not take back what that told");
	look_back("web.1", 7, accepting, AT(.3), AT(.4));
	is_str(words(), "accepting, 3 connections", "what was asked after it counts");
}

static void test_who_comes_late(void)
{
	begin(LIVE_STOP, ONE);
	ok(livework_is_curious(&work.rows[0]),
		"ps is asked about a dyno of which nothing is known");
	look("web.1", 7, DRAINING, AT(10));
	is_str(words(), "draining 3 connections", "a stop that has begun before is seen");
	is_int(work.rows[0].stop.began, AT(5.8), "with the time that it has taken already");
	is_int(work.rows[0].stop.kill_at, AT(35.8), "and that which it has left");
}

static void test_strange_answers(void)
{
	begin(LIVE_STOP, ONE);
	tell(EVENT_STOP, "\"dyno\": \"other.1\", \"launch\": 7, " STOP, T0);
	look("other.1", 7, DRAINING, T0);
	ok(work.rows[0].stop.launch == 0, "a dyno that nobody waits for changes nothing");
	tell(EVENT_STOP, "\"dyno\": \"web.1\", \"launch\": 7, \"ladder\": \"nonsense\"", T0);
	is_int(work.rows[0].stop.kill_at, 0, "a ladder that cannot be read gives no deadline");
	look("web.1", 7, "\"phase\": \"dancing\", \"inbound\": -5", AT(1));
	is_str(words(), "stopping", "an unknown phase is none");
	ok(livework_result(&work, "other.1") == NULL, "a result for nobody ends no row");
	ok(livework_result(&work, "web.1") != NULL, "a result ends a row");
	ok(livework_result(&work, "web.1") == NULL, "and only once");
}

int main(void)
{
	test_phases();
	test_words();
	test_late_answers();
	test_answers_before_an_event();
	test_who_comes_late();
	test_strange_answers();
	livework_release(&work);
	return tap_done();
}
