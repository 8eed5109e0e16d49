/*
 * Tests of procwatch: who a signal was sent to, whether it ends a process at once, and who has a
 * pid; and that a stop is judged by all of its processes when one of them has ended too early.
 */
#include "procwatch.h"

#include <sys/resource.h>

#include "procstate.h"
#include "stoprig.h"

static void forget_end(void *owner, const struct procwatch_item *item)
{
	(void)owner;
	(void)item;
}

static bool is_asleep(pid_t pid)
{
	struct procstate now;

	return procstate_read(pid, &now) && now.channel[0] != '\0';
}

static struct proc_stat begin_child(void)
{
	struct proc_stat stat;
	pid_t pid = fork_child();

	if (pid == 0)
		wait_forever();
	if (!wait_until(is_asleep(pid)) || !proc_stat_read(pid, &stat))
		bail_out("no child");
	return stat;
}

static int deadly(struct procwatch *watch, struct proc_id id)
{
	const struct procwatch_item *item = procwatch_find(watch, id);

	return item != NULL ? item->deadly : -1;
}

static void test_signalled(void)
{
	struct proc_stat first = begin_child(), main = begin_child();
	struct procwatch watch;

	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &first, true);
	procwatch_add(&watch, &main, true);
	procwatch_before(&watch, SIGTERM);
	kill(main.id.pid, SIGTERM);
	procwatch_signalled(&watch, SIGTERM, main.id);
	is_int(deadly(&watch, main.id), SIGTERM, "a signal that it does not handle ends a process");
	is_int(deadly(&watch, first.id), 0, "one that was sent to another does not");
	procwatch_before(&watch, SIGHUP);
	kill(first.id.pid, SIGHUP);
	procwatch_signalled(&watch, SIGHUP, PROC_NONE);
	is_int(deadly(&watch, first.id), SIGHUP, "one that was sent to all does");
	is_int(deadly(&watch, main.id), SIGTERM, "and the first one counts");
	procwatch_release(&watch);
	end_child(first.id.pid, SIGKILL);
	end_child(main.id.pid, SIGKILL);
}

/* ---- signals that seem to end a process ---- */

/* A child that says a byte when it is ready, and one more each time it has taken SIGTERM. */
struct taker {
	struct proc_stat stat;
	int told, go;
};

static struct taker begin_taker(void (*take)(int tell, int go))
{
	int told[2], go[2];
	struct taker taker;
	char byte;

	if (pipe2(told, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		take(told[1], go[0]);
		_exit(0);
	}
	close(told[1]);
	close(go[0]);
	taker = (struct taker){.told = told[0], .go = go[1]};
	read_exactly(taker.told, &byte, 1);
	if (!proc_stat_read(pid, &taker.stat))
		bail_out("no child");
	return taker;
}

static void end_taker(struct taker *taker)
{
	end_child(taker->stat.id.pid, SIGKILL);
	close(taker->told);
	close(taker->go);
}

static void tell(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(1);
}

static void block_term(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* As short as such a life can be. */
static void wait_and_end(int told, int go)
{
	(void)go;
	block_term();
	tell(told);
	await_signal(SIGTERM);
}

static void ignore_term_in_many_groups(int told, int go)
{
	(void)go;
	signal(SIGTERM, SIG_IGN);
	join_many_groups();
	tell(told);
	wait_forever();
}

static void test_many_groups(void)
{
	struct taker taker = begin_taker(ignore_term_in_many_groups);
	struct procwatch watch;

	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &taker.stat, true);
	const struct procwatch_item *item = procwatch_find(&watch, taker.stat.id);
	ok(item != NULL && (item->handled >> (SIGTERM - 1) & 1) != 0,
		"what a process in many groups does with a signal is seen");
	procwatch_release(&watch);
	end_taker(&taker);
}

/* Watches a process that waits in sigwait(), before SIGTERM is sent. */
static struct taker watch_waiting(
	struct procwatch *watch, void (*take)(int told, int go), const char *name)
{
	struct taker taker = begin_taker(take);

