/* mover: see the header. */
#include "mover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "log.h"
#include "procopen.h"

enum {
	DRAIN_BATCHES = 64
};

static void tell_dropped(struct mover *mover)
{
	struct event event;

	if (mover->dropped == 0)
		return;
	event_begin(&event, EVENT_OUTPUT_DROPPED, clock_wall(), mover->dyno, mover->launch);
	event_int(&event, "bytes", (int64_t)mover->dropped);
	event_str(&event, "reason", strerror(mover->drop_error));
	app_publish(mover->app, &event);
	event_release(&event);
	mover->dropped = 0;
}

/* Tells that output is being dropped, and, when logging works again, how much it was. */
static void account(struct mover *mover, const struct segment_batch *batch)
{
	if (batch->dropped > 0 && mover->dropped == 0)
		app_note(mover->app, mover->dyno, mover->launch,
			"Its output cannot be logged and is dropped: %s; it runs on",
			strerror(batch->error));
	if (batch->dropped > 0) {
		mover->dropped += batch->dropped;
		mover->drop_error = batch->error;
		if (batch->error == ENOENT)
			app_renew_dirs(mover->app); /* tried again in a moment */
	} else if (batch->moved > 0) {
		tell_dropped(mover);
	}
}

void mover_stop(struct mover *mover)
{
	if (mover->fifo < 0)
		return;
	ev_io_stop(mover->app->loop, &mover->io);
	ev_timer_stop(mover->app->loop, &mover->pause);
	fdio_close(&mover->fifo);
	segment_close(mover->segment);
	mover->segment = NULL;
	tell_dropped(mover);
}

/* One batch. Returns false when there is nothing more to do now; pause is how long to wait before
 * the next. */
static bool move(struct mover *mover, nsec_t *pause)
{
	struct segment_batch batch = {0};
	enum segment_result result =
		segment_move(mover->segment, mover->fifo, clock_wall(), &batch);

	account(mover, &batch);
	if (result == SEGMENT_MOVED) {
		*pause = segment_pause(mover->segment, &batch);
		return true;
	}
	if (result == SEGMENT_FAILED)
		log_warn("%s: its output cannot be read: %s", mover->dyno, strerror(errno));
	if (result != SEGMENT_EMPTY)
		mover_stop(mover);
	return false;
}

static void readable_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct mover *mover = watcher->data;
	nsec_t pause;

	(void)revents;
	if (!move(mover, &pause) || pause == 0)
		return;
	ev_io_stop(loop, &mover->io);
	ev_timer_set(&mover->pause, (double)pause / (double)NSEC_PER_SEC, 0.);
	ev_timer_start(loop, &mover->pause);
}

static void pause_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct mover *mover = watcher->data;

	(void)revents;
	ev_io_start(loop, &mover->io);
	readable_cb(loop, &mover->io, EV_READ);
}

int mover_start(struct mover *mover, struct app *app, const char *fifo, const char *dyno,
	uint64_t launch, struct segment_limits limits)
{
	*mover = (struct mover){.app = app, .dyno = dyno, .launch = launch};
	mover->fifo = openat(app->run_dir, fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (mover->fifo < 0 && errno == ENOENT)
		mover->fifo = procopen_own(fifo); /* handed on by the guard */
	if (mover->fifo < 0)
		return -1;
	mover->segment = segment_open(app->log_dir, dyno, launch, limits);
	ev_io_init(&mover->io, readable_cb, mover->fifo, EV_READ);
	mover->io.data = mover;
	ev_timer_init(&mover->pause, pause_cb, 0., 0.);
	mover->pause.data = mover;
	ev_io_start(app->loop, &mover->io);
	return 0;
}

bool mover_drain(struct mover *mover)
{
	nsec_t pause;

	for (int i = 0; i < DRAIN_BATCHES && mover->fifo >= 0; i++)
		if (!move(mover, &pause))
			break;
	return mover->fifo < 0;
}
