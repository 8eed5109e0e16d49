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

/* Releases its pool of two, and closes its inbound connections at the same signal (with_all), or at
 * the next one. */
static void serve(void *with_all)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), inbound[INBOUND];
	int pool[] = {connect_to(AF_INET, database), connect_to(AF_INET, database)};

	say(port);
	for (int i = 0; i < INBOUND; i++)
		inbound[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	if (with_all != NULL)
		close_each(inbound, INBOUND);
	else
		close_each(pool, 2);
	say(0);
	await_signal(SIGTERM);
	if (with_all != NULL)
		close_each(pool, 2);
	else
		close_each(inbound, INBOUND);
	await_signal(SIGTERM);
}

/* Returns when the stop has begun and the program has closed what it closes then. */
static void begin(void *with_all, int clients[static INBOUND])
{
	launch(serve, with_all, true);
	uint16_t port = hear();
	for (int i = 0; i < INBOUND; i++)
		clients[i] = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
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
	int clients[INBOUND];

	begin(NULL, clients);
	await_phase(&rig.observer.report.released);
	is_int(rig.observer.looks, 1, "where nobody has come, who is left is known without a look");
	is_int(rig.observer.report.inbound_then, INBOUND, "they are those that were there");
	is_int(end(clients)->order_wrong, false, "and when nothing is said on them that is all");
}

/* Others open connections, so one may have come to us. */
static void test_left_and_come(void)
{
	int clients[INBOUND];

	begin(NULL, clients);
	close(connect_to(AF_INET, database));
	await_phase(&rig.observer.report.released);
	is_int(rig.observer.looks, 2, "where one may have come there is a look");
	is_int(rig.observer.report.inbound_then, INBOUND, "which finds the same");
	end(clients);
}

/* The news are there, but not read. */
static void test_untold(void)
{
	static char all[] = "all";
	int clients[INBOUND];

	begin(all, clients);
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

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_again();
	test_left();
	test_left_and_come();
	test_untold();
	close(listener);
	return end_rig();
}
