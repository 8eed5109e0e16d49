/* deathwatch: see the header. */
#include "deathwatch.h"

#include "fdio.h"
#include "guardlink.h"

#define PATIENCE (500 * NSEC_PER_MSEC)

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
static void death_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct deathwatch *watch = watcher->data;
	struct proc_exit exit = {0};

	(void)revents;
	ev_io_stop(loop, watcher);
	if (learn(watch, &exit))
		tell(watch, exit);
	else
		timer_set(loop, &watch->lost, clock_mono() + PATIENCE);
}

bool deathwatch_begin(struct deathwatch *watch, struct app *app, struct proc_id id,
	void (*ended)(void *owner, struct proc_exit exit), void *owner)
{
	*watch = (struct deathwatch){.app = app, .id = id, .ended = ended, .owner = owner};
	timer_init(&watch->lost, lost_fired, watch);
	watch->pidfd = proc_open(id);
	if (watch->pidfd < 0) {
		timer_set(app->loop, &watch->lost, clock_mono());
		return false;
	}
	ev_io_init(&watch->death, death_cb, watch->pidfd, EV_READ);
	watch->death.data = watch;
	ev_io_start(app->loop, &watch->death);
	return true;
}

void deathwatch_stop(struct deathwatch *watch)
{
	if (watch->app == NULL)
		return;
	timer_stop(watch->app->loop, &watch->lost);
	if (watch->pidfd >= 0)
		ev_io_stop(watch->app->loop, &watch->death);
	fdio_close(&watch->pidfd);
	watch->app = NULL;
}
