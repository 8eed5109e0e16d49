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

/* Hears the same news as the observer. */
static struct {
	int fd;
	uint16_t port;
	unsigned listeners, connections; /* of the program that were closed */
} news;

static void count_close(void *arg, const struct netsock *closed)
{
	(void)arg;
	if (closed->local_port != news.port)
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
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(news.fd);
	close_all(clients);
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	test_unseen();
	return end_rig();
}
