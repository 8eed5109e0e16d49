/*
 * Tests of observe with a program that has a $PORT: that port alone makes the phases, whatever else
 * the program listens on, and what was accepted there is inbound even when nobody listens any more.
 */
#include "stoprig.h"

/* ---- others beside it ---- */

static int accept_and_answer(int listener)
{
	int fd = accept_one(listener);
	char byte;

	if (read(fd, &byte, 1) != 1 || write(fd, &byte, 1) != 1)
		_exit(1);
	return fd;
}

/* Goes on telling its figures for as long as it lives. */
static void serve_figures(void *arg)
{
	uint16_t port = 0, other = 0;
	int listener = listen_on(AF_INET, &port, false),
	    figures = listen_on(AF_INET, &other, false);

	(void)arg;
	say(port);
	say(other);
	int inbound = accept_one(listener), reader = accept_one(figures);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	await_signal(SIGTERM);
	close(accept_and_answer(figures));
	int last = accept_and_answer(figures);
	close(inbound);
	await_signal(SIGTERM);
	close(last);
	close(reader);
}

static void ask(uint16_t port, int *fd)
{
	*fd = connect_to(AF_INET, port);
	if (write(*fd, "?", 1) != 1)
		bail_out("a connection is closed");
}

static void test_figures(void)
{
	const struct observe_report *seen = &rig.observer.report;
	int brief, last;
	char text[16];

	launch(serve_figures, NULL, true);
	rig.port = hear();
	uint16_t other = hear();
	int client = connect_to(AF_INET, rig.port), reader = connect_to(AF_INET, other);
	hear();
	begin_stop(SIGTERM);
	is_int(seen->listeners, 1, "the listener on its port is the one that counts");
	is_int(seen->inbound, 1, "with its connections");
	is_int(seen->beside, 1, "those on another port are counted apart");
	snprintf(text, sizeof text, "%u", other);
	is_str(seen->other_ports, text, "which is named");
	ok(has_line("; also listening on "), "in the log, too");
	await_phase(&seen->not_accepting);
	run_loop(1100);
	ask(other, &brief);
	ask(other, &last);
	go_on_after(&seen->not_accepting);
	await_phase(&seen->drained);
	run_loop(1100);
	is_int(seen->accepted, 0, "who comes there after the signal is not counted");
	is_int(seen->late, 0, "nor late");
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	rig.port = 0;
	close(brief);
	close(last);
	close(client);
	close(reader);
}

/* Without a $PORT, or when it does not listen there, all are alike. */
static void test_elsewhere(void)
{
	const struct observe_report *seen = &rig.observer.report;

	launch(serve_figures, NULL, true);
	int client = connect_to(AF_INET, hear()), reader = connect_to(AF_INET, hear());
	hear();
	rig.port = 1;
	begin_stop(SIGTERM);
	is_int(seen->listeners, 2, "where none is its own all listeners count");
	is_int(seen->inbound, 2, "and all their connections");
	is_int(seen->beside, 0, "and none is beside them");
	is_str(seen->other_ports, "", "so none is named");
	send_to_all(SIGKILL);
	end_stop();
	rig.port = 0;
	close(client);
	close(reader);
}

/* ---- more than there is room for ---- */

enum {
	OTHERS = 20
};

static void serve_many(void *arg)
{
	uint16_t port = 0;

	(void)arg;
	listen_on(AF_INET, &port, false);
	say(port);
	for (unsigned i = 0; i < OTHERS; i++) {
		uint16_t other = 0;
		listen_on(AF_INET, &other, false);
	}
	say(0);
	await_signal(SIGTERM);
}

/* Ports of the test are five digits long, so there is room for seven, and the others are counted.
 */
static void test_room(void)
{
	unsigned commas = 0, left = 0;

	launch(serve_many, NULL, true);
	rig.port = hear();
	hear();
	begin_stop(SIGTERM);
	const char *text = rig.observer.report.other_ports, *more = strstr(text, " and ");
	for (const char *at = text; *at != '\0'; at++)
		commas += *at == ',';
	if (more != NULL)
		sscanf(more, " and %u more", &left);
	if (!ok(commas + 1 + left == OTHERS, "ports for which there is no room are counted"))
		printf("# %s\n", text);
	end_stop();
	rig.port = 0;
}

/* ---- nobody listens any more ---- */

static void serve_rest(void *arg)
{
	uint16_t *database = arg, port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, *database);

	say(port);
	int first = accept_one(listener), second = accept_one(listener);
	close(listener);
	say(0);
	await_signal(SIGTERM);
	close(first);
	close(second);
	await_signal(SIGTERM);
	close(outbound);
	await_signal(SIGTERM);
}

static void test_rest(void)
{
	uint16_t database = 0;
	int fd = listen_on(AF_INET, &database, false);
	const struct observe_report *seen = &rig.observer.report;

	launch(serve_rest, &database, true);
	rig.port = hear();
	int first = connect_to(AF_INET, rig.port), second = connect_to(AF_INET, rig.port);
	hear();
	begin_stop(SIGTERM);
	is_int(seen->listeners, 0, "one that has closed its listener before has none");
	is_int(seen->inbound, 2, "what it has accepted on its port is inbound all the same");
	is_int(seen->outbound, 1, "and only the rest is outbound");
	go_on_after(&seen->drained);
	go_on_after(&seen->released);
	end_stop();
	ok(seen->drained < seen->released, "so the phases are what they are");
	rig.port = 0;
	close(first);
	close(second);
	close(fd);
}

int main(void)
{
	begin_rig();
	test_figures();
	test_elsewhere();
	test_room();
	test_rest();
	return end_rig();
}
