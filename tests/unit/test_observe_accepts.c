/*
 * Tests of observe: connections that come after the signal, and listeners that several processes
 * have. Small programs are stopped, as in test_observe.c.
 */
#include "observe.h"

#include "stoprig.h"

static uint16_t database;
static int database_fd;
static char released[] = "released";

/* ---- connections that come after the signal ---- */

/* Takes one more, closes the listener, and the first one at once. */
static void accept_last(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	say(port);
	int first = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	int last = accept_one(listener);
	close(listener);
	close(first);
	await_signal(SIGTERM);
	close(last);
	await_signal(SIGTERM);
}

static void test_last(void)
{
	const struct observe_report *seen = &rig.observer.report;

	launch(accept_last, NULL, true);
	uint16_t port = hear();
	int first = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	int last = connect_to(AF_INET, port);
	await_phase(&seen->not_accepting);
	is_int(seen->accepted, 1, "who came before the listener was closed is known then");
	run_loop(100);
	ok(seen->drained < 0, "so the end of the others is not taken for that of all");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&seen->drained);
	end_stop();
	close(first);
	close(last);
}

/* Goes on accepting until it is told not to. */
static void accept_on(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	say(port);
	await_signal(SIGTERM);
	for (int i = 0; i < 3; i++)
		close(accept_one(listener));
	int last = accept_one(listener);
	close(listener);
	await_signal(SIGTERM);
	close(last);
	await_signal(SIGTERM);
}

static void come_and_go(uint16_t port)
{
	int fd = connect_to(AF_INET, port);
	char byte;

	if (read(fd, &byte, 1) != 0)
		bail_out("a program of the test does not close");
	close(fd);
}

static void test_late(void)
{
	launch(accept_on, NULL, true);
	uint16_t port = hear();
	begin_stop(SIGTERM);
	run_loop(100);
	come_and_go(port);
	come_and_go(port);
	run_loop(1200);
	come_and_go(port);
	int last = connect_to(AF_INET, port);
	await_phase(&rig.observer.report.not_accepting);
	is_int(rig.observer.report.accepted, 4,
		"connections that come later are counted, even when they go again");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	is_int(report->inbound, 0, "at the signal nobody was connected");
	is_int(report->late, 2, "those after a second are late");
	ok(report->drained >= report->not_accepting,
		"drained it is only when the listener is closed");
	close(last);
}

static void listen_late(void *arg)
{
	uint16_t port = 0;
	int fd, client;

	(void)arg;
	client = connect_to(AF_INET, database);
	say(0);
	await_signal(SIGTERM);
	fd = listen_on(AF_INET, &port, false);
	say(port);
	int inbound = accept_one(fd);
	await_signal(SIGTERM);
	close(fd);
	close(inbound);
	close(client);
	await_signal(SIGTERM);
}

static void test_new_listener(void)
{
	struct observe_now now = {0};
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	launch(listen_late, NULL, true);
	hear();
	begin_stop(SIGTERM);
	uint16_t port = hear();
	int client = connect_to(AF_INET, port);
	while (now.listeners == 0 && clock_mono() < limit) {
		ev_run(rig.app.loop, EVRUN_ONCE);
		if (!observe_now(&rig.observer, &now))
			bail_out("what is open cannot be asked for during the stop");
	}
	is_int(now.listeners, 1, "a listener that came after the signal is found");
	is_int(now.inbound, 1, "with its connection");
	is_str(now.phase, "accepting", "and makes the phase");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	is_int(report->listeners, 0, "at the signal there was none");
	ok(report->not_accepting < 0, "so nothing is said of its end");
	ok(report->released >= 0, "nor does it disturb the rest");
	close(client);
}

/* ---- several processes ---- */

/* Two processes, each with its own listener on one port, or both with the same. The second one
 * closes its listener later. */
static void serve_both(void *arg)
{
	bool own = arg == NULL;
	uint16_t port = 0;
	int first = listen_on(AF_INET, &port, own);

	pid_t pid = fork();
	if (pid == 0) {
		int second = own ? listen_on(AF_INET, &port, true) : first;
		if (own)
			close(first);
		say(port);
		await_signal(SIGTERM);
		take_time(250);
		close(second);
		take_time(60);
		_exit(0);
	}
	say(port);
	await_signal(SIGTERM);
	close(first);
	while (waitpid(pid, NULL, 0) < 0)
		;
	take_time(60);
}

static void test_two(bool own, const char *name)
{
	launch(serve_both, own ? NULL : released, true);
	hear();
	hear();
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->listeners, own ? 2 : 1, name);
	ok(report->not_accepting >= 200 * NSEC_PER_MSEC, "closed they are when the last one is");
	is_int(report->processes, 2, "both processes were told");
	is_int((int64_t)report->history.exit_count, 2, "the end of each is noted");
	ok(has_line("ended after 0.") && has_line(" s, 1 left") &&
			strstr(rig.lines.data, "0 left") == NULL,
		"and told in a line, but for the main process, which has others");
}

/* Somebody who is no process of the dyno has the listener as well, or one of its own on the port,
 * and serves on. */
struct other {
	pid_t pid;
	int go;
};

static struct other lend(int listener)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		close(ends[1]);
		for (;;) {
			if (read(ends[0], &byte, 1) != 1)
				_exit(0);
			if (accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
				_exit(1);
		}
	}
	close(ends[0]);
	return (struct other){.pid = pid, .go = ends[1]};
}

static void serve_inherited(void *arg)
{
	int inbound = accept_one(program_inherits);

	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(program_inherits);
	take_time(1500);
	close(inbound);
	take_time(60);
}

static void test_lent(void)
{
	uint16_t port = 0;
	int clients[3];

	program_inherits = listen_on(AF_INET, &port, false);
	struct other other = lend(program_inherits);
	launch(serve_inherited, NULL, true);
	close(program_inherits);
	program_inherits = -1;
	int client = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	run_loop(1200);
	ok(rig.observer.report.not_accepting >= 0,
		"a listener that only others have any more is not ours");
	for (int i = 0; i < 3; i++) {
		clients[i] = connect_to(AF_INET, port);
		if (write(other.go, "", 1) != 1)
			bail_out("the other process has ended");
	}
	const struct observe_report *report = end_stop();
	is_int(report->inbound, 1, "one connection was ours");
	is_int(report->accepted, 0, "what the others accept is not ours");
	is_int(report->late, 0, "nor late");
	ok(report->drained >= 1400 * NSEC_PER_MSEC, "and ours are drained for themselves");
	close_each(clients, 3);
	close(client);
	close(other.go);
	end_child(other.pid, 0);
}

int main(void)
{
	begin_rig();
	database_fd = listen_on(AF_INET, &database, false);
	test_last();
	test_late();
	test_new_listener();
	test_two(true, "two listeners on one port are two");
	test_two(false, "one listener of two processes is one");
	test_lent();
	close(database_fd);
	return end_rig();
}
