/*
 * crowd: who was in a dump of the machine's sockets, by their cookies.
 *
 * All who looked at that dump share it, so that what belongs to none of them is not kept by each.
 */
#ifndef GRACECTL_CROWD_H
#define GRACECTL_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cookiemap.h"
#include "netsock.h"

struct crowd {
	unsigned users;
	nsec_t taken; /* as of the dump */
	struct cookiemap members;
	struct netsock *listeners;
	size_t listener_count;
};

/* What waits to be accepted is not in it: whose that is may turn out later. */
static inline bool crowd_takes(const struct netsock *sock)
{
	return sock->inode != 0 || sock->closed || sock->listening;
}

/* Has one user. */
struct crowd *crowd_new(const struct netsock_table *dump);

struct crowd *crowd_use(struct crowd *crowd);

/* NULL: nothing. */
void crowd_release(struct crowd *crowd);

/* NULL: it is not. */
bool crowd_has(const struct crowd *crowd, uint64_t cookie);

#endif
