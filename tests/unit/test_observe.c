/*
 * Tests of observe: small programs are stopped, and what was seen of it from outside is compared
 * with what they did. What a program does takes as long as it takes; every wait of the test is for
 * an event.
 */
#include "observe.h"

#include "stoprig.h"

enum {
	MANY = 8
};

static uint16_t database;
static int database_fd;

/* ---- programs: what they have open, and what they do at SIGTERM ---- */

struct plan {
	int family;
	bool unhandled; /* SIGTERM ends it */
	unsigned inbound, outbound;
	unsigned pause;	   /* ms between the steps */
	const char *steps; /* l: closes the listener, i: the inbound connections, o: the outbound
			      ones, w: waits for SIGTERM, k: waits for SIGKILL */
};

static void serve(void *arg)
{
	const struct plan *plan = arg;
	uint16_t port = 0;
	int listener = listen_on(plan->family, &port, false);
	int inbound[MANY], outbound[MANY];

	for (unsigned i = 0; i < plan->outbound; i++)
		outbound[i] = connect_to(AF_INET, database);
	say(port);
	for (unsigned i = 0; i < plan->inbound; i++)
		inbound[i] = accept_one(listener);
	say(0);
	if (plan->unhandled)
		wait_forever();
	await_signal(SIGTERM);
	for (const char *step = plan->steps; *step != '\0'; step++) {
		if (*step == 'l')
			close(listener);
		if (*step == 'i')
			close_each(inbound, plan->inbound);
		if (*step == 'o')
			close_each(outbound, plan->outbound);
		if (*step == 'w')
			await_signal(SIGTERM);
		if (*step == 'k')
			wait_forever();
		take_time((int)plan->pause);
	}
}

/* Launches it and connects its clients. */
static void launch_server(struct plan *plan, int *clients)
{
	launch(serve, plan, !plan->unhandled);
	uint16_t port = hear();
	for (unsigned i = 0; i < plan->inbound; i++)
		clients[i] = connect_to(plan->family, port);
	hear();
}

static void test_order(int family, const char *name)
{
	struct plan plan = {.family = family, .inbound = 2, .outbound = 3, .steps = "lwiwow"};
	const struct observe_report *seen = &rig.observer.report;
	const struct stophistory *history;
	int clients[MANY];
	char text[64];

	printf("# %s\n", name);
	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	go_on_after(&seen->not_accepting);
	go_on_after(&seen->drained);
	go_on_after(&seen->released);
	const struct observe_report *report = end_stop();
	history = &report->history;
	is_int(report->watched, OBSERVE_EVENTS, "the kernel tells of each close");
	is_int(report->listeners, 1, "a listener was open");
	is_int(report->inbound, 2, "two inbound connections");
	is_int(report->outbound, 3, "and three outbound ones");
	snprintf(text, sizeof text, "127.0.0.1:%u x3", database);
	is_str(report->peers, text, "to the database");
	ok(report->not_accepting < report->drained && report->drained < report->released,
		"the phases come in their order, each at its time");
	is_int(report->in_at_exit + report->out_at_exit, 0, "all was closed by the program");
	ok(!report->order_wrong, "in the right order");
	ok(history->step_count >= 3, "the counts changed at least twice");
	is_int(history->steps[0].at, 0, "the first ones are those at the signal");
	is_int(history->steps[1].outbound, 3, "then there were fewer inbound ones");
	is_int(history->steps[history->step_count - 1].outbound, 0, "and in the end none");
	is_int((int64_t)history->signal_count, 1, "one signal was sent");
	is_int(history->signals[0].processes, 1, "to one process");
	is_int((int64_t)history->exit_count, 1, "which has ended");
	ok(has_line("Open at the signal: 2 inbound connections, 3 outbound"),
		"a line tells what is open");
	ok(has_line("Not accepting any more after "), "one that it does not accept any more");
	ok(has_line("Drained after "), "one that it is drained");
	ok(has_line("Released after "), "one that it is released");
	ok(strstr(rig.lines.data, "Process ") == NULL, "the end of its only process has no line");
	close_each(clients, plan.inbound);
}

static void test_order_wrong(void)
{
	struct plan plan = {.family = AF_INET, .inbound = 2, .outbound = 2, .steps = "lowiw"};
	int clients[MANY];

	launch_server(&plan, clients);
	for (unsigned i = 0; i < plan.inbound; i++)
		if (write(clients[i], "GET", 3) != 3)
			bail_out("a connection is closed");
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.released);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	ok(report->order_wrong,
		"outbound connections that are closed first are in the wrong order");
	is_int(report->inbound_then, 2, "while two inbound ones were open");
	ok(report->released < report->drained, "as the times say");
	close_each(clients, plan.inbound);
}

/* The client reads nothing, so the kernel says goodbye for as long as it lives. */
static void serve_slow(void *arg)
{
	static char answer[8 * 1024 * 1024];
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, database);

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	fcntl(inbound, F_SETFL, O_NONBLOCK);
	if (write(inbound, answer, sizeof answer) <= 0)
		_exit(1);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	close(outbound);
	await_signal(SIGTERM);
}

static void test_slow_goodbye(void)
{
	launch(serve_slow, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.released);
	const struct observe_report *report = end_stop();
	ok(!report->order_wrong,
		"what only the kernel still says goodbye to was closed by the program");
	ok(report->drained >= 0 && report->drained <= report->released,
		"and so it is drained before it is released");
	is_int(report->in_at_exit, 0, "and it was not its end that closed it");
	close(client);
}

