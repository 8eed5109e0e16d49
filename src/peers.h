/*
 * peers: the other ends of connections, as a short text: each address once, with its number of
 * connections, those with the most first.
 */
#ifndef GRACECTL_PEERS_H
#define GRACECTL_PEERS_H

#include <stddef.h>

enum {
	PEERS_KEPT = 64, /* different addresses that are told apart */
	PEERS_ADDRESS = 128
};

/* All zero: empty. */
struct peers {
	struct {
		char address[PEERS_ADDRESS];
		unsigned count;
	} kept[PEERS_KEPT];
	unsigned different;
	unsigned count; /* of all connections */
};

void peers_clear(struct peers *peers);

/* One more connection. */
void peers_add(struct peers *peers, const char *address);

/* "127.0.0.1:27017 x10, unix:/run/x.sock and 3 more": at most so many addresses, each of them
 * whole; the connections of all others are counted in the end. */
void peers_list(const struct peers *peers, unsigned shown, char *text, size_t size);

#endif
