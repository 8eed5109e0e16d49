/*
 * Tests of proc: what stands in /proc, identities, and signals that reach nobody but the one who
 * was meant.
 */
#include "proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "children.h"
#include "fdio.h"
#include "tap.h"

/* ---- stat ---- */

#define AFTER_SESSION                                                                              \
	" 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654321 12345 67 18446744073709551615\n"

static void test_parse(void)
{
	static const struct {
		const char *text, *name, *what;
	} good[] = {
		{"42 (sh) S 7 42 40" AFTER_SESSION, "sh", "a usual name"},
		{"42 (a b) S 7 42 40" AFTER_SESSION, "a b", "a blank in the name"},
		{"42 (a) R 1 1 1 (b) S 7 42 40" AFTER_SESSION, "a) R 1 1 1 (b",
			"a name that looks like the fields after it"},
		{"42 ()) S 7 42 40" AFTER_SESSION, ")", "a name that is a parenthesis"},
		{"42 (() S 7 42 40" AFTER_SESSION, "(", "the other one"},
		{"42 (a\nb) S 7 42 40" AFTER_SESSION, "a?b", "a newline in the name"},
		{"42 () S 7 42 40" AFTER_SESSION, "", "no name"},
		{"42 (123456789012345) S 7 42 40" AFTER_SESSION, "123456789012345",
			"the longest name"},
		{"42 (kworker/u16:2-events_unbound) S 7 42 40" AFTER_SESSION, "kworker/u16:2-e",
			"a longer one, as kernel threads have it"},
	};
	char name[128];

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct proc_stat stat;
		memset(&stat, 0x55, sizeof stat);
		snprintf(name, sizeof name, "%s is read", good[i].what);
		ok(proc_stat_parse(good[i].text, &stat), name);
		snprintf(name, sizeof name, "%s is the name", good[i].what);
		is_str(stat.name, good[i].name, name);
		snprintf(name, sizeof name, "%s does not disturb the fields", good[i].what);
		ok(stat.id.pid == 42 && stat.id.start_ticks == 987654321 && stat.ppid == 7 &&
				stat.session == 40 && stat.state == 'S',
			name);
	}
}

static void test_parse_refused(void)
{
	static const char *const bad[] = {"", "42", "42 sh S 7 42 40" AFTER_SESSION, "42 (sh",
		"42 sh)", "42 )sh( S 7 42 40" AFTER_SESSION, "(sh) S 7 42 40" AFTER_SESSION,
		"42 (sh)", "42 (sh) S 7 42 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0",
		"42 (sh) S x 42 40" AFTER_SESSION};
	struct proc_stat stat;
	char name[128];

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(name, sizeof name, "torn text %zu is refused", i);
		ok(!proc_stat_parse(bad[i], &stat), name);
	}
}

