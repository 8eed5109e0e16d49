/*
 * Tests of observe in cases that are seldom met: news that are lost or late, processes that share a
 * connection, IPv4 by way of IPv6.
 */
#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

enum {
	MANY = 200
};

static bool await_news(short events)
{
	struct pollfd news = {.fd = rig.app.news.fd, .events = events};

	return wait_until(poll(&news, 1, 0) == 1 && (news.revents & events) != 0);
}

/* ---- news ---- */

struct brief {
	unsigned count;
	bool listens_on;
};

/* At the signal it closes all connections, whose clients have said goodbye before, so that nothing
 * is left of them. */
static void serve_briefly(void *arg)
{
	const struct brief *brief = arg;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), fds[MANY];

	say(port);
	for (unsigned i = 0; i < brief->count; i++)
		fds[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	if (!brief->listens_on)
		close(listener);
	for (unsigned i = 0; i < brief->count; i++)
		close(fds[i]);
	say(0);
	await_signal(SIGTERM);
}

static void launch_briefly(struct brief brief, int *clients)
{
	launch(serve_briefly, &brief, true);
	uint16_t port = hear();
	for (unsigned i = 0; i < brief.count; i++)
		clients[i] = connect_to(AF_INET, port);
	hear();
	for (unsigned i = 0; i < brief.count; i++)
		shutdown(clients[i], SHUT_WR);
}

/* The next look would come in an hour. */
static void test_lost(void)
{
	int clients[MANY], least = 1;

	launch_briefly((struct brief){.count = MANY}, clients);
	begin_turn();
	observe(&rig.observer, "web.1");
	setsockopt(rig.app.news.fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
	send_to_all(SIGTERM);
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
	hear();
	ok(await_news(POLLERR), "news of many closes are lost when there is no room");
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	ok(report->not_accepting >= 0, "a look finds them");
	is_int(report->accepted, 0, "and nothing else");
	close_each(clients, MANY);
}

/* A look is made while news wait to be read. */
static void test_late_news(void)
{
	int clients[2];

	launch_briefly((struct brief){.count = 2}, clients);
	begin_stop(SIGTERM);
	take_time(100);
	hear();
	ok(await_news(POLLIN), "there are news of closes");
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
	go_on_after(&rig.observer.report.drained);
	run_loop(10);
	const struct observe_report *report = end_stop();
	is_int(report->accepted, 0, "what a look has found closed is no new one when it is told");
	close_each(clients, 2);
}

/* Somebody else observes already, so what was closed before is told as well. */
static void test_early_news(void)
{
	struct observer other;
	int clients[2];

	launch_briefly((struct brief){.count = 2, .listens_on = true}, clients);
	begin_turn();
	observe(&other, "web.2");
	kill(rig.tree.main.pid, SIGTERM);
	hear();
	ok(await_news(POLLIN), "there are news of closes");
	begin_turn();
	observe(&rig.observer, "web.1");
	send_to_all(SIGUSR2);
	ev_run(rig.app.loop, EVRUN_NOWAIT);
	is_int(rig.observer.report.accepted, 0,
		"what was closed before the signal has not come after it");
	observe_stop(&other);
	end_stop();
	close_each(clients, 2);
}

/* ---- several processes ---- */

/* Two have the connection; the main process ends, then the other one closes it. */
static void serve_shared(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	pid_t main = getpid();

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	if (fork() == 0) {
		alarm(PATIENCE);
		close(listener);
		say(0);
		await_signal(SIGTERM);
		while (getppid() == main)
			take_time(1);
		close(inbound);
		await_signal(SIGTERM);
		_exit(0);
	}
	await_signal(SIGTERM);
}

static void test_shared(void)
{
	launch(serve_shared, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	begin_stop(SIGTERM);
	await_phase(&rig.observer.report.drained);
	kill(-rig.tree.main.pid, SIGTERM);
	run_loop(-1);
	ok(wait_until(kill(-rig.tree.main.pid, 0) < 0), "both processes end");
	const struct observe_report *report = end_stop();
	is_int(report->in_at_exit, 0, "what two have open is not closed by the end of one");
	close(client);
}

/* Its worker has a connection to a database, and exits with it. */
static void serve_by_worker(void *arg)
{
	uint16_t *database = arg, port = 0;
	int listener = listen_on(AF_INET, &port, false);

	if (fork_child() == 0) {
		close(listener);
		connect_to(AF_INET, *database);
		say(0);
		await_handled(SIGTERM);
		_exit(0);
	}
	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	await_signal(SIGTERM);
}

static void test_unclear_order(void)
{
	uint16_t database = 0, port = 0;
	int fd = listen_on(AF_INET, &database, false);

	launch(serve_by_worker, &database, true);
	for (int i = 0; i < 2; i++) {
		uint16_t number = hear();
		port = number != 0 ? number : port;
	}
	int client = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	hear();
	go_on_after(&rig.observer.report.released);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	is_int(report->out_at_exit, 1, "a worker may have left its connection to the kernel");
	ok(!report->order_wrong, "so nothing is said of the order");
	close(client);
	close(fd);
}

/* ---- a listener that others have, too ---- */

static void lose_listener(void *arg)
{
	(void)arg;
	say(0);
	await_signal(SIGTERM);
	take_time(1300);
	close(program_inherits);
	await_signal(SIGTERM);
}

/* Nothing happens that the kernel would count, so looks are spared. */
static void test_quiet(void)
{
	uint16_t port = 0;

	program_inherits = listen_on(AF_INET, &port, false);
	launch(lose_listener, NULL, true);
	hear();
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.not_accepting);
	const struct observe_report *report = end_stop();
	ok(report->not_accepting < 8 * NSEC_PER_SEC,
		"a listener that only others have is missed in a look that is spared");
	close(program_inherits);
	program_inherits = -1;
}

/* ---- IPv4 by way of IPv6 ---- */

static void serve_dual(void *arg)
{
	uint16_t *database = arg;
	struct sockaddr_in6 any = {.sin6_family = AF_INET6}, mapped = any;
	socklen_t len = sizeof any;
	int listener = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
	int outbound = socket(AF_INET6, SOCK_STREAM, 0);

	setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	mapped.sin6_port = htons(*database);
	if (bind(listener, (struct sockaddr *)&any, len) < 0 || listen(listener, 10) < 0 ||
		getsockname(listener, (struct sockaddr *)&any, &len) < 0 ||
		inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr) != 1 ||
		connect(outbound, (struct sockaddr *)&mapped, sizeof mapped) < 0)
		_exit(1);
	say(ntohs(any.sin6_port));
	int first = accept_one(listener), second = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(first);
	close(second);
	close(outbound);
	await_signal(SIGTERM);
}

static void test_dual(void)
{
	uint16_t database = 0;
	int fd = listen_on(AF_INET, &database, false);
	char text[64];

	launch(serve_dual, &database, true);
	uint16_t port = hear();
	int v4 = connect_to(AF_INET, port), v6 = connect_to(AF_INET6, port);
	hear();
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	is_int(report->inbound, 2, "clients of both kinds come to one listener");
	snprintf(text, sizeof text, "127.0.0.1:%u", database);
	is_str(report->peers, text, "an IPv4 address that an IPv6 socket leads to is told as such");
	ok(report->drained >= 0 && report->drained <= report->released,
		"their closes are heard of");
	close(v4);
	close(v6);
	close(fd);
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	test_lost();
	test_late_news();
	test_early_news();
	test_shared();
	test_unclear_order();
	test_quiet();
	test_dual();
	return end_rig();
}
