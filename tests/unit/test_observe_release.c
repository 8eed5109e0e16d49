/*
 * Tests of observe with outbound connections: how many were closed when it is said that all are,
 * and whether it was their program that did.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

static uint16_t database;

/* ---- connected again ---- */

static void release_twice(void *arg)
{
	int first = connect_to(AF_INET, database), second = connect_to(AF_INET, database);

	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(first);
	close(second);
	await_signal(SIGTERM);
	first = connect_to(AF_INET, database);
	say(0);
	await_signal(SIGTERM);
	close(first);
	await_signal(SIGTERM);
}

static unsigned count_lines(const char *words)
{
	unsigned count = 0;

	for (const char *at = rig.lines.data; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

static void test_again(void)
{
	launch(release_twice, NULL, true);
	hear();
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.released);
	hear();
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
	is_int(rig.observer.report.released, -1, "who connects again has not released all");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.released);
	end_stop();
	is_int(count_lines("Released"), 2, "when he has, it is said again");
	ok(has_line("2 outbound connections closed") && has_line("1 outbound connection closed"),
		"each time with the number of those that were closed since");
}

/* ---- what is left at the release ---- */

enum {
	INBOUND = 3
};

/* What it does at one SIGTERM after the other (w), a letter for each step: closes its listener (l)
 * or shuts it down (s), its pool of two (p), its inbound connections (i). */
static void serve(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), inbound[INBOUND];
	int pool[] = {connect_to(AF_INET, database), connect_to(AF_INET, database)};

	say(port);
	for (int i = 0; i < INBOUND; i++)
		inbound[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	for (const char *step = arg; *step != '\0'; step++) {
		if (*step == 'l')
			close(listener);
		if (*step == 's')
			shutdown(listener, SHUT_RDWR);
		if (*step == 'p')
			close_each(pool, 2);
		if (*step == 'i')
			close_each(inbound, INBOUND);
		if (*step != 'w')
			continue;
		say(0);
		await_signal(SIGTERM);
	}
}

/* Returns when the stop has begun and the program has closed what it closes then. */
static void begin(char *steps, int clients[static INBOUND])
{
	launch(serve, steps, true);
	uint16_t port = hear();
	for (int i = 0; i < INBOUND; i++)
		clients[i] = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
	timer_set(rig.app.loop, &rig.observer.glance, clock_mono() + 3600 * NSEC_PER_SEC);
	hear();
}

static const struct observe_report *end(int clients[static INBOUND])
{
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	close_each(clients, INBOUND);
	return report;
}

static void test_left(void)
{
	static char steps[] = "lpwiw";
	int clients[INBOUND];

	begin(steps, clients);
	await_phase(&rig.observer.report.released);
	is_int(rig.observer.looks, 1, "where nobody has come, who is left is known without a look");
	is_int(rig.observer.report.inbound_then, INBOUND, "they are those that were there");
	nsec_t looked = rig.observer.looked;
	timer_set(rig.app.loop, &rig.observer.look, clock_mono());
	while (rig.observer.looked == looked)
		ev_run(rig.app.loop, EVRUN_ONCE);
	is_int(rig.observer.quiet, 1, "nor is one needed afterwards");
	is_int(end(clients)->order_wrong, false, "and when nothing is said on them that is all");
}

/* Something else happens while the listener is open, so one may have come to us. */
static void expect_look(const char *name, void (*happen)(void))
{
	static char steps[] = "pwliw";
	int clients[INBOUND];

	begin(steps, clients);
	happen();
	await_phase(&rig.observer.report.released);
	is_int(rig.observer.looks, 2, name);
	is_int(rig.observer.report.inbound_then, INBOUND, "which finds the same");
	end(clients);
}

static void connect_elsewhere(void)
{
	close(connect_to(AF_INET, database));
}

static void have_unix(void)
{
	rig.observer.has_unix = true;
}

static void share_port(void)
{
	rig.observer.is_shared[0] = true;
}

static void miss_something(void)
{
	rig.observer.must_look = true;
}

static void hear_nothing(void)
{
	rig.observer.report.watched = OBSERVE_LOOKS;
}

static void test_look(void)
{
	expect_look("where a connection was opened there is a look", connect_elsewhere);
	expect_look("so there is on a port that others share", share_port);
	expect_look("where there are Unix sockets", have_unix);
	expect_look("where something was missed", miss_something);
	expect_look("and where the kernel does not tell of closes", hear_nothing);
}

/* Of that the kernel does not tell. */
static void test_shut(void)
{
	static char steps[] = "spwiw";
	int clients[INBOUND];

	begin(steps, clients);
	await_phase(&rig.observer.report.released);
	ok(rig.observer.report.not_accepting >= 0, "a listener that is shut down is found, too");
	ok(rig.observer.report.not_accepting <= rig.observer.report.released,
		"before it is said that all are released");
	nsec_t shut = rig.observer.report.not_accepting;
	begin_turn();
	observe_signal(&rig.observer, SIGTERM, true, 1);
	is_int(rig.observer.report.not_accepting, shut,
		"and is not taken for open at the next signal");
	end(clients);
}

/* The news are there, but not read. */
static void test_untold(void)
{
	static char steps[] = "liwpw";
	int clients[INBOUND];

	begin(steps, clients);
	begin_turn();
	ok(observe_ask_inbound(&rig.observer), "the kernel can be asked before it has told");
	is_int(observe_count(&rig.observer, ROLE_INBOUND), 0, "then all are closed");
	is_int(observe_count(&rig.observer, ROLE_OUTBOUND), 2, "and others are as they were");
	go_on_after(&rig.observer.report.drained);
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	is_int(report->inbound_then, 0, "and the release is behind that");
	is_int(report->inbound + report->accepted, INBOUND, "each was counted once");
	close_each(clients, INBOUND);
}

/* ---- a long goodbye ---- */

/* Its client does not read, so the kernel says goodbye until the end of the client. */
static void fill(int fd)
{
	static const char bytes[65536];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, bytes, sizeof bytes) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void close_and_go_on(void *arg)
{
	uint16_t port = 0;
	char question[10];
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	fill(inbound);
	say(0);
	if (recv(inbound, question, sizeof question, MSG_WAITALL) != sizeof question)
		_exit(1);
	say(0);
	await_signal(SIGTERM);
	close(inbound);
	say(0);
	await_signal(SIGTERM);
}

static void test_goodbye(void)
{
	launch(close_and_go_on, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	take_time(50); /* the kernel counts in ms who has spoken last */
	if (write(client, "0123456789", 10) != 10)
		bail_out("no question");
	hear();
	begin_stop(SIGTERM);
	hear();
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
	is_int(observe_count(&rig.observer, ROLE_INBOUND), 0, "one that says goodbye is closed");
	kill(rig.tree.main.pid, SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->last_words, 0,
		"it was not closed by the end of its process, though that is when it is told");
	is_int(report->in_at_exit, 0, "and is not counted so");
	close(client);
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_again();
	test_left();
	test_look();
	test_shut();
	test_untold();
	test_goodbye();
	close(listener);
	return end_rig();
}
