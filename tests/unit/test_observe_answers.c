/*
 * Tests of observe with what had been said on a connection when it was closed: who was left without
 * an answer.
 */
#include "stoprig.h"

enum {
	CLIENTS = 3
};

static void write_byte(int fd)
{
	if (write(fd, "?", 1) != 1)
		bail_out("a connection is closed");
}

static void read_byte(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		bail_out("a connection is closed");
}

/* A request of two bytes: a single one could be a goodbye. */
static void ask(int fd)
{
	write_byte(fd);
	write_byte(fd);
}

static void hear_ask(int fd)
{
	read_byte(fd);
	read_byte(fd);
}

/* ---- unanswered ---- */

/* What each client does, a letter for each: nothing (-), asks (a), asks and is answered (b), and
 * asks again (c). A request that comes with the signal is heard by nobody. */
static void serve(void *arg)
{
	const char *clients = arg;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	say(port);
	for (const char *client = clients; *client != '\0'; client++) {
		int fd = accept_one(listener);
		if (*client != '-')
			hear_ask(fd);
		if (*client == 'b' || *client == 'c')
			write_byte(fd);
		if (*client == 'c')
			hear_ask(fd);
	}
	say(0);
	await_signal(SIGTERM);
}

static void connect_clients(uint16_t port, const char *clients, int *fds)
{
	for (unsigned i = 0; clients[i] != '\0'; i++) {
		fds[i] = connect_to(AF_INET, port);
		if (clients[i] != '-')
			ask(fds[i]);
		if (clients[i] == 'b' || clients[i] == 'c')
			read_byte(fds[i]);
		if (clients[i] == 'c') {
			take_time(30);
			ask(fds[i]);
		}
	}
}

/* Again and again, as the news may come late. */
static void test_unanswered(char *clients, int unanswered, int last_words, const char *name)
{
	int fds[CLIENTS], right = 0, rounds = 10;

	for (int i = 0; i < rounds; i++) {
		launch(serve, clients, true);
		connect_clients(hear(), clients, fds);
		hear();
		begin_stop(SIGTERM);
		const struct observe_report *report = end_stop();
		right += (int)report->unanswered == unanswered &&
			 (int)report->last_words == last_words;
		for (unsigned k = 0; clients[k] != '\0'; k++)
			close(fds[k]);
	}
	is_int(right, rounds, name);
}

int main(void)
{
	static char silent[] = "--", busy[] = "aa-", idle[] = "bb", again[] = "bca";

	begin_rig();
	test_unanswered(silent, 0, 0, "who has said nothing waits for nothing");
	test_unanswered(busy, 2, 0, "who has asked and got nothing is unanswered");
	test_unanswered(idle, 0, 0, "who has been answered is not");
	test_unanswered(again, 1, 1, "nor who has asked once more, which is told apart");
	return end_rig();
}
