/* deathwatch: see the header. */
#include "deathwatch.h"

#include <errno.h>
#include <unistd.h>

#include "fdio.h"
#include "guardlink.h"

#define PATIENCE (500 * NSEC_PER_MSEC)
#define LOOK_INTERVAL NSEC_PER_SEC

static bool learn(struct deathwatch *watch, struct proc_exit *exit)
{
	return proc_exit_of_zombie(watch->id, exit) ||
	       guardlink_find_exit(watch->app->run_dir, watch->id, exit) ||
	       (watch->pidfd >= 0 && proc_exit_of_other(watch->pidfd, exit));
}

static void tell(struct deathwatch *watch, struct proc_exit exit)
{
	deathwatch_stop(watch);
	watch->ended(watch->owner, exit);
}

static void lost_fired(void *owner)
{
	struct deathwatch *watch = owner;
	struct proc_exit exit = {0};

	learn(watch, &exit);
	tell(watch, exit);
}

/* Between the reaping and the guard's note there is a moment in which nobody knows. */
static void has_died(struct deathwatch *watch)
{
	struct proc_exit exit = {0};

	if (learn(watch, &exit))
		tell(watch, exit);
	else
		timer_set(watch->app->loop, &watch->lost, clock_mono() + PATIENCE);
}

static void death_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct deathwatch *watch = watcher->data;

	(void)revents;
	ev_io_stop(loop, watcher);
	has_died(watch);
}

/* It has one for long, so the last ones are left to others. */
static int open_pidfd(struct proc_id id)
{
	int fd = proc_open(id);

	if (fd < 0 || !fdio_is_spare(fd, FDIO_FOR_CLIENTS))
		return fd;
	close(fd);
	errno = EMFILE;
	return -1;
}

static bool watch_by_pidfd(struct deathwatch *watch)
{
	watch->pidfd = open_pidfd(watch->id);
	if (watch->pidfd < 0)
		return false;
	ev_io_init(&watch->death, death_cb, watch->pidfd, EV_READ);
	watch->death.data = watch;
	ev_io_start(watch->app->loop, &watch->death);
	return true;
}

static void look_fired(void *owner)
{
	struct deathwatch *watch = owner;

	if (watch_by_pidfd(watch))
		return;
	if (errno != ESRCH && proc_is_alive(watch->id))
		timer_set(watch->app->loop, &watch->look, clock_mono() + LOOK_INTERVAL);
	else
		has_died(watch);
}

static bool is_gone(struct proc_id id)
{
	int fd = proc_open(id);
	bool gone = fd < 0 && errno == ESRCH;

	fdio_close(&fd);
	return gone;
}

bool deathwatch_begin(struct deathwatch *watch, struct app *app, struct proc_id id,
	void (*ended)(void *owner, struct proc_exit exit), void *owner)
{
	*watch = (struct deathwatch){
		.app = app, .id = id, .pidfd = -1, .ended = ended, .owner = owner};
	timer_init(&watch->look, look_fired, watch);
	timer_init(&watch->lost, lost_fired, watch);
	bool gone = is_gone(id);
	/* Who adopts many has all their outputs first, and then pidfds as far as descriptors go. */
	timer_set(app->loop, gone ? &watch->lost : &watch->look, clock_mono());
	return !gone;
}

void deathwatch_stop(struct deathwatch *watch)
{
	if (watch->app == NULL)
		return;
	timer_stop(watch->app->loop, &watch->look);
	timer_stop(watch->app->loop, &watch->lost);
	if (watch->pidfd >= 0)
		ev_io_stop(watch->app->loop, &watch->death);
	fdio_close(&watch->pidfd);
	watch->app = NULL;
}
