/*
 * Tests of observe with many connections, and of what it does not look at in order to be quick:
 * each of a thousand is counted once, opened and closed, and a dyno that is a client of itself has
 * no outbound connection by that.
 */
#include <sys/resource.h>

#include "stoprig.h"

enum {
	MANY = 600
};

/* ---- many ---- */

static void serve_many(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int fds[MANY];

	(void)arg;
	say(port);
	for (int i = 0; i < MANY; i++)
		fds[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	await_signal(SIGTERM);
}

static void test_many(void)
{
	static int clients[MANY];
	unsigned rising = 0;

	launch(serve_many, NULL, true);
	uint16_t port = hear();
	for (int i = 0; i < MANY; i++)
		clients[i] = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	is_int(rig.observer.report.inbound, MANY, "each of many connections is seen");
	is_int(rig.observer.report.outbound, 0, "their other ends are not ours");
	for (int i = 0; i < MANY; i++)
		shutdown(clients[i], SHUT_WR);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	ok(report->drained >= 0, "their closes are all heard of");
	is_int(report->accepted, 0, "and none is taken for a new one");
	is_int(report->in_at_exit, 0, "nor for one that was open at the end");
	const struct stophistory *history = &report->history;
	for (size_t i = 1; i < history->step_count; i++)
		rising += history->steps[i].inbound > history->steps[i - 1].inbound;
	is_int(rising, 0, "their number never rises");
	for (int i = 0; i < MANY; i++)
		close(clients[i]);
}

/* ---- itself ---- */

/* Is its own client, and one of a database. */
static void serve_itself(void *arg)
{
	uint16_t *database = arg, port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, *database);
	int client = connect_to(AF_INET, port), server = accept_one(listener);

	say(port);
	await_signal(SIGTERM);
	close(listener);
	close(client);
	close(server);
	close(outbound);
	await_signal(SIGTERM);
}

/* whole: somebody else has asked for the whole table in this turn. */
static void test_itself(bool whole)
{
	uint16_t database = 0;
	int fd = listen_on(AF_INET, &database, false);

	launch(serve_itself, &database, true);
	hear();
	begin_turn();
	if (whole)
		app_sockets(&rig.app);
	observe_begin(&rig.observer, &rig.app, &rig.tree, "web.1", 1);
	send_to_all(SIGTERM);
	is_int(rig.observer.report.inbound, 1, "a connection of a dyno with itself is inbound");
	is_int(rig.observer.report.outbound, 1, "and not outbound; only the database is");
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	ok(report->drained >= 0 && report->released >= 0, "its close and that of the database are "
							  "phases");
	ok(!report->order_wrong, "in their order");
	close(fd);
}

int main(void)
{
	struct rlimit files;

	begin_rig();
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	test_many();
	test_itself(false);
	test_itself(true);
	return end_rig();
}
