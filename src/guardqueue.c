/* guardqueue: see the header. */
#include "guardqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fdio.h"
#include "log.h"
#include "xmalloc.h"

/* A guard that has not read for so long is not going to. */
enum {
	WAITING_MAX = 65536
};

/*
 * What the kernel lacks besides room on the link, which there may be: memory, or descriptors that
 * may be on their way between the processes of one user (as many as one process may have open).
 * Nobody tells when that is over, so it is tried again after a moment.
 */
static const double moment = .1;

static bool is_lack(int error)
{
	return error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

/* False, with errno, when it is to be sent later. */
static bool send_one(
	const struct guardqueue *queue, const struct guardlink_message *message, int fd)
{
	if (guardlink_send(queue->link, message, fd) == 0)
		return true;
	if (errno == EAGAIN || is_lack(errno))
		return false;
	log_warn("the guard cannot be told: %s", strerror(errno));
	return true;
}

static void stop_waiting(struct guardqueue *queue)
{
	ev_io_stop(queue->loop, &queue->room);
	ev_timer_stop(queue->loop, &queue->again);
}

/* error: why it cannot be sent now. */
static void wait_for(struct guardqueue *queue, int error)
{
	stop_waiting(queue);
	if (!is_lack(error)) {
		ev_io_start(queue->loop, &queue->room);
		return;
	}
	ev_timer_set(&queue->again, moment, 0.);
	ev_timer_start(queue->loop, &queue->again);
}

/* Sends as much as there is room for. */
static void send_waiting(struct guardqueue *queue)
{
	while (queue->count > 0) {
		struct guardqueue_item *item = &queue->items[queue->first];
		if (!send_one(queue, &item->message, item->fd)) {
			wait_for(queue, errno);
			return;
		}
		fdio_close(&item->fd);
		queue->first++;
		queue->count--;
	}
	queue->first = 0;
	stop_waiting(queue);
}

static void room_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	send_waiting(watcher->data);
}

static void again_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	send_waiting(watcher->data);
}

static void make_room(struct guardqueue *queue)
{
	size_t end = queue->first + queue->count;

	if (end < queue->capacity)
		return;
	if (queue->first > queue->count) {
		memcpy(queue->items, queue->items + queue->first,
			queue->count * sizeof *queue->items);
		queue->first = 0;
		return;
	}
	queue->capacity = queue->capacity > 0 ? 2 * queue->capacity : 64;
	queue->items = xreallocarray(queue->items, queue->capacity, sizeof *queue->items);
}

static void put_off(struct guardqueue *queue, const struct guardlink_message *message, int fd)
{
	int copy = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (queue->count >= WAITING_MAX || (fd >= 0 && copy < 0)) {
		log_warn("the guard does not listen, and is not told of a descriptor");
		fdio_close(&copy);
		return;
	}
	make_room(queue);
	queue->items[queue->first + queue->count++] =
		(struct guardqueue_item){.message = *message, .fd = copy};
}

static void tell(struct guardqueue *queue, const struct guardlink_message *message, int fd)
{
	if (queue->link < 0)
		return;
	if (queue->count == 0) {
		if (send_one(queue, message, fd))
			return;
		wait_for(queue, errno);
	}
	put_off(queue, message, fd);
}

void guardqueue_init(struct guardqueue *queue, struct ev_loop *loop)
{
	*queue = (struct guardqueue){.loop = loop, .link = -1};
}

void guardqueue_open(struct guardqueue *queue, int link)
{
	queue->link = link;
	ev_io_init(&queue->room, room_cb, link, EV_WRITE);
	ev_init(&queue->again, again_cb);
	queue->room.data = queue->again.data = queue;
}

void guardqueue_tell(struct guardqueue *queue, enum guardlink_kind kind, int fd)
{
	const struct guardlink_message message = {.kind = kind};

	tell(queue, &message, fd);
}

uint64_t guardqueue_hold(struct guardqueue *queue, int fd)
{
	struct guardlink_message message = {.kind = GUARDLINK_HOLD};
	struct stat st;

	if (queue->link < 0 || fstat(fd, &st) < 0)
		return 0;
	message.key = guardlink_key(&st);
	tell(queue, &message, fd);
	return message.key;
}

/* What has not been asked for need not be; but the guard may hold it for a supervisor before us, so
 * it is told all the same. */
static void forget_hold(struct guardqueue *queue, uint64_t key)
{
	size_t kept = queue->first, end = queue->first + queue->count;

	for (size_t i = queue->first; i < end; i++) {
		struct guardqueue_item *item = &queue->items[i];
		if (item->message.kind == GUARDLINK_HOLD && item->message.key == key)
			fdio_close(&item->fd);
		else
			queue->items[kept++] = *item;
	}
	queue->count = kept - queue->first;
}

void guardqueue_drop(struct guardqueue *queue, uint64_t key)
{
	const struct guardlink_message message = {.kind = GUARDLINK_DROP, .key = key};

	if (key == 0)
		return;
	forget_hold(queue, key);
	tell(queue, &message, -1);
}

void guardqueue_close(struct guardqueue *queue)
{
	if (queue->link >= 0)
		stop_waiting(queue);
	for (size_t i = 0; i < queue->count; i++)
		fdio_close(&queue->items[queue->first + i].fd);
	free(queue->items);
	queue->items = NULL;
	queue->first = queue->count = queue->capacity = 0;
	fdio_close(&queue->link);
}
