/* farewell: see the header. */
#include "farewell.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "xmalloc.h"

static const double quiet_seconds = 0.5;
static const nsec_t longest = 2 * NSEC_PER_SEC;

struct farewell {
	struct farewells *owner;
	TAILQ_ENTRY(farewell) entry;
	ev_io io;
	ev_timer quiet;
	nsec_t since;
};

static void farewell_free(struct farewell *farewell)
{
	struct farewells *owner = farewell->owner;

	ev_io_stop(owner->loop, &farewell->io);
	ev_timer_stop(owner->loop, &farewell->quiet);
	close(farewell->io.fd);
	TAILQ_REMOVE(&owner->list, farewell, entry);
	owner->count--;
	free(farewell);
}

static void io_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	char waste[16 * 1024];
	struct farewell *farewell = watcher->data;
	(void)revents;

	ssize_t n = recv(watcher->fd, waste, sizeof waste, MSG_DONTWAIT);
	bool open = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
	if (open && clock_mono() - farewell->since < longest)
		ev_timer_again(loop, &farewell->quiet);
	else
		farewell_free(farewell);
}

static void quiet_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	farewell_free(watcher->data);
}

void farewells_init(struct farewells *farewells, struct ev_loop *loop)
{
	farewells->loop = loop;
	TAILQ_INIT(&farewells->list);
	farewells->count = 0;
}

void farewells_add(struct farewells *farewells, int fd)
{
	struct farewell *farewell = xcalloc(1, sizeof *farewell);

	farewell->owner = farewells;
	ev_io_init(&farewell->io, io_cb, fd, EV_READ);
	farewell->since = clock_mono();
	ev_timer_init(&farewell->quiet, quiet_cb, 0, quiet_seconds);
	farewell->io.data = farewell->quiet.data = farewell;
	ev_io_start(farewells->loop, &farewell->io);
	ev_timer_again(farewells->loop, &farewell->quiet);
	TAILQ_INSERT_TAIL(&farewells->list, farewell, entry);
	farewells->count++;
}

void farewells_release(struct farewells *farewells)
{
	struct farewell *farewell, *next;

	for (farewell = TAILQ_FIRST(&farewells->list); farewell != NULL; farewell = next) {
		next = TAILQ_NEXT(farewell, entry);
		farewell_free(farewell);
	}
}
