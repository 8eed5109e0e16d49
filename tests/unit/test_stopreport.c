/* Tests of stopreport: each verdict with its evidence, and the fields of the document. */
#include "stopreport.h"

#include <signal.h>

#include "ladder.h"
#include "tap.h"

static struct process_config config;
static struct instance instance;
static struct observe_report report;
static struct event event;

/* A stop that was in order. */
static void begin(const char *ladder)
{
	struct cause cause;

	config = (struct process_config){0};
	if (ladder_parse(ladder, &config.stop, &cause) < 0)
		printf("Bail out! %s\n", cause.text);
	memset(&instance, 0, sizeof instance);
	instance.config = &config;
	instance.exit = (struct proc_exit){.known = true};
	instance.stop_began = clock_mono();
	snprintf(instance.reason, sizeof instance.reason, "restart");
	report = (struct observe_report){.visible = true,
		.watched = OBSERVE_EVENTS,
		.processes = 1,
		.not_accepting = 20 * NSEC_PER_MSEC,
		.drained = -1,
		.released = -1};
	stophistory_add_signal(&report.history, 0, SIGTERM, 1);
}

static void make(void)
{
	event_begin(&event, EVENT_STOPPED, 1, "web.1", 1);
	stopreport_fill(&instance, &report, &event);
}

/* Makes the report and compares the verdict, and some words of the evidence. */
static void judges(const char *verdict, const char *words, const char *name)
{
	make();
	is_str(event_get_str(&event.doc, "verdict"), verdict, name);
	const char *evidence = event_get_str(&event.doc, "evidence");
	if (!ok(strstr(evidence, words) != NULL, "with its evidence"))
		printf("# \"%s\" is not in \"%s\"\n", words, evidence);
	event_release(&event);
}

static void test_verdicts(void)
{
	begin("TERM/30/KILL/5");
	judges("clean", "", "a stop in order is clean");

	begin("TERM/30/KILL/5");
	report.visible = false;
	judges("clean", "what its sockets did could not be seen",
		"where nothing could be seen that is said");
	report.unseen = UNSEEN_PORTS;
	judges("clean", "could not be seen: it listens on more ports than the 256",
		"with the reason, if it is known");

	begin("TERM/30/KILL/5");
	report.waited = 2;
	judges("clean",
		"2 connections that waited at its Unix listener were gone when that was closed",
		"what may have been reset is evidence and no verdict");

	begin("TERM/30/KILL/5");
	instance.killed = true;
	snprintf(report.left, sizeof report.left, "12 (node)");
	judges("forced", "SIGKILL was needed: 12 (node)", "one that needed SIGKILL was forced");

	begin("TERM/30/KILL/5");
	instance.killed = instance.kill_hurried = true;
	judges("forced", "SIGKILL was needed when it was asked to stop once more",
		"one whose time was cut short is told apart");

	begin("TERM/30/KILL/5");
	report.in_at_exit = report.cut = 1;
	judges("cut", "1 inbound connection was open when their process ended",
		"an inbound connection that was surely open at the end was cut");

	begin("TERM/30/KILL/5");
	report.out_at_exit = report.leaked = 10;
	judges("leaked", "10 outbound connections were open when their process ended",
		"outbound ones were leaked");

	begin("TERM/30/KILL/5");
	report.in_at_exit = 2;
	report.out_at_exit = 10;
	judges("clean", "cannot be told apart",
		"what may have been closed by the program or by its end is no verdict");

	begin("TERM/30/KILL/5");
	report.unanswered = 2;
	judges("unanswered",
		"2 connections had sent something and were closed without a byte of answer",
		"what was closed without an answer is");

	begin("TERM/30/KILL/5");
	report.last_words = 1;
	judges("clean", "1 connection was closed with the client's last words unanswered",
		"that the client had spoken last is no verdict");

	begin("TERM/30/KILL/5");
	report.unanswered = report.last_words = 1;
	judges("unanswered", "; 1 more was closed with the client's last words",
		"it comes on top of the others");

	begin("TERM/30/KILL/5");
	report.reset = 3;
	judges("reset",
		"3 connections that nobody had accepted were dropped with the listener, and reset "
		"unless the client had gone before",
		"who waited in vain was reset");

	begin("TERM/30/KILL/5");
	report.accepted = 5;
	report.late = 2;
	judges("late accepts", "2 connections came in more than a second after the signal",
		"connections that come late are late accepts");

	begin("TERM/30/KILL/5");
	report.order_wrong = true;
	report.inbound_then = 3;
	report.owed_then = 1;
	judges("order wrong", "while 3 inbound connections were open, of which 1 had no answer yet",
		"released before drained is the wrong order");
	report.used_then = 2;
	judges("order wrong", "of which 1 had no answer yet and 2 were used afterwards",
		"what proves it is told");

	begin("TERM/30/KILL/5");
	report.inbound_then = 1;
	judges("clean", "while 1 inbound connection was open, which may have been in order",
		"but not if nobody may have needed it any more");

	begin("TERM/30/KILL/5");
	instance.exit.status = 3;
	judges("status 3", "it exited with 3", "a status that is not 0 is a verdict");

	begin("TERM/30/KILL/5");
	instance.exit = (struct proc_exit){.known = true, .status = 143, .signo = SIGTERM};
	judges("status 143", "it was ended by SIGTERM", "so is a signal");

	begin("TERM/30/KILL/5");
	instance.exit.known = false;
	judges("status unknown", "nobody could learn", "and a status that nobody knows");

	begin("TERM/30/KILL/5");
	report.in_at_exit = report.cut = 1;
	report.late = 1;
	instance.exit.status = 1;
	judges("cut, late accepts, status 1", "1 connection came in", "several are told in a row");
}