/* A child with that name that waits for its end. */
static pid_t child_named(const char *child_name)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		prctl(PR_SET_NAME, child_name);
		if (write(ends[1], "", 1) == 1)
			wait_forever();
		_exit(1);
	}
	read_exactly(ends[0], &byte, 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void test_read(void)
{
	struct proc_stat stat;
	pid_t pid = child_named(") R 1 (\n1 1");

	ok(proc_stat_read(pid, &stat), "a real process with a malicious name is read");
	is_str(stat.name, ") R 1 (?1 1", "its name is its name, as far as it is text in a line");
	is_int(stat.ppid, getpid(), "its parent is this test");
	is_int(stat.session, getsid(0), "its session is that of this test");
	kill(pid, SIGKILL);
	ok(wait_until(proc_stat_read(pid, &stat) && stat.state == 'Z'), "a zombie is still there");
	end_child(pid, 0);
	ok(!proc_stat_read(pid, &stat), "a reaped one is not");
	ok(!proc_stat_read(-1, &stat), "a pid that is none is not there either");
}

/* ---- identity ---- */

static void test_identity(void)
{
	struct proc_id self, id;

	ok(proc_identify(getpid(), &self), "this test has an identity");
	is_int(self.pid, getpid(), "its pid is in it");
	ok(self.start_ticks > 0, "and its start");
	ok(proc_is_alive(self), "it is alive");
	ok(proc_same(self, self), "it is the same as itself");
	ok(!proc_same(self, (struct proc_id){.pid = self.pid, .start_ticks = self.start_ticks + 1}),
		"the same pid with another start is somebody else");
	ok(!proc_same(self, (struct proc_id){.pid = self.pid + 1, .start_ticks = self.start_ticks}),
		"another pid with the same start too");
	ok(!proc_is_alive(PROC_NONE), "nobody is not alive");
	id = (struct proc_id){.pid = self.pid, .start_ticks = self.start_ticks + 1};
	ok(!proc_is_alive(id), "who had our pid before is not alive");

	pid_t pid = child_named("alive");
	ok(proc_identify(pid, &id) && proc_is_alive(id), "a child is alive");
	kill(pid, SIGKILL);
	ok(wait_until(!proc_is_alive(id)), "a zombie is not");
	ok(proc_identify(pid, &id), "but has an identity");
	end_child(pid, 0);
	ok(!proc_identify(pid, &id), "when it was reaped it has none");
}

/* ---- signals ---- */

static void test_signal(void)
{
	struct proc_id id;
	pid_t pid = child_named("target");

	if (!proc_identify(pid, &id))
		bail_out("a child without identity");
	struct proc_id before = {.pid = pid, .start_ticks = id.start_ticks - 1};
	errno = 0;
	is_int(proc_signal(before, SIGKILL), -1,
		"a signal to the former owner of a pid is not sent");
	is_int(errno, ESRCH, "because that one is gone");
	is_int(proc_open(before), -1, "nor can it be opened");
	ok(proc_is_alive(id), "the present owner has not felt it");
	is_int(proc_signal(id, 0), 0, "the present owner can be signalled");
	int fd = proc_open(id);
	ok(fd >= 0, "and opened");
	ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "its pidfd is close-on-exec");
	is_int(proc_signal(id, SIGTERM), 0, "it is told to end");
	struct pollfd ended = {.fd = fd, .events = POLLIN};
	is_int(poll(&ended, 1, PATIENCE * 1000), 1, "its pidfd tells the end");
	close(fd);
	is_int(WTERMSIG(end_child(pid, 0)), SIGTERM, "it ended by that signal");
	errno = 0;
	is_int(proc_signal(id, SIGKILL), -1, "a reaped process gets no signal");
	is_int(errno, ESRCH, "because it is gone");
	errno = 0;
	is_int(proc_signal(PROC_NONE, SIGKILL), -1,
		"nobody gets no signal, least of all a whole group");
	is_int(errno, ESRCH, "because it is nobody");
	errno = 0;
	is_int(proc_signal((struct proc_id){.pid = -1, .start_ticks = 1}, SIGKILL), -1,
		"a negative pid is never everybody");
	is_int(errno, ESRCH, "but nobody");
}

static bool is_cat(pid_t pid)
{
	struct buf command = BUF_INIT;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
	bool is_it = fdio_read_file(path, 256, &command) == 0 && command.len > 0 &&
		     strcmp(command.data, "cat") == 0;
	buf_release(&command);
	return is_it;
}

