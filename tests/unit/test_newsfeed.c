/*
 * Tests of newsfeed: every close is heard of, and before anything else that happens in the same
 * turn of the loop, also while the feed pauses because news come thick.
 */
#include "newsfeed.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>

#include "stoprig.h"

static struct newsfeed feed = {.fd = -1};
static unsigned heard; /* closes of our listeners */
static uint16_t port;
static int bell[2]; /* whatever else happens in a turn */
static unsigned heard_at_bell;

static void hear_close(void *arg, const struct netsock *closed)
{
	(void)arg;
	heard += closed->listening || closed->remote_port == 0 ? closed->local_port == port : 0;
}

static void ready(void *owner)
{
	newsfeed_read(owner, hear_close, NULL);
}

static void bell_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	char byte;

	(void)loop;
	(void)watcher;
	(void)revents;
	heard_at_bell = heard;
	if (read(bell[0], &byte, 1) != 1)
		bail_out("no bell");
}

static void ring(void)
{
	if (write(bell[1], "", 1) != 1)
		bail_out("no bell");
}

/* The kernel tells of a close some time after it, and of the closes of others as well, which are
 * taken away here. */
static void await_next_in_queue(void)
{
	struct pollfd queue = {.fd = feed.fd, .events = POLLIN};
	struct {
		struct nlmsghdr header;
		struct inet_diag_msg body;
	} news;

	while (poll(&queue, 1, PATIENCE * 1000) == 1 &&
		recv(feed.fd, &news, sizeof news, MSG_PEEK) > 0 &&
		news.body.id.idiag_sport != htons(port))
		recv(feed.fd, &news, sizeof news, 0);
}

/* Returns when that is the next close that the feed has to tell. */
static void close_one(void)
{
	port = 0;
	close(listen_on(AF_INET, &port, false));
	await_next_in_queue();
}

/* Runs the loop until so many closes were heard of. */
static bool await_heard(unsigned count)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	while (heard < count && clock_mono() < limit)
		ev_run(EV_DEFAULT, EVRUN_ONCE);
	return heard == count;
}

/* As if it had been read again and again just before. */
static void make_thick(void)
{
	feed.thick = 1000;
	feed.read = clock_mono() + PATIENCE * NSEC_PER_SEC;
}

static void test_alone(void)
{
	heard = 0;
	close_one();
	ok(await_heard(1), "a close is heard of");
	ok(!timer_is_set(&feed.pause), "one that comes alone makes no pause");
}

static void test_pause(void)
{
	heard = 0;
	make_thick();
	close_one();
	ok(await_heard(1), "of news that come thick the first is heard at once");
	ok(timer_is_set(&feed.pause), "and then there is a pause");
	close_one();
	ok(await_heard(2), "what comes in the pause is heard when it is over");
	while (timer_is_set(&feed.pause) && ev_is_active(&feed.arrived) == 0)
		ev_run(EV_DEFAULT, EVRUN_ONCE);
	ok(!timer_is_set(&feed.pause), "a pause in which nothing comes is the last");
	close_one();
	ok(await_heard(3), "what comes behind it is heard");
}

/* Others close connections, too, which only make more pauses. */
static void test_pauses(void)
{
	heard = 0;
	make_thick();
	close_one();
	await_heard(1);
	for (unsigned i = 2; i <= 5; i++) {
		close_one();
		await_heard(i);
		ok(timer_is_set(&feed.pause),
			"a pause in which a close comes is followed by another");
	}
}

static void test_turn(void)
{
	heard = heard_at_bell = 0;
	make_thick();
	close_one();
	await_heard(1);
	ok(timer_is_set(&feed.pause), "there is a pause");
	close_one();
	ring();
	while (heard_at_bell == 0)
		ev_run(EV_DEFAULT, EVRUN_ONCE);
	is_int(heard_at_bell, 2, "who is called in a turn knows of the closes before it");
}

static void test_reopen(void)
{
	make_thick();
	close_one();
	heard = 0;
	newsfeed_close(&feed);
	is_int(feed.fd, -1, "a feed can be closed in a pause");
	is_int(newsfeed_read(&feed, hear_close, NULL), 0, "there are no news without a feed");
	is_int(heard, 0, "and none are heard");
	newsfeed_open(&feed, EV_DEFAULT, ready, &feed);
	int fd = feed.fd;
	newsfeed_open(&feed, EV_DEFAULT, ready, &feed);
	is_int(feed.fd, fd, "opening it twice is opening it once");
	close_one();
	ok(await_heard(1), "a feed that was closed can be opened again");
}

int main(void)
{
	ev_io watcher;

	limit_patience();
	if (ev_default_loop(0) == NULL || pipe2(bell, O_CLOEXEC) < 0)
		bail_out("no loop");
	ev_io_init(&watcher, bell_cb, bell[0], EV_READ);
	ev_io_start(EV_DEFAULT, &watcher);
	newsfeed_open(&feed, EV_DEFAULT, ready, &feed);
	if (feed.fd < 0)
		bail_out("the kernel tells no news");
	test_alone();
	test_pause();
	test_pauses();
	test_turn();
	test_reopen();
	newsfeed_close(&feed);
	ev_io_stop(EV_DEFAULT, &watcher);
	close(bell[0]);
	close(bell[1]);
	ev_loop_destroy(EV_DEFAULT);
	return tap_done();
}
