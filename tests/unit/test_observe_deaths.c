/*
 * Tests of observe: who has closed what when processes end, and what their end is not blamed for.
 */
#include <pthread.h>

#include "observe-parts.h"
#include "procstate.h"
#include "stoprig.h"

static uint16_t database;

static bool is_dead(void)
{
	return !proc_is_alive(rig.tree.main);
}

static void block(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- waits for the signal, closes everything, and is ended by that signal ---- */

static void end_by_own_signal(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	signal(signo, SIG_DFL);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), signo);
}

struct sockets {
	int listener, inbound, outbound;
};

/* Serves one client, with a database, until it is told to stop. */
static struct sockets serve_until_told(void)
{
	struct sockets open;
	uint16_t port = 0;

	open.listener = listen_on(AF_INET, &port, false);
	open.outbound = connect_to(AF_INET, database);
	say(port);
	open.inbound = accept_one(open.listener);
	say(0);
	await_signal(SIGTERM);
	return open;
}

static void close_in_order(const struct sockets *open)
{
	close(open->listener);
	close(open->inbound);
	close(open->outbound);
}

static void serve_and_raise(void *arg)
{
	struct sockets open = serve_until_told();

	(void)arg;
	close_in_order(&open);
	end_by_own_signal(SIGTERM);
}

/* The news of its closes are read when it is dead. */
static void test_waited(void)
{
	launch(serve_and_raise, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	ok(wait_until(procstate_sleeps_in(rig.tree.main.pid, "do_sigtimedwait")),
		"a program waits for the signal in sigwait()");
	begin_stop(SIGTERM);
	ok(wait_until(is_dead()), "which it takes, and then it dies of it");
	const struct observe_report *report = end_stop();
	is_int(rig.exit.signo, SIGTERM, "that is how it ended");
	is_int(report->cut, 0, "what it has closed before is not called cut");
	is_int(report->leaked, 0, "nor leaked");
	ok(report->not_accepting >= 0 && report->drained >= 0 && report->released >= 0,
		"and the phases are not those of a death");
	close(client);
}

/* ---- a helper dies of the signal ---- */

static void serve_with_helper(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, database);
	sigset_t none;

	(void)arg;
	block(SIGUSR1);
	if (fork_child() == 0) {
		close(outbound);
		connect_to(AF_INET, database);
		say(port);
		accept_one(listener);
		close(listener);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		say((uint16_t)(getpid() >> 16));
		say((uint16_t)getpid());
		wait_forever();
	}
	await_signal(SIGUSR1);
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

static void test_helper(void)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;
	const struct observe_report *seen = &rig.observer.report;
	struct observe_now now = {.inbound = 2};
	int clients[2];

	launch(serve_with_helper, NULL, true);
	uint16_t port = hear();
	clients[0] = connect_to(AF_INET, port);
	pid_t helper = (pid_t)hear() << 16;
	helper |= (pid_t)hear();
	if (!wait_until(procstate_sleeps_in(helper, "do_sys_pause") ||
			procstate_sleeps_in(helper, "__do_sys_pause")))
		bail_out("the helper does not wait");
	kill(rig.tree.main.pid, SIGUSR1);
	clients[1] = connect_to(AF_INET, port);
	hear();
	begin_stop(SIGTERM);
	while ((now.inbound > 1 || seen->history.exit_count < 1) && clock_mono() < limit) {
		ev_run(rig.app.loop, EVRUN_ONCE);
		observe_now(&rig.observer, &now);
	}
	run_loop(2 * NEWS_DELAY / NSEC_PER_MSEC);
	ok(seen->drained < 0 && seen->released < 0, "the death of a helper is no phase");
	hear();
	kill(rig.tree.main.pid, SIGTERM);
	await_phase(&seen->not_accepting);
	await_phase(&seen->drained);
	go_on_after(&seen->released);
	const struct observe_report *report = end_stop();
	ok(report->released >= 0, "what the others close afterwards is one");
	is_int(report->cut, 1, "while the verdict tells what was cut");
	is_int(report->leaked, 1, "and leaked");
	close(clients[0]);
	close(clients[1]);
}

/* ---- hands on what it has open, and ends ---- */

static void serve_by_heir(void *arg)
{
	struct sockets open = serve_until_told();

	(void)arg;
	if (fork() != 0)
		_exit(0);
	alarm(PATIENCE);
	await_signal(SIGTERM);
	close_in_order(&open);
	await_signal(SIGTERM);
	_exit(0);
}

static void test_heir(void)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	launch(serve_by_heir, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	begin_stop(SIGTERM);
	run_loop(-1);
	unsigned looks = rig.observer.looks;
	while (rig.observer.looks == looks && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	kill(-rig.tree.main.pid, SIGTERM);
	await_phase(&rig.observer.report.released);
	kill(-rig.tree.main.pid, SIGTERM);
	ok(wait_until(kill(-rig.tree.main.pid, 0) < 0), "a child goes on, and ends at last");
	const struct observe_report *report = end_stop();
	is_int(report->in_at_exit, 0, "what it closes is not closed by the end of its parent");
	is_int(report->out_at_exit, 0, "on both sides");
	ok(report->drained >= 0, "and makes the phases");
	close(client);
}

/* ---- a listener that only SIGKILL closes ---- */

/* Ends at once, while its child has the listener and does not hear. */
static void leave_listener(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)arg;
	if (fork() == 0) {
		alarm(PATIENCE);
		wait_forever();
	}
	say(port);
	accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	_exit(0);
}

static void test_killed_listener(void)
{
	launch(leave_listener, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	begin_stop(SIGTERM);
	run_loop(-1);
	run_loop(2 * NEWS_DELAY / NSEC_PER_MSEC);
	begin_turn();
	send_to_all(SIGKILL);
	ok(wait_until(kill(-rig.tree.main.pid, 0) < 0), "SIGKILL ends its child");
	const struct observe_report *report = end_stop();
	is_int(report->in_at_exit, 1, "its end has closed the connection");
	ok(report->not_accepting < 0, "a listener that was closed by SIGKILL is no phase");
	ok(report->drained < 0, "nor is it one that nobody was left then");
	close(client);
}

/* ---- its first thread ends before another one ---- */

static void *serve_in_thread(void *unused)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	(void)unused;
	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	await_signal(SIGTERM);
	_exit(0);
}

static void leave_to_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	if (pthread_create(&thread, NULL, serve_in_thread, NULL) != 0)
		_exit(1);
	pthread_exit(NULL);
}

static bool is_headless(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) && stat.state == 'Z';
}

static void test_headless(void)
{
	launch(leave_to_thread, NULL, true);
	pid_t pid = rig.tree.main.pid;
	int client = connect_to(AF_INET, hear());
	hear();
	ok(wait_until(is_headless(pid)), "the first thread of a program ends");
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.drained);
	const struct observe_report *report = end_stop();
	is_int((int64_t)report->history.exit_count, 1, "the end of the other one is that of it");
	is_int(report->history.exits[0].pid, pid, "and is noted");
	is_int(report->inbound, 1, "what it had open was seen");
	ok(report->not_accepting >= 0, "and closed in phases");
	is_int(report->in_at_exit, 0, "before its end");
	close(client);
}

int main(void)
{
	begin_rig();
	int fd = listen_on(AF_INET, &database, false);
	test_waited();
	test_helper();
	test_heir();
	test_killed_listener();
	test_headless();
	close(fd);
	return end_rig();
}
