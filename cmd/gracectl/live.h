/*
 * live: the display of start, stop and restart on a terminal.
 *
 * Below what was printed stands a line for each dyno: for one that has got there its result, and
 * below all of these, for one that has not, a line that moves. What has changed is drawn again in
 * its place, ten times a second at most, with one write (livescreen.h). What was on the screen
 * before stays there, and can be scrolled back to.
 *
 * Where stderr is no terminal that can do this, or nothing is to be said, it is off and does
 * nothing: then live_next() is client_next(), and the caller prints lines.
 */
#ifndef GRACECTL_LIVE_H
#define GRACECTL_LIVE_H

#include <stdbool.h>

#include "cli.h"
#include "client.h"
#include "livescreen.h"

struct live {
	bool on;
	const struct config *config;
	struct livework work;
	struct livedraw draw;
	struct livescreen screen;
	nsec_t next_frame;

	struct client poll; /* a connection for `ps`, beside that of the caller */
	nsec_t asked;	    /* when it was asked last */
	nsec_t next_poll;
};

/* Turns it on where it makes sense; to be turned off by live_end(). */
void live_begin(
	struct live *live, enum live_kind kind, const struct cli *cli, const struct config *config);

/* The dynos that are waited for, as the supervisor answers first. */
void live_expect(struct live *live, const bson_t *base);

void live_event(struct live *live, const bson_t *event);

/* A dyno has got there, or will not; or what was said of it before is revised. */
void live_result(struct live *live, const char *dyno, bool failed, const char *said);

/* client_next() that draws while it waits. */
enum client_result live_next(
	struct live *live, struct client *client, nsec_t deadline, bson_t *message);

/* Takes the moving part away; what was to stay stays. From now on it is off. */
void live_end(struct live *live);

#endif
