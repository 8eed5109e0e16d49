/* Tests of guard: how it takes the place of another program. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "children.h"
#include "guard.h"
#include "proc.h"
#include "procstatus.h"
#include "spawn.h"
#include "tap.h"

static bool is_in(uint64_t set, int signo)
{
	return (set >> (signo - 1) & 1) != 0;
}

/* The test itself is executed as the guard: it tells which signals it finds blocked. */
static int be_guard(void)
{
	const char *fd = getenv("TEST_GUARD_TELLS");
	struct procstatus status;

	if (!procstatus_read(getpid(), &status))
		return 1;
	return write(atoi(fd), &status.blocked, sizeof status.blocked) > 0 ? 0 : 1;
}

/* Larger than what may be executed with such a stack. */
static void make_exec_fail(void)
{
	static char value[100 * 1024];
	const struct rlimit small = {.rlim_cur = 256 * 1024, .rlim_max = RLIM_INFINITY};

	memset(value, 'x', sizeof value - 1);
	setenv("TEST_GUARD_LARGE", value, 1);
	setenv("TEST_GUARD_LARGE_TOO", value, 1);
	setrlimit(RLIMIT_STACK, &small);
}

/* It goes on as the supervisor that it was; nothing may leak into what it launches. */
static void test_failure(void)
{
	struct rlimit before, after;
	sigset_t mask;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	struct guard_order order = {
		.program = "/nowhere", .config_path = "none", .lock = ends[0], .ready_fd = -1};
	make_exec_fail();
	getrlimit(RLIMIT_NOFILE, &before);
	before.rlim_cur = before.rlim_max - 1;
	setrlimit(RLIMIT_NOFILE, &before);
	spawn_raise_descriptors();
	is_int(guard_become(&order, &ends[1], 1), -1, "what cannot be executed is told");
	is_int(errno, E2BIG, "and why");
	getrlimit(RLIMIT_NOFILE, &after);
	is_int((int64_t)after.rlim_cur, (int64_t)before.rlim_max,
		"it may have as many files open as before");
	is_int(fcntl(ends[0], F_GETFD), FD_CLOEXEC, "the lock is kept from what it executes");
	is_int(fcntl(ends[1], F_GETFD), FD_CLOEXEC, "and so is what it was to hold");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	ok(!sigismember(&mask, SIGTERM), "it hears signals");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	struct guard_order order = {
		.program = "/proc/self/exe", .config_path = "none", .lock = -1, .ready_fd = -1};
	uint64_t blocked;
	char text[16];
	int ends[2];

	if (getenv("TEST_GUARD_TELLS") != NULL)
		return be_guard();
	limit_patience();
	if (pipe2(ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		snprintf(text, sizeof text, "%d", ends[1]);
		setenv("TEST_GUARD_TELLS", text, 1);
		guard_become(&order, &ends[1], 1);
		_exit(1);
	}
	read_exactly(ends[0], &blocked, sizeof blocked);
	ok(is_in(blocked, SIGTERM) && is_in(blocked, SIGINT) && is_in(blocked, SIGHUP),
		"signals to end wait until the new guard hears them");
	ok(is_in(blocked, SIGUSR1) && is_in(blocked, SIGUSR2), "and so do its others");
	ok(!is_in(blocked, SIGSEGV), "but none that it does not hear");
	is_int(end_child(pid, 0), 0, "it was executed");
	test_failure();
	return tap_done();
}
