/*
 * guardhold: what the guard holds open: outputs, and sockets on which instances are to say that
 * they are ready. A table of fixed size, without a heap.
 */
#ifndef GRACECTL_GUARDHOLD_H
#define GRACECTL_GUARDHOLD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GUARDHOLD_MAX = 32768
};

struct guardhold {
	struct {
		uint64_t key; /* see guardlink_key(); 0: the place is free */
		int fd;
	} places[GUARDHOLD_MAX];
	unsigned count; /* places in use or freed below this */
};

/* Takes the descriptor over; the second one under a key is closed, and so is one too many. -1 is
 * what came for want of descriptors, which is told. */
void guardhold_add(struct guardhold *holds, uint64_t key, int fd);

/* Closes what is held under that key, if anything is. */
void guardhold_drop(struct guardhold *holds, uint64_t key);

/* After a program was executed in our place: holds what came through it, but not this one. */
void guardhold_find(struct guardhold *holds, int except);

/* In a child that is about to execute the next supervisor: that one gets what it could not find by
 * a name. */
void guardhold_hand_on_nameless(const struct guardhold *holds);

bool guardhold_is_empty(const struct guardhold *holds);

/* Writes the descriptors to fds, which has room for all; returns how many. */
unsigned guardhold_list(const struct guardhold *holds, int *fds);

#endif
