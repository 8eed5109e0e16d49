/*
 * Tests of observe with many connections, and of what it does not look at in order to be quick:
 * each of a thousand is counted once, opened and closed, and a dyno that is a client of itself has
 * no outbound connection by that.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
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

/* To somebody else the other ends of our connections may be his outbound ones. */
static void test_second_observer(void)
{
	struct observer second;

	ok(rig.app.news.leaves_out, "who observes alone is not told of the other ends");
	observe_begin(&second, &rig.app, &rig.tree, "web.2", 1);
	ok(!rig.app.news.leaves_out, "when a second one begins, both are told of all");
	observe_stop(&second);
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
	test_second_observer();
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

/* ---- shared ---- */

/* Takes a connection that has waited since before the signal. */
static void serve_shared(void *arg)
{
	(void)arg;
	int first = accept_one(program_inherits);
	say(0);
	await_signal(SIGTERM);
	int second = accept_one(program_inherits);
	await_signal(SIGTERM);
	close(program_inherits);
	close(first);
	close(second);
	await_signal(SIGTERM);
}

/* Somebody else listens at another address of the same port, so who it is for is known only when it
 * is accepted, which is no event of the kernel's counts. */
static void test_shared(void)
{
	struct sockaddr_in elsewhere = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool was_quiet = false;

	elsewhere.sin_port = htons(port);
	if (bind(other, (struct sockaddr *)&elsewhere, sizeof elsewhere) < 0 ||
		listen(other, 5) < 0)
		bail_out("no other listener");
	program_inherits = listener;
	fcntl(listener, F_SETFD, 0);
	int first = connect_to(AF_INET, port);
	launch(serve_shared, NULL, true);
	hear();
	close(listener);
	int second = connect_to(AF_INET, port);
	begin_stop(SIGTERM);
	while (rig.observer.report.accepted == 0 && clock_mono() < limit) {
		ev_run(rig.app.loop, EVRUN_ONCE);
		was_quiet |= rig.observer.quiet > 0;
	}
	is_int(rig.observer.report.accepted, 1,
		"on a shared port a connection that is accepted is found");
	ok(!was_quiet, "as no look is spared there");
	ok(rig.observer.report.drained < 0, "and until it is closed nothing is drained");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.drained);
	end_stop();
	program_inherits = -1;
	close(first);
	close(second);
	close(other);
}

/* A network of its own, where nothing happens but what the test does; where that is not allowed,
 * the tests are less severe. */
static void be_alone(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) < 0 || (fd = socket(AF_INET, SOCK_DGRAM, 0)) < 0) {
		printf("# no network of its own: %s\n", strerror(errno));
		return;
	}
	if (ioctl(fd, SIOCSIFFLAGS, &loopback) < 0)
		bail_out("no loopback interface");
	close(fd);
}

int main(void)
{
	struct rlimit files;

	be_alone();
	begin_rig();
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	test_many();
	test_itself(false);
	test_itself(true);
	test_shared();
	return end_rig();
}
