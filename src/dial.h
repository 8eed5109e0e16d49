/*
 * dial: by which addresses a listener is asked from this machine, and the connection to it.
 */
#ifndef GRACECTL_DIAL_H
#define GRACECTL_DIAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netsock.h"

union dial_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* In the order in which they are tried. */
struct dial {
	union dial_address to[2];
	size_t count;
};

/* By its own address. One that listens on every address is asked by 127.0.0.1; or by ::1, when it
 * is an IPv6 socket that does not take IPv4. */
struct dial dial_listener(const struct netsock *listener);

/* By 127.0.0.1 or ::1, when it is not known who listens. */
struct dial dial_loopback(uint16_t port);

/*
 * Connects to the first address that does not refuse it. Returns a non-blocking descriptor, or -1.
 * is_made: the connection is there; otherwise it is still under way.
 */
int dial_connect(const struct dial *dial, bool *is_made);

#endif
