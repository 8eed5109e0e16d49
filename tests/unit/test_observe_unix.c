/*
 * Tests of observe with Unix sockets, of which the kernel tells no news: doors, connections to them
 * and from the dyno, and what is neither.
 */
#include "nets.h"
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

static void leave_database(void *arg)
{
	(void)arg;
	connect_to_unix("db");
	say(0);
	await_handled(SIGTERM);
}

static void test_exit(void)
{
	int db = listen_on_unix("db");

	launch(leave_database, NULL, true);
	hear();
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->outbound, 1, "a connection is open at the signal");
	is_int(report->out_at_exit, 0,
		"whether its process was ending when it was closed is not known so exactly");
	close(db);
}

/* ---- a door ---- */

enum {
	CALLERS = 4
};

/* At each SIGTERM it accepts one, with the last of them it closes the door, and then all. */
static void accept_at_door(void *arg)
{
	int listener = listen_on_unix("door"), fds[CALLERS];

	(void)arg;
	say(0);
	for (int i = 0; i < CALLERS; i++) {
		await_signal(SIGTERM);
		fds[i] = accept_one(listener);
		say(0);
	}
	close(listener);
	await_signal(SIGTERM);
	for (int i = 0; i < CALLERS; i++)
		close(fds[i]);
	await_signal(SIGTERM);
}

static int call(void)
{
	int fd = connect_to_unix("door");

	kill(rig.tree.main.pid, SIGTERM);
	hear();
	return fd;
}

static void await_accepted(unsigned count)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	while (rig.observer.report.accepted < count && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	is_int(rig.observer.report.accepted, count, "a connection that came later is found");
}

/* by_news: looks are spared when the kernel tells news. */
static void test_door(bool by_news)
{
	const struct observe_report *seen = &rig.observer.report;
	int callers[CALLERS];

	printf("# a door, with news: %d\n", by_news);
	rig.app.news.is_refused = !by_news;
	launch(accept_at_door, NULL, true);
	hear();
	callers[0] = connect_to_unix("door");
	begin_stop(SIGTERM);
	hear();
	is_int(seen->inbound, 1, "a connection that waits to be accepted is open");
	callers[1] = call();
	await_accepted(1);
	is_int(seen->late, 0, "in the first second it is not late");
	run_loop(1100);
	is_int(seen->accepted, 1, "who waited at the signal has not come later");
	callers[2] = call();
	await_accepted(2);
	is_int(seen->late, 1, "later it is");
	callers[3] = call();
	await_phase(&seen->not_accepting);
	is_int(seen->accepted, 3, "whoever came just before the door was closed is found then");
	ok(seen->drained < 0, "so it is not drained");
	go_on_after(&seen->not_accepting);
	go_on_after(&seen->drained);
	const struct observe_report *report = end_stop();
	rig.app.news.is_refused = false;
	is_int(report->late, 2, "two were late");
	is_int(report->in_at_exit, 0, "and all were closed by the program");
	is_int(report->waited, 0, "none of them was left waiting");
	for (int i = 0; i < CALLERS; i++)
		close(callers[i]);
}

static void accept_nobody(void *arg)
{
	(void)arg;
	listen_on_unix("door");
	say(0);
	await_signal(SIGTERM);
}

/* Two wait: one at the door; one at that of another instance, which has taken its name. */
static void test_same_name(void)
{
	launch(accept_nobody, NULL, true);
	hear();
	int ours = connect_to_unix("door");
	int other = listen_on_unix("door"), theirs = connect_to_unix("door");
	begin_stop(SIGTERM);
	is_int(rig.observer.report.inbound, 1, "what comes to another one of the name is not ours");
	is_int(end_stop()->waited, 1, "who waits when the door is closed is gone with it");
	close(ours);
	close(theirs);
	close(other);
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
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	test_unix();
	test_exit();
	test_door(true);
	test_door(false);
	test_same_name();
	test_dead_pair();
	return end_rig();
}
