/*
 * guardqueue: what the supervisor has to tell its guard, in order.
 *
 * A message goes out at once when the kernel takes it, and otherwise as soon as it does: a guard
 * that is stopped or starved misses nothing. A descriptor that waits here to be held is a
 * copy of our own, so its owner may close it.
 */
#ifndef GRACECTL_GUARDQUEUE_H
#define GRACECTL_GUARDQUEUE_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "guardlink.h"

struct guardqueue_item {
	struct guardlink_message message;
	int fd; /* owned; -1: none */
};

struct guardqueue {
	struct ev_loop *loop;
	int link;		       /* owned; -1: there is no guard, and nothing is told */
	ev_io room;		       /* runs while something waits for room on the link */
	ev_timer again;		       /* or for something else */
	struct guardqueue_item *items; /* count of them wait, from first on */
	size_t first, count, capacity;
};

/* An empty one, without a guard. */
void guardqueue_init(struct guardqueue *queue, struct ev_loop *loop);

/* From now on the guard at the other end of the link is told. */
void guardqueue_open(struct guardqueue *queue, int link);

/* A message of that kind, with a descriptor unless fd is -1. */
void guardqueue_tell(struct guardqueue *queue, enum guardlink_kind kind, int fd);

/* Has the guard hold a FIFO or a socket; returns the key under which it does, 0: there is no guard.
 */
uint64_t guardqueue_hold(struct guardqueue *queue, int fd);

/* Has it let go; 0: of nothing. */
void guardqueue_drop(struct guardqueue *queue, uint64_t key);

/* Closes the link; what waits is forgotten. */
void guardqueue_close(struct guardqueue *queue);

#endif
