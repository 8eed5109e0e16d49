/*
 * Tests of deathwatch: the end of a process of which a pidfd tells, and of one that has none.
 */
#include "deathwatch.h"

#include <errno.h>
#include <fcntl.h>

#include "children.h"
#include "fdio.h"
#include "tap.h"

static struct app app = {.run_dir = -1};
static struct deathwatch watch;
static struct proc_exit end;
static unsigned told;

static void ended(void *owner, struct proc_exit exit)
{
	(void)owner;
	end = exit;
	told++;
}

static void await_end(void)
{
	while (told == 0)
		ev_run(app.loop, EVRUN_ONCE);
}

static struct proc_id start(void)
{
	pid_t pid = fork_child();
	struct proc_id id;

	if (pid == 0)
		wait_forever();
	if (!proc_identify(pid, &id))
		bail_out("a child without identity");
	told = 0;
	return id;
}

static void expect_end(struct proc_id id)
{
	is_int(told, 0, "as long as it lives nothing is told");
	kill(id.pid, SIGTERM);
	await_end();
	ok(end.known && end.signo == SIGTERM, "its end is told, and what ended it");
	end_child(id.pid, 0);
}

static void test_pidfd(void)
{
	struct proc_id id = start();

	ok(deathwatch_begin(&watch, &app, id, ended, NULL), "one that lives can be watched");
	is_int(watch.pidfd, -1, "not by a pidfd yet, for others may need the descriptor");
	ev_run(app.loop, EVRUN_ONCE);
	ok(watch.pidfd >= 0, "but in the next turn");
	expect_end(id);
	told = 0;
	ok(!deathwatch_begin(&watch, &app, id, ended, NULL), "one that is gone cannot");
	is_int(told, 0, "which is not told at once");
	await_end();
	ok(!end.known, "but then, without how it ended");
}

/* Until only those are left that nobody keeps. */
static unsigned use_up(int *fds, unsigned max)
{
	unsigned count = 0;

	while (count < max && !fdio_is_spare(fds[count] = dup(STDERR_FILENO), FDIO_FOR_CLIENTS))
		count++;
	close(fds[count]);
	return count;
}

static void test_without_pidfd(void)
{
	struct proc_id id = start();
	struct rlimit limit = leave_descriptors(60);
	int fds[64];
	unsigned count = use_up(fds, 63);

	ok(deathwatch_begin(&watch, &app, id, ended, NULL),
		"so can one without descriptors to keep");
	ev_run(app.loop, EVRUN_ONCE);
	is_int(watch.pidfd, -1, "that has no pidfd");
	expect_end(id);
	while (count > 0)
		close(fds[--count]);
	give_descriptors(limit);
}

static void test_pidfd_later(void)
{
	struct proc_id id = start();
	struct rlimit limit = leave_descriptors(0);

	ok(deathwatch_begin(&watch, &app, id, ended, NULL), "so can one without any descriptors");
	ev_run(app.loop, EVRUN_ONCE);
	is_int(watch.pidfd, -1, "that has no pidfd");
	give_descriptors(limit);
	while (watch.pidfd < 0 && told == 0)
		ev_run(app.loop, EVRUN_ONCE);
	ok(watch.pidfd >= 0, "until there are descriptors again");
	expect_end(id);
}

int main(void)
{
	limit_patience();
	app.loop = ev_loop_new(EVFLAG_NOENV); /* which reaps nobody */
	app.run_dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_pidfd();
	test_without_pidfd();
	test_pidfd_later();
	close(app.run_dir);
	ev_loop_destroy(app.loop);
	return tap_done();
}