	ok(wait_until(procstate_sleeps_in(taker.stat.id.pid, "do_sigtimedwait")), name);
	procwatch_init(watch, rig.app.loop, forget_end, NULL);
	procwatch_add(watch, &taker.stat, true);
	procwatch_before(watch, SIGTERM);
	return taker;
}

static void test_awaited(void)
{
	struct procwatch watch;
	struct taker taker =
		watch_waiting(&watch, wait_and_end, "a process waits for the signal in sigwait()");
	struct proc_id id = taker.stat.id;

	kill(id.pid, SIGTERM);
	ok(wait_until(!proc_is_alive(id)), "and ends when it comes");
	procwatch_signalled(&watch, SIGTERM, PROC_NONE);
	is_int(deadly(&watch, id), 0, "that is not said to have ended it at once");
	procwatch_release(&watch);
	end_taker(&taker);
}

/* Waits for one signal after the other. */
static void wait_twice(int told, int go)
{
	sigset_t set;
	int got;

	(void)go;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	tell(told);
	sigwait(&set, &got);
	wait_forever();
}

static void test_between(void)
{
	struct procwatch watch;
	struct taker taker = watch_waiting(&watch, wait_twice, "a process waits for a signal");
	struct proc_id id = taker.stat.id;

	ok(procwatch_find(&watch, id)->may_await, "which may be the next one");
	kill(id.pid, SIGUSR1);
	ok(wait_until(is_asleep(id.pid) && !procstate_sleeps_in(id.pid, "do_sigtimedwait")),
		"and has got one, so that the next one waits");
	procwatch_before(&watch, SIGTERM);
	kill(id.pid, SIGTERM);
	procwatch_signalled(&watch, SIGTERM, PROC_NONE);
	is_int(deadly(&watch, id), 0, "that does not end it");
	procwatch_release(&watch);
	end_taker(&taker);
}

static void test_killed(void)
{
	struct procwatch watch;
	struct taker taker = watch_waiting(&watch, wait_twice, "another one waits");
	struct proc_id id = taker.stat.id;

	procwatch_before(&watch, SIGKILL);
	kill(id.pid, SIGKILL);
	procwatch_signalled(&watch, SIGKILL, PROC_NONE);
	is_int(deadly(&watch, id), SIGKILL, "that SIGKILL does not wait for");
	procwatch_release(&watch);
	end_taker(&taker);
}

static int takes_to;

static void take_it(int signo)
{
	(void)signo;
	tell(takes_to);
}

/* Has a handler only when it is told to. */
static void handle_later(int told, int go)
{
	char byte;

	takes_to = told;
	tell(told);
	read_exactly(go, &byte, 1);
	signal(SIGTERM, take_it);
	tell(told);
	wait_forever();
}

static void test_survived(void)
{
	struct taker taker = begin_taker(handle_later);
	struct procwatch watch;
	char byte;

	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &taker.stat, true);
	procwatch_before(&watch, SIGTERM);
	tell(taker.go);
	read_exactly(taker.told, &byte, 1);
	kill(taker.stat.id.pid, SIGTERM);
	read_exactly(taker.told, &byte, 1);
	procwatch_signalled(&watch, SIGTERM, PROC_NONE);
	is_int(deadly(&watch, taker.stat.id), 0,
		"what a process has survived has not ended it, whatever it looked like before");
	procwatch_release(&watch);
	end_taker(&taker);
}

static void test_held(void)
{
	struct proc_stat child = begin_child();
	struct procwatch watch;
	int status;

	kill(child.id.pid, SIGSTOP);
	ok(waitpid(child.id.pid, &status, WUNTRACED) == child.id.pid && WIFSTOPPED(status),
		"a process is stopped");
	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &child, true);
	procwatch_before(&watch, SIGTERM);
	kill(child.id.pid, SIGTERM);
	procwatch_signalled(&watch, SIGTERM, PROC_NONE);
	is_int(deadly(&watch, child.id), SIGTERM,
		"a signal that it has not taken yet will end it all the same");
	procwatch_release(&watch);
	end_child(child.id.pid, SIGKILL);
}

