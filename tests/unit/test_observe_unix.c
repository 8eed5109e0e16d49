/*
 * Tests of observe with Unix sockets, of which the kernel tells no news: doors, connections to them
 * and from the dyno, and what is neither.
 */
#include "stoprig.h"

static void serve_unix(void *arg)
{
	int listener = listen_on_unix("door");
	int first = connect_to_unix("db"), second = connect_to_unix("db");

	(void)arg;
	say(0);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	take_time(300);
	close(inbound);
	take_time(300);
	close(first);
	close(second);
	take_time(300);
}

static void test_unix(void)
{
	int db = listen_on_unix("db");
	char text[128];

	launch(serve_unix, NULL, true);
	hear();
	int client = connect_to_unix("door"), accepted = accept_one(db);
	hear();
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->listeners, 1, "a Unix listener is a listener where there is no other");
	is_int(report->inbound, 1, "with its connection");
	is_int(report->outbound, 2, "a connection to a named socket is an outbound one");
	snprintf(text, sizeof text, "unix:%s/db, unix:?", rig.dir);
	is_str(report->peers, text, "with that name, once it is accepted");
	ok(report->not_accepting >= 0 && report->not_accepting < report->drained &&
			report->drained < report->released,
		"their closes are found by looks, in their order");
	is_int(report->out_at_exit + report->in_at_exit, 0, "and were the program's");
	close(client);
	close(accepted);
	close(db);
}

/* ---- what is no connection ---- */

/* The other half of a pair is gone, with the process that had it. */
static void have_dead_pair(void *arg)
{
	int pair[2];

	(void)arg;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
	close(pair[1]);
	say(0);
	wait_forever();
}

static void test_dead_pair(void)
{
	launch(have_dead_pair, NULL, false);
	hear();
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->outbound, 0, "half of a pair whose other half is gone is no connection");
	is_str(report->peers, "", "to anybody");
	is_int(report->leaked, 0, "and does not leak");
}

int main(void)
{
	begin_rig();
	test_unix();
	test_dead_pair();
	return end_rig();
}
