/*
 * why-sockets: the sockets of one process, for why.h: where it listens, and whom its connections
 * lead to. TCP and Unix sockets.
 *
 * Which sockets a process has open is read descriptor by descriptor: to ask its epoll sets would be
 * cheaper, but takes a lock of theirs, see procstate.h.
 */
#ifndef GRACECTL_WHY_SOCKETS_H
#define GRACECTL_WHY_SOCKETS_H

#include "app.h"
#include "netunix.h"
#include "why.h"

/* All sockets there are. */
struct why_sockets {
	const struct netsock_table *table; /* NULL: they cannot be seen */
	struct netunix_table local;
	uint8_t inbound[65536 / 8]; /* a bit for each port: connections on it are inbound */
	uint8_t own[65536 / 8];	    /* on it the instance listens, or has listened */
};

/* Looks at the kernel's tables; all who look in the same turn share one dump of that of TCP. */
void why_sockets_look(struct why_sockets *sockets, struct app *app);

/* The instance is known to have listened on that port. */
void why_sockets_know(struct why_sockets *sockets, uint16_t port);

/* Fills what the process has open. A connection of the process with itself is an inbound one only;
 * one with another process of its dyno stands with both. */
void why_sockets_find(struct why_sockets *sockets, struct why_process *process);

void why_sockets_release(struct why_sockets *sockets);

#endif
