/*
 * Tests of observe with news that are read in one go, some time after what they tell of, as they
 * are when the machine is busy or the supervisor was.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

enum {
	MANY = 8
};

/* ---- what the kernel has told ---- */

static uint16_t database;

/* Hears the same news as the observer. */
static struct {
	int fd;
	uint16_t port;
	unsigned listeners, connections; /* of the program that were closed */
} news;

static void count_close(void *arg, const struct netsock *closed)
{
	(void)arg;
	if (closed->local_port != news.port && closed->remote_port != database)
		return;
	news.listeners += closed->remote_port == 0;
	news.connections += closed->remote_port != 0;
}

static void begin_news(uint16_t port)
{
	news.fd = netsock_open_news();
	news.port = port;
	news.listeners = news.connections = 0;
	if (news.fd < 0)
		bail_out("the kernel tells no news");
}

static bool are_told(unsigned listeners, unsigned connections)
{
	netsock_read_news(news.fd, count_close, NULL);
	return news.listeners == listeners && news.connections == connections;
}

/* Lets the program go on until its next closes are told, while the observer hears nothing. */
static void go_on_unheard(unsigned listeners, unsigned connections)
{
	kill(rig.tree.main.pid, SIGTERM);
	if (!wait_until(are_told(listeners, connections)))
		bail_out("a close is not told");
}

/* ---- who came unseen ---- */

/* Accepts all who come after the signal, and answers none. */
static void serve_unseen(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), fds[MANY];

	(void)arg;
	say(port);
	await_signal(SIGTERM);
	for (int i = 0; i < MANY; i++)
		fds[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	await_signal(SIGTERM);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	await_signal(SIGTERM);
}

static void come(int clients[static MANY], uint16_t port)
{
	for (int i = 0; i < MANY; i++) {
		clients[i] = connect_to(AF_INET, port);
		if (write(clients[i], "GET", 3) != 3)
			bail_out("a connection is closed");
	}
}

static void close_all(const int fds[static MANY])
{
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
}

static void await_line(const char *words)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	while (strstr(rig.lines.data, words) == NULL && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
}

static void spare_looks(void)
{
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
	timer_set(rig.app.loop, &rig.observer.glance, clock_mono() + 3600 * NSEC_PER_SEC);
}

static void test_unseen(void)
{
	const struct observe_report *report = &rig.observer.report;
	int clients[MANY];

	launch(serve_unseen, NULL, true);
	uint16_t port = hear();
	begin_news(port);
	begin_stop(SIGTERM);
	come(clients, port);
	hear();
	wait_until(observe_elapsed(&rig.observer) > NEWS_DELAY);
	go_on_unheard(1, 0);
	go_on_unheard(1, MANY);
	ev_run(rig.app.loop, EVRUN_NOWAIT);
	is_int(report->accepted, MANY,
		"who is told of after the end of the listener, in one go, has come before it");
	is_int(report->unanswered, MANY, "and what was said to him is known");
	spare_looks();
	await_line("Drained");
	ok(has_line("8 inbound connections closed"), "when all have gone that is a phase");
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(news.fd);
	close_all(clients);
}

/* ---- who is told of after all others ---- */

/* The same for one who came before the signal, and goes with the listener and all else. */
static void serve_one_more(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), known, fds[MANY];
	int outbound = connect_to(AF_INET, database);

	(void)arg;
	say(port);
	known = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	for (int i = 0; i < MANY; i++)
		fds[i] = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(known);
	close(outbound);
	await_signal(SIGTERM);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	await_signal(SIGTERM);
}

/* Hears what was told up to now; a look finds nobody, as if the others had gone already. */
static void hear_blindly(void)
{
	int link = rig.app.net.fd;

	rig.app.net.fd = -1;
	ev_run(rig.app.loop, EVRUN_NOWAIT);
	rig.app.net.fd = link;
}

/* On a busy machine the test must not be slower than the news that it plays. */
static void be_in_time(void)
{
	rig.observer.shut = observe_elapsed(&rig.observer);
}

/* at_once: it ends before it is sure that there are no more. */
static void test_after_all(bool at_once)
{
	int clients[MANY], known;

	launch(serve_one_more, NULL, true);
	uint16_t port = hear();
	known = connect_to(AF_INET, port);
	hear();
	begin_news(port);
	begin_stop(SIGTERM);
	come(clients, port);
	hear();
	wait_until(observe_elapsed(&rig.observer) > NEWS_DELAY);
	shutdown(known, SHUT_WR);
	go_on_unheard(1, 2);
	hear_blindly();
	go_on_unheard(1, 2 + MANY);
	be_in_time();
	if (!at_once)
		await_line("Released");
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	ok(has_line("9 inbound connections closed"), "who is told of a moment after all others "
						     "counts when it is said that all are gone");
	close(news.fd);
	close(known);
	close_all(clients);
}

/* ---- in their order ---- */

static void close_in_order(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), outbound = connect_to(AF_INET, database);

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	close(outbound);
	await_signal(SIGTERM);
}

/* Somebody connects elsewhere, so the kernel's counts do not tell that nobody has come to us. */
static void test_order(void)
{
	launch(close_in_order, NULL, true);
	uint16_t port = hear();
	int client = connect_to(AF_INET, port);
	hear();
	shutdown(client, SHUT_WR);
	begin_news(port);
	begin_stop(SIGTERM);
	hear();
	int elsewhere = connect_to(AF_INET, database);
	go_on_unheard(1, 2);
	await_line("Released");
	ok(has_line("Not accepting any more") && has_line("connection closed\nReleased"),
		"what is said a moment later is said in the order in which it happened");
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(news.fd);
	close(client);
	close(elsewhere);
}

/* ---- who waited too long ---- */

static void accept_late(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	say(port);
	await_signal(SIGTERM);
	say(0);
	await_signal(SIGTERM);
	close(accept_one(listener));
	say(0);
	await_signal(SIGTERM);
}

static void look_now(void)
{
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
}

/* One look sees him wait, and the next one comes before the news of his close, as a rule. */
static void test_late(void)
{
	const struct observe_report *report = &rig.observer.report;

	launch(accept_late, NULL, true);
	uint16_t port = hear();
	begin_stop(SIGTERM);
	hear();
	while (rig.observer.looked < LATE_AFTER)
		ev_run(rig.app.loop, EVRUN_ONCE);
	int client = connect_to(AF_INET, port);
	look_now();
	is_int(report->accepted, 1, "who comes late is seen while he waits");
	is_int(report->late, 0, "and is no late accept yet");
	kill(rig.tree.main.pid, SIGTERM);
	hear();
	look_now();
	close(client);
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	is_int(report->late, 1, "he is when a look finds him closed already");
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_unseen();
	test_after_all(false);
	test_after_all(true);
	test_order();
	test_late();
	close(listener);
	return end_rig();
}
