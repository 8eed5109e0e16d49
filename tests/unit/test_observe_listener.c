/*
 * Tests of observe with listeners of whose end the kernel does not tell: it is found by a glance.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

/* Only glances are left: the next look would come in an hour. */
static void spare_looks(void)
{
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
}

/* ---- one that others have, too ---- */

static void lose_listener(void *arg)
{
	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(program_inherits);
	await_signal(SIGTERM);
}

static void test_others(void)
{
	uint16_t port = 0;

	program_inherits = listen_on(AF_INET, &port, false);
	launch(lose_listener, NULL, true);
	hear();
	begin_stop(SIGTERM);
	spare_looks();
	go_on_after(&rig.observer.report.not_accepting);
	const struct observe_report *report = end_stop();
	ok(has_line("Not accepting"),
		"a glance finds a listener that only others still have, and it is said");
	is_int(report->reset, 0, "who waits there is not reset");
	close(program_inherits);
	program_inherits = -1;
}

/* ---- one that is shut down, and kept ---- */

enum {
	WAITING = 3
};

static void shut_down(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	say(port);
	await_signal(SIGTERM);
	shutdown(listener, SHUT_RD);
	await_signal(SIGTERM);
}

static void test_shut_down(void)
{
	launch(shut_down, NULL, true);
	hear();
	begin_stop(SIGTERM);
	spare_looks();
	go_on_after(&rig.observer.report.not_accepting);
	end_stop();
	ok(has_line("Not accepting"), "a glance finds a listener that does not listen any more");
}

static void connect_waiting(int clients[static WAITING], uint16_t port)
{
	for (int i = 0; i < WAITING; i++)
		clients[i] = connect_to(AF_INET, port);
}

static void close_waiting(const int clients[static WAITING])
{
	for (int i = 0; i < WAITING; i++)
		close(clients[i]);
}

static void spare_glances(void)
{
	timer_set(rig.app.loop, &rig.observer.glance, clock_mono() + 3600 * NSEC_PER_SEC);
}

/* The only news are those of who waited there. */
static void test_dropped(void)
{
	int clients[WAITING];

	launch(shut_down, NULL, true);
	connect_waiting(clients, hear());
	begin_stop(SIGTERM);
	is_int(rig.observer.report.inbound, WAITING, "some wait to be accepted");
	spare_looks();
	spare_glances();
	go_on_after(&rig.observer.report.not_accepting);
	run_loop(NEWS_DELAY / NSEC_PER_MSEC);
	const struct observe_report *report = end_stop();
	is_int(report->reset, WAITING,
		"they are dropped, and that their listener is shut down "
		"is found by that");
	close_waiting(clients);
}

/* ---- a look that comes before the news ---- */

static bool is_told(int news)
{
	struct pollfd poll_for = {.fd = news, .events = POLLIN};

	return poll(&poll_for, 1, 0) == 1;
}

/* How many there are on that port. */
static unsigned count_there(uint16_t port)
{
	struct netsock_table table = {0};
	unsigned count = 0;

	if (netsock_dump(rig.app.net.fd, &table) < 0)
		bail_out("no table");
	for (size_t i = 0; i < table.count; i++)
		count += table.rows[i].local_port == port;
	netsock_release(&table);
	return count;
}

static void test_dropped_before(void)
{
	int clients[WAITING];

	launch(shut_down, NULL, true);
	uint16_t port = hear();
	connect_waiting(clients, port);
	begin_stop(SIGTERM);
	if (!wait_until(is_told(rig.app.news.fd) && count_there(port) == 0))
		bail_out("the end of who waits is not told");
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
	is_int(observe_count(&rig.observer, ROLE_INBOUND), 0,
		"a look finds that who waited has "
		"gone");
	run_loop(NEWS_DELAY / NSEC_PER_MSEC);
	kill(rig.tree.main.pid, SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->reset, WAITING, "that they were dropped is told afterwards");
	is_int(report->accepted, 0, "and not taken for others that came");
	close_waiting(clients);
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	test_others();
	test_shut_down();
	test_dropped();
	test_dropped_before();
	return end_rig();
}
