/*
 * Tests of observe with programs that close their outbound connections while they have inbound
 * ones, and with what cannot be told of that: which of them are in the wrong order.
 */
#include "stoprig.h"

static uint16_t database;

static void put(int fd)
{
	if (write(fd, "??", 2) != 2)
		bail_out("a connection is closed");
}

static void get(int fd)
{
	char bytes[2];

	if (recv(fd, bytes, 2, MSG_WAITALL) != 2)
		bail_out("a connection is closed");
}

static void put_much(int fd)
{
	static const char bytes[1000];

	if (write(fd, bytes, sizeof bytes) != sizeof bytes)
		bail_out("a connection is closed");
}

/* What it does at SIGTERM, a letter for each: releases its connection (r) or its pool of two (R),
 * connects once more (c), answers (A), says a few bytes (a), closes the inbound connection (i),
 * waits for SIGTERM (w). With n it has not answered before. */
static void serve(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, database);
	int other = strchr(arg, 'R') != NULL ? connect_to(AF_INET, database) : -1;

	say(port);
	int inbound = accept_one(listener);
	get(inbound);
	if (strchr(arg, 'n') == NULL)
		put(inbound);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	for (const char *step = arg; *step != '\0'; step++) {
		if (*step == 'r' || *step == 'R')
			close(outbound);
		if (*step == 'R')
			close(other);
		if (*step == 'c')
			outbound = connect_to(AF_INET, database);
		if (*step == 'a')
			put(inbound);
		if (*step == 'A')
			put_much(inbound);
		if (*step == 'i')
			close(inbound);
		if (*step == 'w')
			await_signal(SIGTERM);
	}
}

/* Returns the client, which has asked. */
static int begin(char *steps)
{
	launch(serve, steps, true);
	int client = connect_to(AF_INET, hear());
	put(client);
	if (strchr(steps, 'n') == NULL)
		get(client);
	hear();
	begin_stop(SIGTERM);
	return client;
}

static void test_idle(void)
{
	static char steps[] = "rwiw";
	int client = begin(steps);

	go_on_after(&rig.observer.report.released);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	is_int(report->inbound_then, 1, "a connection was open when it was released");
	ok(!report->order_wrong, "but nothing was said on it any more, so that may be in order");
	close(client);
}

/* It answers some time after it has released, and ends. */
static const struct observe_report *answer_later(void)
{
	run_loop(200);
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.drained);
	return end_stop();
}

static void test_busy(void)
{
	static char steps[] = "RwAiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	const struct observe_report *report = answer_later();
	ok(report->order_wrong, "one that is answered afterwards was in the wrong order");
	is_int(report->used_then, 1, "since it was used");
	close(client);
}

static void test_owed(void)
{
	static char steps[] = "nRwaiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	const struct observe_report *report = answer_later();
	ok(report->order_wrong, "so was one that had asked, and has its first answer afterwards");
	is_int(report->owed_then, 1, "however short that is");
	close(client);
}

static void test_asked(void)
{
	static char steps[] = "Rwiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	put_much(client);
	ok(answer_later()->order_wrong, "so was one that has asked for more afterwards");
	close(client);
}

/* As at the end of TLS, or of a WebSocket. */
static void test_farewell(void)
{
	static char steps[] = "Rwaiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	put(client);
	const struct observe_report *report = answer_later();
	is_int(report->inbound_then, 1, "an idle connection was open when the pool was released");
	ok(!report->order_wrong, "and a few last words on it are no use of it");
	close(client);
}

/* As one that asks somebody else for each answer, and has closed that connection before it gives
 * it. */
static void test_single(void)
{
	static char steps[] = "rwAiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	const struct observe_report *report = answer_later();
	is_int(report->inbound_then, 1, "a single one was closed before the answer");
	ok(!report->order_wrong, "which may have needed no other");
	close(client);
}

/* Like a proxy, with a connection for each request. */
static void test_once_more(void)
{
	static char steps[] = "rwcwirw";
	const struct observe_report *seen = &rig.observer.report;
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;
	int client = begin(steps);

	go_on_after(&seen->released);
	while (seen->released >= 0 && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	ok(seen->released < 0, "one that connects once more is not released");
	go_on_after(&seen->not_accepting);
	go_on_after(&seen->released);
	const struct observe_report *report = end_stop();
	ok(report->released >= report->drained, "what counts is the last one");
	is_int(report->inbound_then, 0, "and its order");
	close(client);
}

/* Another program, or this one, as far as anybody can know. */
static void test_unsure(void)
{
	static char steps[] = "RwAiw";
	int client = begin(steps);

	await_phase(&rig.observer.report.released);
	run_loop(200);
	close(connect_to(AF_INET, database));
	ok(!answer_later()->order_wrong,
		"where a later one may have come and gone nothing is proved");
	close(client);
}

/* A child has the database, and the parent the clients. */
static void serve_apart(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), inbound;

	(void)arg;
	pid_t pid = fork();
	if (pid == 0) {
		close(listener);
		int outbound = connect_to(AF_INET, database);
		say(0);
		await_signal(SIGTERM);
		close(outbound);
		await_signal(SIGTERM);
		_exit(0);
	}
	say(port);
	inbound = accept_one(listener);
	get(inbound);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	await_signal(SIGTERM);
	put(inbound);
	close(inbound);
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0)
		;
}

static void test_apart(void)
{
	launch(serve_apart, NULL, true);
	uint16_t port = hear();
	port += hear(); /* one of the two is 0 */
	int client = connect_to(AF_INET, port);
	put(client);
	hear();
	begin_stop(SIGTERM);
	is_int(rig.observer.report.outbound, 1, "one process has the database");
	await_phase(&rig.observer.report.released);
	run_loop(200);
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	is_int(report->inbound_then, 0, "what another one has to do is no matter of its order");
	ok(!report->order_wrong, "so it is not wrong");
	close(client);
}

int main(void)
{
	begin_rig();
	int fd = listen_on(AF_INET, &database, false);
	test_idle();
	test_busy();
	test_owed();
	test_asked();
	test_farewell();
	test_single();
	test_once_more();
	test_unsure();
	test_apart();
	close(fd);
	return end_rig();
}
