/* Tests of guard: how it takes the place of another program. */
#include <fcntl.h>

#include "children.h"
#include "guard.h"
#include "proc.h"
#include "tap.h"

static bool is_in(uint64_t set, int signo)
{
	return (set >> (signo - 1) & 1) != 0;
}

/* The test itself is executed as the guard: it tells which signals it finds blocked. */
static int be_guard(void)
{
	const char *fd = getenv("TEST_GUARD_TELLS");
	struct proc_status status;

	if (!proc_status_read(getpid(), &status))
		return 1;
	return write(atoi(fd), &status.blocked, sizeof status.blocked) > 0 ? 0 : 1;
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
	return tap_done();
}