static void test_core(void)
{
	const struct rlimit none = {0};

	setrlimit(RLIMIT_CORE, &none);
	struct proc_stat child = begin_child();
	struct procwatch watch;

	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &child, true);
	procwatch_before(&watch, SIGQUIT);
	kill(child.id.pid, SIGQUIT);
	ok(wait_until(!proc_is_alive(child.id)), "a signal ends a process, but for its core");
	procwatch_signalled(&watch, SIGQUIT, PROC_NONE);
	is_int(deadly(&watch, child.id), SIGQUIT, "that has ended it at once, too");
	procwatch_release(&watch);
	end_child(child.id.pid, 0);
}

/* ---- pids ---- */

static void test_pid(void)
{
	struct proc_stat dead = begin_child(), living = dead;
	struct procwatch watch;

	living.id.start_ticks++;
	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &dead, false);
	procwatch_add(&watch, &living, false);
	ok(proc_same(procwatch_find_pid(&watch, dead.id.pid)->id, living.id),
		"a pid is that of who had it last");
	ok(proc_same(procwatch_find(&watch, dead.id)->id, dead.id),
		"while the one before is still known");
	procwatch_release(&watch);
	end_child(dead.id.pid, SIGKILL);
}

/* One that a look has found, and that is told only then, has its end told as well. */
static void test_told_later(void)
{
	struct proc_stat child = begin_child();
	struct procwatch watch;

	procwatch_init(&watch, rig.app.loop, forget_end, NULL);
	procwatch_add(&watch, &child, false);
	is_int((long)watch.left, 0, "the end of a process that was not told is not awaited");
	procwatch_add(&watch, &child, true);
	is_int((long)watch.left, 1, "it is when the process is told later");
	is_int((long)watch.count, 1, "which counts it");
	procwatch_add(&watch, &child, true);
	is_int((long)watch.count, 1, "once");
	procwatch_release(&watch);
	end_child(child.id.pid, SIGKILL);
}

/* ---- a stop ---- */

/* Its worker has a connection; another child ends when it is told. At each SIGUSR1 it goes on. */
static void serve_by_worker(void *arg)
{
	sigset_t usr1, term;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), ends[2];
	char byte;

	(void)arg;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &usr1, NULL) < 0 || pipe(ends) < 0)
		_exit(1);
	if (fork_child() == 0) {
		sigprocmask(SIG_UNBLOCK, &term, NULL);
		accept_one(listener);
		say(0);
		wait_forever();
	}
	pid_t brief = fork_child();
	if (brief == 0)
		_exit(read(ends[0], &byte, 1) != 1);
	say(port);
	await_signal(SIGUSR1);
	if (write(ends[1], "", 1) != 1 || waitpid(brief, NULL, 0) != brief)
		_exit(1);
	say(0);
	await_signal(SIGUSR1);
}

static void await_exits(size_t count)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	while (rig.observer.report.history.exit_count < count && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
}

static void test_vanished(void)
{
	launch(serve_by_worker, NULL, true);
	int client = connect_to(AF_INET, hear());
	hear();
	begin_turn();
	observe(&rig.observer, "web.1");
	kill(rig.tree.main.pid, SIGUSR1);
	hear();
	begin_turn();
	send_to_all(SIGTERM);
	await_exits(2);
	kill(rig.tree.main.pid, SIGUSR1);
	const struct observe_report *report = end_stop();
	is_int(report->processes, 2, "of three processes one has ended before the signal");
	is_int(report->cut, 1, "what the signal has cut is known all the same");
	close(client);
}

int main(void)
{
	begin_rig();
	test_signalled();
	test_many_groups();
	test_awaited();
	test_between();
	test_killed();
	test_survived();
	test_held();
	test_core();
	test_pid();
	test_told_later();
	test_vanished();
	return end_rig();
}
