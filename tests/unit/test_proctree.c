/*
 * Tests of proctree with real processes: who belongs to an instance and who does not, down to a
 * daemon that left its session and lost its parent. This test is the subreaper, as the supervisor
 * is.
 */
#include "proctree.h"

#include <fcntl.h>

#include "children.h"
#include "tap.h"

#define MARK "app/web.1/7"

enum {
	ROOM = 16
};

/* Where children report their pids. */
static int reports[2];

/* Orphans of a test that was broken off do not stay for ever. */
static void report_self(void)
{
	pid_t self = getpid();

	signal(SIGALRM, SIG_DFL);
	alarm(PATIENCE * 4);
	if (write(reports[1], &self, sizeof self) != sizeof self)
		_exit(1);
}

static pid_t hear(void)
{
	pid_t pid;

	read_exactly(reports[0], &pid, sizeof pid);
	return pid;
}

static void hear_all(pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		pids[i] = hear();
}

/* ---- asking ---- */

struct answer {
	size_t count;
	const struct proc_stat *found[ROOM];
};

static struct proctree tree;

static struct answer ask_again(const struct proctree_query *query)
{
	const pid_t reapers[] = {getpid(), 0};
	struct answer answer = {0};

	answer.count = proctree_members(&tree, reapers, query, answer.found, ROOM);
	return answer;
}

/* With a new snapshot. */
static struct answer ask(const struct proctree_query *query)
{
	if (proctree_take(&tree) < 0)
		bail_out("no /proc");
	return ask_again(query);
}

static bool has(const struct answer *answer, pid_t pid)
{
	for (size_t i = 0; i < answer->count && i < ROOM; i++)
		if (answer->found[i]->id.pid == pid)
			return true;
	return false;
}

static bool finds(const struct proctree_query *query, pid_t pid)
{
	struct answer answer = ask(query);

	return has(&answer, pid);
}

static struct proctree_query query_of(pid_t main)
{
	struct proctree_query query = {.mark = MARK};

	if (main != 0 && !proc_identify(main, &query.main))
		bail_out("a main process without identity");
	return query;
}

/* ---- small programs ---- */

static pid_t parent_of(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) ? stat.ppid : 0;
}

/* The main process of an instance: its own session, and a child with a child, all of which report.
 */
static void family(void)
{
	setsid();
	report_self();
	if (fork() == 0) {
		report_self();
		if (fork() == 0)
			report_self();
	}
	wait_forever();
}

/* A main process whose child has a session of its own. */
static void family_with_runaway(void)
{
	setsid();
	report_self();
	if (fork() == 0) {
		setsid();
		report_self();
	}
	wait_forever();
}

/* This program as a daemon: from SIGUSR1 on it cannot be interrupted, as if a disk did not answer.
 */
static int be_held(void)
{
	sigset_t set;
	int signo;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigwait(&set, &signo);
	if (vfork() == 0)
		for (;;)
			pause();
	return 0;
}

/* Leaves the session and loses its parent, as daemons do; executes this program with that mark, or
 * none with NULL. */
static void become_daemon(const char *mark)
{
	char *const argv[] = {(char *)"held", NULL};
	sigset_t set;
	char entry[128];
	char *const env[] = {(char *)"A=b", entry, NULL};

	if (fork() != 0)
		_exit(0);
	setsid();
	if (fork() != 0)
		_exit(0);
	report_self();
	if (mark == NULL)
		wait_forever();
	snprintf(entry, sizeof entry, "%s=%s", PROCTREE_MARK, mark);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	execve("/proc/self/exe", argv, env);
	_exit(1);
}