/* ---- the end of a process ---- */

static void test_unhandled(void)
{
	struct plan plan = {.family = AF_INET, .unhandled = true, .inbound = 2, .outbound = 3};
	int clients[MANY];

	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	is_int(report->cut, 2, "a signal that is not handled cuts what is open");
	is_int(report->leaked, 3, "on both sides");
	ok(report->not_accepting < 0 && report->drained < 0 && report->released < 0,
		"that is no phase");
	ok(!report->order_wrong, "and no order");
	close_each(clients, plan.inbound);
}

static void test_killed(void)
{
	struct plan plan = {.family = AF_INET, .inbound = 2, .outbound = 3, .steps = "lk"};
	int clients[MANY];

	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	await_phase(&rig.observer.report.not_accepting);
	send_to_all(SIGKILL);
	const struct observe_report *report = end_stop();
	is_int(report->cut, 2, "SIGKILL cuts what is open");
	is_int(report->leaked, 3, "on both sides");
	ok(report->not_accepting >= 0, "what was reached before that stays reached");
	ok(report->drained < 0 && report->released < 0, "the rest is not");
	is_int((int64_t)report->history.signal_count, 2, "two signals were sent");
	is_int(report->history.signals[1].signo, SIGKILL, "the second one was SIGKILL");
	ok(report->history.signals[1].at > report->not_accepting, "at its time");
	ok(strstr(report->left, "(") != NULL, "who was left then is named");
	close_each(clients, plan.inbound);
}

/* Again and again, as what must never happen may depend on luck. */
static void test_exit(const char *steps, const char *name)
{
	struct plan plan = {.family = AF_INET, .outbound = 3, .steps = steps};
	unsigned leaked = 0, at_exit = 0;

	for (int i = 0; i < 20; i++) {
		launch_server(&plan, NULL);
		begin_stop(SIGTERM);
		if (strchr(steps, 'w') != NULL)
			go_on_after(&rig.observer.report.released);
		const struct observe_report *report = end_stop();
		leaked += report->leaked;
		at_exit += report->out_at_exit;
	}
	printf("# %s: %u of 60 closed while it was ending\n", name, at_exit);
	if (strchr(steps, 'o') == NULL)
		is_int(at_exit, 60, "what is left to the kernel at the exit is always counted");
	else if (strchr(steps, 'w') != NULL)
		is_int(at_exit, 0, "what was heard of before the exit never is");
	ok(leaked == 0, "what an exit may or may not have closed is never called leaked");
}

/* ---- what cannot be seen ---- */

static void test_looks(void)
{
	struct plan plan = {
		.family = AF_INET, .inbound = 1, .outbound = 2, .pause = 250, .steps = "lio"};
	int clients[MANY];

	rig.app.news.is_refused = true;
	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	const struct observe_report *report = end_stop();
	rig.app.news.is_refused = false;
	is_int(report->watched, OBSERVE_LOOKS, "without news there are looks");
	ok(report->not_accepting >= 0 && report->not_accepting < report->drained &&
			report->drained < report->released,
		"which find the same phases");
	ok(report->drained >= 250 * NSEC_PER_MSEC && report->drained < 600 * NSEC_PER_MSEC,
		"at about their times");
	is_int(report->out_at_exit, 0, "and closes that were the program's");
	close_each(clients, plan.inbound);
}

static void test_unknown(void)
{
	struct plan plan = {
		.family = AF_INET, .inbound = 1, .outbound = 2, .pause = 20, .steps = "lio"};
	struct observe_now now;
	int clients[MANY], link = rig.app.net.fd;

	rig.app.net.fd = -1;
	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	ok(!observe_now(&rig.observer, &now),
		"where nothing can be seen nothing is open or closed");
	const struct observe_report *report = end_stop();
	rig.app.net.fd = link;
	is_int(report->watched, OBSERVE_UNKNOWN, "and nothing is known");
	ok(!report->visible, "it is invisible");
	is_int(report->listeners + report->inbound + report->outbound, 0, "nothing is counted");
	ok(report->not_accepting < 0 && report->drained < 0 && report->released < 0,
		"no phase is claimed");
	is_int((int64_t)report->history.step_count, 0, "and no step");
	is_int((int64_t)report->history.exit_count, 1, "but the end of its process is noted");
	close_each(clients, plan.inbound);
}

static void test_abandoned(void)
{
	struct plan plan = {.family = AF_INET, .inbound = 2, .outbound = 1, .steps = "k"};
	int clients[MANY];

	launch_server(&plan, clients);
	begin_stop(SIGTERM);
	observe_stop(&rig.observer);
	observe_stop(&rig.observer);
	is_int(rig.app.news.fd, -1,
		"when nobody observes any more the kernel tells nothing any more");
	kill(rig.tree.main.pid, SIGKILL);
	run_loop(-1);
	tree_release(&rig.tree);
	close(rig.told);
	close_each(clients, plan.inbound);
}

int main(void)
{
	begin_rig();
	database_fd = listen_on(AF_INET, &database, false);
	test_order(AF_INET, "IPv4");
	test_order(AF_INET6, "IPv6");
	test_order_wrong();
	test_slow_goodbye();
	test_unhandled();
	test_killed();
	test_exit("o", "closes and exits at once");
	test_exit("ow", "closes and exits later");
	test_exit("l", "exits with connections open");
	test_looks();
	test_unknown();
	test_abandoned();
	close(database_fd);
	return end_rig();
}