static bool has(const char *key)
{
	return bson_has_field(&event.doc, key);
}

static void test_fields(void)
{
	begin("TERM/20/HUP/10/KILL/5");
	report.late = 4;
	make();
	is_str(event_get_str(&event.doc, "reason"), "restart", "the reason is in the document");
	is_str(event_get_str(&event.doc, "ladder"), "TERM/20/HUP/10/KILL/5", "the ladder");
	is_int(event_get_int(&event.doc, "allowed_ms"), 30000, "the time before SIGKILL");
	is_int(event_get_int(&event.doc, "processes"), 1, "how many processes were told");
	is_str(event_get_str(&event.doc, "watched"), "events", "how closes were learnt");
	is_int(event_get_int(&event.doc, "late"), 4, "how many came late");
	is_int(event_get_int(&event.doc, "not_accepting_ms"), 20, "a phase that was reached");
	ok(!has("drained_ms") && !has("released_ms"), "and none that was not");
	ok(!has("ms_at_most"), "its time is known");
	ok(has("signals") && has("connections") && has("exits"), "the lists are there");
	event_release(&event);

	begin("TERM/20/HUP/10/KILL/5");
	report.is_end_unseen = true;
	make();
	is_int(event_get_int(&event.doc, "ms_at_most"), 1, "unless nobody watched when it ended");
	event_release(&event);

	begin("TERM/forever");
	make();
	ok(!has("allowed_ms"), "where SIGKILL never comes no time is allowed");
	event_release(&event);

	begin("TERM/30/KILL/5");
	instance.boot_forced = true;
	make();
	is_str(event_get_str(&event.doc, "signal"), "SIGKILL", "what did not boot gets SIGKILL");
	is_int(event_get_int(&event.doc, "allowed_ms"), 0, "at once");
	event_release(&event);

	begin("TERM/30/KILL/5");
	report = (struct observe_report){0};
	make();
	ok(!has("not_accepting_ms") && !has("drained_ms") && !has("released_ms"),
		"what was never observed has no phases");
	is_str(event_get_str(&event.doc, "watched"), "unknown", "and is unknown");
	event_release(&event);
}

int main(void)
{
	test_verdicts();
	test_fields();
	return tap_done();
}
