/*
 * client-parts: what the files of client share. client.c speaks to a supervisor and finds it,
 * client-launch.c starts one.
 */
#ifndef GRACECTL_CLIENT_PARTS_H
#define GRACECTL_CLIENT_PARTS_H

#include <poll.h>

#include "client.h"

/* How often another's supervisor is looked for. */
enum {
	CLIENT_LOOK_AGAIN_MS = 10
};

/* poll(2) with a deadline (monotonic, 0: without end), during which signals are heard. */
int client_wait_for(struct pollfd *items, nfds_t count, nsec_t deadline);

/* When a wait for a supervisor to come is over that may take so long, see client_limit(). */
nsec_t client_until(nsec_t wait);

/* What is to be launched. */
struct client_daemon {
	const struct config *config;
	const char *app; /* -a, or NULL */
	bool adopt;	 /* in place of a guard and a supervisor that have both died */
};

/* Returns 0 when one runs, or -1 with a sentence. Somebody else's supervisor may hold the lock: one
 * that will listen in a moment, or one that is about to end. */
int client_launch(const struct client_daemon *daemon, struct cause *cause);

#endif
