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

/* ---- not accepted ---- */

/* Accepts one only, and closes its listener when it is told so. */
static void serve_one(void *arg)
{
	uint16_t port = 0;
	int listener = program_inherits;

	(void)arg;
	if (listener < 0)
		listener = listen_on(AF_INET, &port, false);
	say(port);
	int fd = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	await_signal(SIGTERM);
	close(fd);
	await_signal(SIGTERM);
}

static void test_reset(void)
{
	const struct observe_report *seen = &rig.observer.report;
	int fds[4];

	launch(serve_one, NULL, true);
	uint16_t port = hear();
	fds[0] = connect_to(AF_INET, port);
	hear();
	fds[1] = connect_to(AF_INET, port);
	fds[2] = connect_to(AF_INET, port);
	ask(fds[2]);
	begin_stop(SIGTERM);
	is_int(seen->inbound, 3, "who waits is inbound");
	run_loop(1200);
	fds[3] = connect_to(AF_INET, port);
	ask(fds[3]);
	hear();
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&seen->not_accepting);
	go_on_after(&seen->drained);
	end_stop();
	is_int(seen->reset, 3, "who still waits when the listener is closed is reset");
	is_int(seen->accepted, 1, "be it from before the signal or after it");
	is_int(seen->late, 0, "and who was never accepted is no late accept");
	is_int(seen->unanswered, 0, "nor somebody who should have been answered");
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* ---- accepted by others ---- */

/* Another program takes the port when it is free. */
static void test_taken(void)
{
	const struct observe_report *seen = &rig.observer.report;

	launch(serve_one, NULL, true);
	uint16_t port = hear();
	int first = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	run_loop(1200);
	hear();
	kill(rig.tree.main.pid, SIGTERM);
	await_phase(&seen->not_accepting);
	run_loop(100);
	int listener = listen_on(AF_INET, &port, false);
	for (int i = 0; i < 3; i++) {
		int client = connect_to(AF_INET, port);
		close(accept_one(listener));
		close(client);
	}
	run_loop(100);
	go_on_after(&seen->not_accepting);
	go_on_after(&seen->drained);
	end_stop();
	is_int(seen->accepted, 0, "who comes to another program on the same port is not ours");
	is_int(seen->late, 0, "nor late");
	close(listener);
	close(first);
}

/* Somebody outside has the listener, too, and accepts from it. */
static void test_taken_from_us(void)
{
	const struct observe_report *seen = &rig.observer.report;
	uint16_t port = 0;

	program_inherits = listen_on(AF_INET, &port, false);
	launch(serve_one, NULL, true);
	hear();
	int first = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	run_loop(1100);
	int client = connect_to(AF_INET, port), accepted = accept_one(program_inherits);
	int waiting = connect_to(AF_INET, port);
	run_loop(1100);
	int last = accept_one(program_inherits);
	run_loop(1100);
	is_int(seen->late, 0, "what somebody outside accepts is no late accept");
	send_to_all(SIGKILL);
	end_stop();
	close(program_inherits);
	program_inherits = -1;
	close(first);
	close(client);
	close(waiting);
	close(accepted);
	close(last);
}

int main(void)
{
	static char silent[] = "--", busy[] = "aa-", idle[] = "bb", again[] = "bca";

	begin_rig();
	test_unanswered(silent, 0, 0, "who has said nothing waits for nothing");
	test_unanswered(busy, 2, 0, "who has asked and got nothing is unanswered");
	test_unanswered(idle, 0, 0, "who has been answered is not");
	test_unanswered(again, 1, 1, "nor who has asked once more, which is told apart");
	test_reset();
	test_taken();
	test_taken_from_us();
	return end_rig();
}
