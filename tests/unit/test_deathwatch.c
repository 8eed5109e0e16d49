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
	ok(watch.pidfd >= 0, "by a pidfd");
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

static void test_lack(unsigned descriptors)
{
	struct proc_id id = start();
	struct rlimit limit = leave_descriptors(descriptors);
	int fds[64];
	unsigned count = use_up(fds, 63);

	ok(deathwatch_begin(&watch, &app, id, ended, NULL), "so can one without descriptors");
	is_int(watch.pidfd, -1, "that has no pidfd");
	while (count > 0)
		close(fds[--count]);
	give_descriptors(limit);
	nsec_t began = clock_mono();
	while (clock_mono() - began < NSEC_PER_SEC)
		ev_run(app.loop, EVRUN_ONCE);
	expect_end(id);
}

int main(void)
{
	limit_patience();
	app.loop = ev_loop_new(EVFLAG_NOENV); /* which reaps nobody */
	app.run_dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_pidfd();
	test_lack(0);
	test_lack(60);
	close(app.run_dir);
	ev_loop_destroy(app.loop);
	return tap_done();
}