/* It waits for the end of an input that does not end. */
static pid_t child_executing_cat(void)
{
	int input[2];

	if (pipe2(input, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		dup2(input[0], STDIN_FILENO);
		fcntl(input[1], F_SETFD, 0);
		execl("/bin/cat", "cat", (char *)NULL);
		_exit(1);
	}
	close(input[0]);
	close(input[1]);
	if (!wait_until(is_cat(pid)))
		bail_out("no exec");
	return pid;
}

static void test_has_executed(void)
{
	struct proc_id id;

	pid_t pid = child_named("forked");
	ok(proc_identify(pid, &id) && !proc_has_executed(id),
		"a child of a fork has executed nothing");
	end_child(pid, SIGKILL);
	pid = child_executing_cat();
	ok(proc_identify(pid, &id) && proc_has_executed(id), "until it does");
	end_child(pid, SIGKILL);
	ok(!proc_has_executed(id), "who is gone does not count");
}

static void test_exit(void)
{
	pid_t pid = fork_child();
	if (pid == 0)
		_exit(3);
	struct proc_exit exit = proc_exit_from_wait(end_child(pid, 0));
	ok(exit.known && exit.status == 3 && exit.signo == 0, "an exit code is the status");
	exit = proc_exit_from_wait(end_child(child_named("killed"), SIGKILL));
	ok(exit.known && exit.status == 137 && exit.signo == SIGKILL, "a signal is 128 more");
	pid = fork_child();
	if (pid == 0)
		_exit(137);
	exit = proc_exit_from_wait(end_child(pid, 0));
	ok(exit.known && exit.status == 137 && exit.signo == 0, "an exit code of 137 is no signal");
}

static void *live_on(void *unused)
{
	(void)unused;
	wait_forever();
}

static void test_headless(void)
{
	struct proc_stat stat;
	struct proc_exit how;
	pthread_t thread;

	pid_t pid = fork_child();
	if (pid == 0) {
		if (pthread_create(&thread, NULL, live_on, NULL) != 0)
			_exit(1);
		pthread_exit(NULL);
	}
	ok(wait_until(proc_stat_read(pid, &stat) && stat.state == 'Z'),
		"the first thread of a process ends, and leaves another one");
	ok(!proc_stat_is_dead(&stat) && proc_is_alive(stat.id), "the process is alive");
	is_int(proc_end_of(stat.id), PROC_RUNS, "and not ending");
	ok(!proc_exit_of_zombie(stat.id, &how), "so it has no status");
	kill(pid, SIGKILL);
	ok(wait_until(proc_stat_read(pid, &stat) && proc_stat_is_dead(&stat)),
		"when the last one has ended it is dead");
	is_int(proc_end_of(stat.id), PROC_ENDED, "in every way");
	end_child(pid, 0);
}

/* ---- files and memory ---- */

static void test_environ(void)
{
	setenv("TEST_PROC", "a=b c", 1);
	setenv("TEST_PROC_EMPTY", "", 1);
	pid_t pid = child_executing_cat();
	unsetenv("TEST_PROC");
	char *value = proc_environ(pid, "TEST_PROC");

	is_str(value, "a=b c", "a variable of another process is read");
	free(value);
	value = proc_environ(pid, "TEST_PROC_EMPTY");
	is_str(value, "", "an empty one too");
	free(value);
	ok(proc_environ(pid, "TEST_PRO") == NULL, "the beginning of a name is not the name");
	ok(proc_environ(pid, "EST_PROC") == NULL, "nor is its end");
	end_child(pid, SIGKILL);
	ok(proc_environ(pid, "TEST_PROC") == NULL, "a process that is gone has none");
}

static void test_memory(void)
{
	ok(proc_memory(getpid()) > 100 * 1024, "this test takes more than 100 KiB");
	is_int((int64_t)proc_memory(-1), 0, "who is not there takes nothing");
}

/* For want of a descriptor nobody is taken for dead. */
static void test_lack(void)
{
	pid_t pid = fork_child();
	struct proc_stat stat;
	struct proc_id id;

	if (pid == 0)
		wait_forever();
	if (!proc_identify(pid, &id))
		bail_out("a child without identity");
	struct rlimit limit = leave_descriptors(0);
	ok(!proc_stat_read(pid, &stat), "without a descriptor nobody can be looked at");
	is_int(errno, EMFILE, "and errno says why");
	ok(proc_is_alive(id), "who cannot be looked at is not called dead");
	is_int(proc_signal(id, SIGTERM), -1, "nor does he get a signal");
	is_int(errno, EMFILE, "and errno says why");
	give_descriptors(limit);
	limit = leave_descriptors(1);
	is_int(proc_open(id), -1, "one descriptor is not enough for a pidfd that is surely his");
	is_int(errno, EMFILE, "and errno says why");
	give_descriptors(limit);
	ok(proc_is_alive(id), "with descriptors he is alive");
	end_child(pid, SIGKILL);
	ok(!proc_is_alive(id), "until he is not");
	ok(!proc_stat_read(pid, &stat) && errno == ENOENT, "of which errno tells too");
}

int main(void)
{
	limit_patience();
	test_parse();
	test_parse_refused();
	test_read();
	test_identity();
	if (!is_under_valgrind())
		test_signal();
	test_has_executed();
	test_exit();
	test_headless();
	if (!is_under_valgrind())
		test_lack();
	test_environ();
	test_memory();
	return tap_done();
}
