/* farewell: see the header. */
#include "farewell.h"

#include <errno.h>
#include <ev.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "xmalloc.h"

static const nsec_t quiet = NSEC_PER_SEC / 2;
static const nsec_t longest = 2 * NSEC_PER_SEC;
static const nsec_t stalled = 60 * NSEC_PER_SEC;

/* Nothing tells that the send buffer has become empty, so it is looked at. */
static const double look_seconds = 0.05;

struct farewell {
	struct farewells *owner;
	TAILQ_ENTRY(farewell) entry;
	ev_io io;
	ev_timer look;
	char what[FAREWELL_WHAT];
	bool ended;    /* the client has closed its side */
	size_t unsent; /* when it was last looked at */
	nsec_t began;
	nsec_t taken;	/* when a byte of ours was last taken, or when it began */
	nsec_t noticed; /* when that, or a byte of the client, was last noticed */
};

static void farewell_free(struct farewell *farewell)
{
	struct farewells *owner = farewell->owner;

	ev_io_stop(owner->loop, &farewell->io);
	ev_timer_stop(owner->loop, &farewell->look);
	close(farewell->io.fd);
	TAILQ_REMOVE(&owner->list, farewell, entry);
	owner->count--;
	free(farewell);
}

static bool is_over(const struct farewell *farewell)
{
	nsec_t now = clock_mono();

	if (farewell->owner->hurry && now - farewell->began >= quiet)
		return true;
	if (farewell->unsent > 0)
		return now - farewell->taken >= stalled;
	return farewell->ended || now - farewell->noticed >= quiet ||
	       now - farewell->taken >= longest;
}

/* The one place where it ends. */
static void settle(struct farewell *farewell)
{
	size_t unsent = farewell_unsent(farewell->io.fd);

	if (unsent != farewell->unsent)
		farewell->taken = farewell->noticed = clock_mono();
	farewell->unsent = unsent;
	if (is_over(farewell))
		farewell_free(farewell);
}

static void io_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	char waste[16 * 1024];
	struct farewell *farewell = watcher->data;
	(void)revents;

	ssize_t n = recv(watcher->fd, waste, sizeof waste, MSG_DONTWAIT);
	if (n > 0) {
		farewell->noticed = clock_mono();
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		farewell->ended = true;
		ev_io_stop(loop, watcher);
	}
	settle(farewell);
}

static void look_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	settle(watcher->data);
}

void farewells_init(struct farewells *farewells, struct ev_loop *loop)
{
	*farewells = (struct farewells){.loop = loop};
	TAILQ_INIT(&farewells->list);
}

size_t farewell_unsent(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;
	int unsent = 0;

	/* What a connection had to send is still counted when it is gone. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_state == TCP_CLOSE)
		return 0;
	return ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0 ? (size_t)unsent : 0;
}

void farewells_add(struct farewells *farewells, int fd, const char *what)
{
	struct farewell *farewell = xcalloc(1, sizeof *farewell);

	farewell->owner = farewells;
	farewell->unsent = farewell_unsent(fd);
	farewell->began = farewell->taken = farewell->noticed = clock_mono();
	snprintf(farewell->what, sizeof farewell->what, "%s", what);
	ev_io_init(&farewell->io, io_cb, fd, EV_READ);
	ev_timer_init(&farewell->look, look_cb, look_seconds, look_seconds);
	farewell->io.data = farewell->look.data = farewell;
	ev_io_start(farewells->loop, &farewell->io);
	ev_timer_start(farewells->loop, &farewell->look);
	TAILQ_INSERT_TAIL(&farewells->list, farewell, entry);
	farewells->count++;
}

void farewells_release(struct farewells *farewells)
{
	struct farewell *farewell, *next;

	farewells->hurry = true;
	for (farewell = TAILQ_FIRST(&farewells->list); farewell != NULL; farewell = next) {
		next = TAILQ_NEXT(farewell, entry);
		farewell_free(farewell);
	}
}

void farewells_describe(const struct farewells *farewells, void (*show)(const char *sentence))
{
	const struct farewell *farewell;
	char text[FAREWELL_WHAT + 64];

	TAILQ_FOREACH (farewell, &farewells->list, entry) {
		if (farewell->unsent == 0)
			continue;
		snprintf(text, sizeof text, "the last %zu bytes of the answer to %s",
			farewell->unsent, farewell->what);
		show(text);
	}
}