/* Starts a daemon and waits until it is one. */
static pid_t start_daemon(const char *mark)
{
	pid_t launcher = fork_child();
	struct proc_stat stat;
	if (launcher == 0)
		become_daemon(mark);
	pid_t daemon = hear();
	end_child(launcher, 0);
	if (!wait_until(parent_of(daemon) == getpid()))
		bail_out("a daemon was not inherited");
	char *seen = NULL;
	if (mark != NULL &&
		!wait_until((free(seen), seen = proc_environ(daemon, PROCTREE_MARK)) != NULL &&
			    strcmp(seen, mark) == 0))
		bail_out("a daemon did not execute its program");
	free(seen);
	/* What was between the two is an orphan, too, and must not be found instead. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	if (!proc_stat_read(daemon, &stat) || stat.session == getsid(0))
		bail_out("a daemon is in our session");
	return daemon;
}

/* ---- tests ---- */

static void end_all(pid_t *pids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void test_session(void)
{
	pid_t stranger = fork_child();
	if (stranger == 0)
		wait_forever();
	if (fork_child() == 0)
		family();
	pid_t pids[4] = {0, 0, 0, stranger};
	hear_all(pids, 3);
	struct proctree_query query = query_of(pids[0]);
	struct answer answer = ask(&query);

	is_int((int64_t)answer.count, 3, "a family of three has three members");
	ok(has(&answer, pids[0]), "its main process is one");
	ok(has(&answer, pids[1]) && has(&answer, pids[2]), "the others are the other two");
	ok(!has(&answer, stranger) && !has(&answer, getpid()) && !has(&answer, 1),
		"neighbours and parents are not");
	const struct proc_stat *one[1];
	is_int((int64_t)proctree_members(&tree, (pid_t[]){getpid(), 0}, &query, one, 1), 3,
		"with less room, all are counted still");
	query.main.start_ticks--;
	is_int((int64_t)ask_again(&query).count, 0,
		"who had that pid before has no part in the session of who has it now");
	end_all(pids, 4);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
}

static void test_orphan_in_session(void)
{
	if (fork_child() == 0)
		family();
	pid_t pids[3];
	hear_all(pids, 3);
	struct proctree_query query = query_of(pids[0]);
	kill(pids[0], SIGKILL);
	struct proc_stat stat;
	if (!wait_until(proc_stat_read(pids[0], &stat) && stat.state == 'Z'))
		bail_out("the main process does not end");
	struct answer answer = ask(&query);
	is_int((int64_t)answer.count, 3, "a main process that is a zombie counts");
	end_child(pids[0], 0);
	answer = ask(&query);
	is_int((int64_t)answer.count, 2,
		"when it was reaped, those it left are found by their session");
	ok(has(&answer, pids[1]) && has(&answer, pids[2]), "they are the right ones");
	kill(pids[1], SIGKILL);
	if (!wait_until(proc_stat_read(pids[1], &stat) && stat.state == 'Z'))
		bail_out("an orphan does not end");
	answer = ask(&query);
	is_int((int64_t)answer.count, 2, "an orphan that is a zombie counts until it is reaped");
	end_child(pids[1], 0);
	is_int((int64_t)ask(&query).count, 1, "and not longer");
	end_all(pids + 2, 1);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
}

static void test_other_session(void)
{
	if (fork_child() == 0)
		family_with_runaway();
	pid_t pids[2];
	hear_all(pids, 2);
	struct proctree_query query = query_of(pids[0]);
	struct proc_id known[1];
	if (!proc_identify(pids[1], &known[0]))
		bail_out("a child without identity");
	struct answer answer = ask(&query);
	is_int((int64_t)answer.count, 2, "a child with a session of its own belongs by its parent");
	end_child(pids[0], SIGKILL);
	if (!wait_until(parent_of(pids[1]) == getpid()))
		bail_out("an orphan was not inherited");
	is_int((int64_t)ask(&query).count, 0,
		"without parent, session, mark or memory, nothing tells where it belongs");
	query.known = known;
	query.known_count = 1;
	answer = ask(&query);
	ok(answer.count == 1 && has(&answer, pids[1]), "who was seen before is not forgotten");
	known[0].start_ticks++;
	is_int((int64_t)ask_again(&query).count, 0, "but a later owner of its pid is not meant");
	known[0].start_ticks--;
	end_all(pids + 1, 1);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
}

static void test_daemons(void)
{
	pid_t ours = start_daemon(MARK);
	pid_t others[] = {start_daemon(MARK "0"), start_daemon("app/web.1"), start_daemon(""),
		start_daemon(NULL), ours};
	struct proctree_query query = query_of(0);
	struct answer answer = ask(&query);

	is_int((int64_t)answer.count, 1, "one of five daemons carries the mark");
	ok(has(&answer, ours), "it is found");
	query.mark = MARK "0";
	answer = ask_again(&query);
	ok(answer.count == 1 && has(&answer, others[0]), "another mark finds another");
	query.mark = MARK;

	struct proc_id id;
	if (!proc_identify(ours, &id) || proctree_take(&tree) < 0)
		bail_out("no identity");
	proctree_claim(&tree, id);
	is_int((int64_t)ask_again(&query).count, 0, "the main process of an instance is no stray");
	id.start_ticks++;
	if (proctree_take(&tree) < 0)
		bail_out("no /proc");
	proctree_claim(&tree, id);
	is_int((int64_t)ask_again(&query).count, 1,
		"a claim for who had that pid before claims nobody");

	const pid_t nobody[] = {0}, stranger[] = {others[1], 0}, both[] = {others[1], getpid(), 0};
	const struct proc_stat *found[ROOM];
	if (proctree_take(&tree) < 0)
		bail_out("no /proc");
	is_int((int64_t)proctree_members(&tree, nobody, &query, found, ROOM), 0,
		"strays are looked for among the children of the reapers only");
	if (proctree_take(&tree) < 0)
		bail_out("no /proc");
	is_int((int64_t)proctree_members(&tree, stranger, &query, found, ROOM), 0,
		"another process has other children");
	if (proctree_take(&tree) < 0)
		bail_out("no /proc");
	is_int((int64_t)proctree_members(&tree, both, &query, found, ROOM), 1,
		"one of several reapers is enough");
	end_all(others, sizeof others / sizeof *others);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
}

/* The daemon of a main process that lives, both found in one pass. */
static void test_daemon_of_family(void)
{
	if (fork_child() == 0)
		family();
	pid_t pids[4];
	hear_all(pids, 3);
	pids[3] = start_daemon(MARK);
	struct proctree_query query = query_of(pids[0]);
	struct proc_id known[2];
	proc_identify(pids[1], &known[0]);
	proc_identify(pids[3], &known[1]);
	query.known = known;
	query.known_count = 2;
	struct answer answer = ask(&query);
	is_int((int64_t)answer.count, 4, "who belongs for more than one reason is counted once");
	end_all(pids, 4);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
}

static char state_of(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) ? stat.state : '?';
}

static void test_held(void)
{
	struct proctree_query query = {.mark = MARK};
	pid_t known = start_daemon(MARK), unknown;

	ok(finds(&query, known), "a daemon is known by its mark");
	kill(known, SIGUSR1);
	if (!wait_until(state_of(known) == 'D'))
		bail_out("a daemon is not held");
	ok(finds(&query, known), "and stays known when it is held");
	ok(!tree.is_unsure, "without being asked again");
	unknown = start_daemon(MARK);
	kill(unknown, SIGUSR1);
	if (!wait_until(state_of(unknown) == 'D'))
		bail_out("a daemon is not held");
	ok(!finds(&query, unknown), "one that is held from the first is left alone");
	ok(tree.is_unsure, "which is known");
	kill(-getpgid(known), SIGKILL);
	kill(-getpgid(unknown), SIGKILL);
	end_all(NULL, 0);
	is_int((int64_t)ask(&query).count, 0, "nobody is left in the end");
	ok(!tree.is_unsure, "and that is sure");
}

/* What cannot be looked at may be there. */
static void test_lack(void)
{
	is_int(proctree_take(&tree), 0, "a snapshot can be taken");
	ok(tree.is_whole, "and is whole");
	struct rlimit limit = leave_descriptors(0);
	is_int(proctree_take(&tree), -1, "not without descriptors");
	is_int(errno, EMFILE, "and errno says why");
	ok(!tree.is_whole, "it is not whole");
	give_descriptors(limit);
	limit = leave_descriptors(1);
	is_int(proctree_take(&tree), -1, "nor when the processes in it cannot be looked at");
	is_int(errno, EMFILE, "and errno says why");
	ok(!tree.is_whole, "it is not whole");
	give_descriptors(limit);
	is_int(proctree_take(&tree), 0, "with descriptors it is");
}

int main(int argc, char **argv)
{
	(void)argc;
	if (strcmp(argv[0], "held") == 0)
		return be_held();
	limit_patience();
	if (pipe2(reports, O_CLOEXEC) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		bail_out("no subreaper");
	test_session();
	test_orphan_in_session();
	test_other_session();
	test_daemons();
	test_daemon_of_family();
	test_held();
	if (!is_under_valgrind())
		test_lack();
	proctree_release(&tree);
	return tap_done();
}
