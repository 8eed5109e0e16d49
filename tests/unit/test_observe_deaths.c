/*
 * Tests of observe: who has closed what when processes end, and what their end is not blamed for.
 */
#include "procstate.h"
#include "stoprig.h"

static uint16_t database;

static bool is_dead(void)
{
	return !proc_is_alive(rig.tree.main);
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

static void serve_and_raise(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, database);

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	close(outbound);
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

/* ---- hands on what it has open, and ends ---- */

static void serve_by_heir(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int outbound = connect_to(AF_INET, database);

	(void)arg;
	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	if (fork() != 0)
		_exit(0);
	alarm(PATIENCE);
	await_signal(SIGTERM);
	close(listener);
	close(inbound);
	close(outbound);
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

int main(void)
{
	begin_rig();
	int fd = listen_on(AF_INET, &database, false);
	test_waited();
	test_heir();
	close(fd);
	return end_rig();
}
