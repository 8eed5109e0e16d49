/* newsfeed: see the header. */
#include "newsfeed.h"

#include <errno.h>
#include <string.h>

#include "fdio.h"
#include "log.h"
#include "netclients.h"

/* News are thick after so many readings, each so soon after the one before, until there were none
 * in a pause. */
#define THICK_AFTER 4
#define THICK_WITHIN NSEC_PER_MSEC
#define PAUSE (2 * NSEC_PER_MSEC)

static void begin_pause(struct newsfeed *feed)
{
	feed->came = false;
	timer_set(feed->loop, &feed->pause, clock_mono() + PAUSE);
}

/* By then the turn has read what had come. */
static void pause_ended(void *owner)
{
	struct newsfeed *feed = owner;

	if (feed->came) {
		begin_pause(feed);
		return;
	}
	feed->thick = 0;
	ev_check_stop(feed->loop, &feed->turn);
	ev_io_start(feed->loop, &feed->arrived);
}

static void pause_reading(struct newsfeed *feed)
{
	ev_io_stop(feed->loop, &feed->arrived);
	ev_check_start(feed->loop, &feed->turn);
	begin_pause(feed);
}

static void arrived_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct newsfeed *feed = watcher->data;

	(void)loop;
	(void)revents;
	feed->thick = clock_mono() - feed->read < THICK_WITHIN ? feed->thick + 1 : 0;
	feed->ready(feed->owner);
	if (feed->thick >= THICK_AFTER && feed->fd >= 0)
		pause_reading(feed);
}

static void turn_cb(struct ev_loop *loop, ev_check *watcher, int revents)
{
	struct newsfeed *feed = watcher->data;

	(void)loop;
	(void)revents;
	feed->ready(feed->owner);
}

static void start(struct newsfeed *feed)
{
	ev_io_init(&feed->arrived, arrived_cb, feed->fd, EV_READ);
	ev_check_init(&feed->turn, turn_cb);
	feed->arrived.data = feed->turn.data = feed;
	ev_set_priority(&feed->arrived, EV_MAXPRI);
	ev_set_priority(&feed->turn, EV_MAXPRI - 1); /* once app knows that a turn has begun */
	timer_init(&feed->pause, pause_ended, feed);
	feed->thick = 0;
	feed->leaves_out = false;
	ev_io_start(feed->loop, &feed->arrived);
}

void newsfeed_open(
	struct newsfeed *feed, struct ev_loop *loop, void (*ready)(void *owner), void *owner)
{
	if (feed->fd >= 0 || feed->is_refused)
		return;
	feed->fd = netsock_open_news();
	feed->is_refused = feed->fd < 0;
	if (feed->is_refused) {
		log_debug("closes are not told: %s; looks must do", strerror(errno));
		return;
	}
	feed->loop = loop;
	feed->ready = ready;
	feed->owner = owner;
	start(feed);
}

void newsfeed_close(struct newsfeed *feed)
{
	if (feed->fd < 0)
		return;
	ev_io_stop(feed->loop, &feed->arrived);
	ev_check_stop(feed->loop, &feed->turn);
	timer_stop(feed->loop, &feed->pause);
	fdio_close(&feed->fd);
}

void newsfeed_leave_out(struct newsfeed *feed, const uint16_t *ports, size_t count)
{
	if (feed->fd < 0 || (count == 0 && !feed->leaves_out))
		return;
	netclients_leave_out_of_news(feed->fd, ports, count);
	feed->leaves_out = count > 0;
}

struct reader {
	void (*heard)(void *arg, const struct netsock *closed);
	void *arg;
	bool came;
};

static void pass_on(void *arg, const struct netsock *closed)
{
	struct reader *reader = arg;

	reader->came = true;
	reader->heard(reader->arg, closed);
}

int newsfeed_read(
	struct newsfeed *feed, void (*heard)(void *arg, const struct netsock *closed), void *arg)
{
	struct reader reader = {.heard = heard, .arg = arg};

	if (feed->fd < 0)
		return 0;
	int status = netsock_read_news(feed->fd, pass_on, &reader);
	feed->came |= reader.came;
	feed->read = clock_mono();
	if (status < 0)
		feed->lost = feed->read;
	return status;
}
