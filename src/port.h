/*
 * port: a free TCP port for an instance.
 *
 * Ports are drawn at random outside the range that the kernel uses for outgoing connections, so no
 * client of this machine takes the port between our look and the application's bind(). A port that
 * was drawn lately is not drawn again.
 */
#ifndef GRACECTL_PORT_H
#define GRACECTL_PORT_H

#include <stdint.h>

#include "cause.h"

/* A free port on every address, or 0 with a sentence. */
uint16_t port_choose(struct cause *cause);

/* A random number for ports and jitters; uniform over uint64_t. */
uint64_t random_u64(void);

#endif
