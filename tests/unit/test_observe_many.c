/*
 * Tests of observe with many connections, and of what it does not look at in order to be quick:
 * each of a thousand is counted once, opened and closed, and a dyno that is a client of itself has
 * no outbound connection by that.
 */
#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

#include "nets.h"
#include "observe-parts.h"
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
	observe(&second, "web.2");
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

/* ---- many observers ---- */

enum {
	OBSERVERS = 4
};

static void wait_twice(void *arg)
{
	(void)arg;
	say(0);
	await_signal(SIGTERM);
	say(0);
	await_signal(SIGTERM);
}

static bool is_in_table(uint16_t port)
{
	for (size_t i = 0; i < rig.app.sockets.filled; i++)
		if (rig.app.sockets.rows[i].local_port == port)
			return true;
	return false;
}

/* As when the time of many dynos is up at once. The first looks for itself, the second lets the
 * whole table come. */
static void test_turn(void)
{
	struct observer others[OBSERVERS];
	uint16_t port = 0, slow_port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int slow = listen_on(AF_INET, &slow_port, false);
	int waiting = connect_to(AF_INET, slow_port);

	launch(wait_twice, NULL, true);
	hear();
	begin_stop(SIGTERM);
	for (int i = 0; i < OBSERVERS; i++) {
		observe(&others[i], "web.2");
		observe_signal(&others[i], SIGTERM, true, 0);
	}
	begin_turn();
	observe_before(&others[0], SIGKILL);
	observe_before(&others[1], SIGKILL);
	nsec_t taken = rig.app.sockets.taken;
	observe_before(&others[2], SIGKILL);
	ok(rig.app.sockets.taken == taken, "all who look in a turn share one table");
	ok(is_in_table(port), "which has all that listen");
	is_int((int64_t)others[2].table.count, 0,
		"and what is none of theirs, be it accepted or not, is kept by none");
	close(listener);
	struct pollfd news = {.fd = rig.app.news.fd, .events = POLLIN};
	poll(&news, 1, PATIENCE * 1000);
	observe_before(&others[3], SIGKILL);
	ok(rig.app.sockets.taken == taken, "also when a close has been told meanwhile");
	ok(!is_in_table(port), "of which the table knows");
	for (int i = 0; i < OBSERVERS; i++)
		observe_stop(&others[i]);
	hear();
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(waiting);
	close(slow);
}

static void listen_and_wait(void *arg)
{
	uint16_t port = 0;

	listen_on(AF_INET, &port, false);
	wait_twice(arg);
}

static void test_glances(void)
{
	const nsec_t step = 20 * NSEC_PER_MSEC;
	struct observer second;

	launch(listen_and_wait, NULL, true);
	hear();
	begin_stop(SIGTERM);
	observe(&second, "web.2");
	is_int(rig.observer.glance.due % step, 0, "those who glance do so at the same moments");
	is_int(second.glance.due % step, 0, "whenever they have begun");
	begin_turn();
	ok(!observe_glance(&rig.observer), "a glance finds that all listen");
	nsec_t taken = rig.app.net.table.taken;
	ok(!observe_glance(&second), "so does the next one");
	ok(rig.app.net.table.taken == taken, "for which the kernel is not asked again");
	begin_turn();
	observe_glance(&second);
	ok(rig.app.net.table.taken > taken, "but in the next turn");
	observe_stop(&second);
	hear();
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
}

/* ---- while it is looked ---- */

enum {
	SPARE_FDS = 20000
};

/* Has so many descriptors that it takes time to go through them, and accepts all the while. Tells
 * how many it has got in the end. */
static void serve_eagerly(void *arg)
{
	static int fds[USHRT_MAX];
	uint16_t port = 0, count = 0;
	int listener = listen_on(AF_INET, &port, false), fd;
	sigset_t pending;

	(void)arg;
	for (int i = 0; i < SPARE_FDS && fcntl(program_tells, F_DUPFD, 3000) >= 0; i++)
		;
	fcntl(listener, F_SETFL, O_NONBLOCK);
	say(port);
	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			fds[count++] = fd;
		sigpending(&pending);
	} while (sigismember(&pending, SIGTERM) == 0);
	await_signal(SIGTERM);
	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		fds[count++] = fd;
	close(listener);
	say(count);
	await_signal(SIGTERM);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	await_signal(SIGTERM);
}

static pid_t connect_on(uint16_t port)
{
	socklen_t len;
	struct sockaddr_storage address = loopback(AF_INET, port, &len);
	pid_t pid = fork_child();

	if (pid != 0)
		return pid;
	while (connect(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
		       len) == 0)
		take_time(1);
	wait_forever();
}

static void test_eager(bool has_port)
{
	const struct observe_report *seen = &rig.observer.report;
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	launch(serve_eagerly, NULL, true);
	uint16_t port = hear();
	rig.port = has_port ? port : 0;
	pid_t clients = connect_on(port);
	take_time(100);
	begin_stop(SIGTERM);
	uint16_t count = hear();
	while (seen->inbound + seen->accepted < count && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	ok(seen->inbound > 0, "there are connections at the signal");
	is_int(seen->inbound + seen->accepted, count,
		"one that is accepted during the look is not overlooked");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&seen->drained);
	end_stop();
	rig.port = 0;
	end_child(clients, SIGKILL);
}

/* ---- itself ---- */

/* Its own address, which need not be one of the loopback interface; 0: it has no other. */
static in_addr_t own_address;

static int connect_to_itself(int listener, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = own_address};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (own_address == 0)
		return connect_to(AF_INET, port);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 5) < 0 ||
		dup2(fd, listener) < 0)
		bail_out("no listener at the own address");
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		bail_out("no connection to the own address");
	return fd;
}

/* Is its own client, and one of a database. */
static void serve_itself(void *arg)
{
	uint16_t *database = arg, port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, *database);
	int client = connect_to_itself(listener, port), server = accept_one(listener);

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
	observe(&rig.observer, "web.1");
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
	struct ifreq alias = {.ifr_name = "lo:1"};
	struct sockaddr_in *address = (struct sockaddr_in *)&alias.ifr_addr;

	if (!enter_own_network()) {
		printf("# no network of its own: %s\n", strerror(errno));
		return;
	}
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	*address =
		(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a010203)};
	if (ioctl(fd, SIOCSIFADDR, &alias) == 0)
		own_address = address->sin_addr.s_addr;
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
	test_turn();
	test_glances();
	test_eager(false);
	test_eager(true);
	in_addr_t other = own_address;
	own_address = 0;
	test_itself(false);
	test_itself(true);
	own_address = other;
	test_itself(false);
	test_shared();
	return end_rig();
}
