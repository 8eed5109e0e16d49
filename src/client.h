/*
 * client: the command line's end of the control socket. Every wait has a deadline; Ctrl-C ends a
 * wait and nothing else.
 */
#ifndef GRACECTL_CLIENT_H
#define GRACECTL_CLIENT_H

#include <bson/bson.h>
#include <stdbool.h>

#include "buf.h"
#include "cause.h"
#include "clock.h"
#include "config.h"
#include "wire.h"

struct client {
	int fd;
	struct buf in;
	size_t consumed; /* bytes at the front of in that belong to the message given out last */
	bool unheard;	 /* the supervisor has ended without having read all of the request */
};

enum client_result {
	CLIENT_MESSAGE,	    /* *doc is the next message; good until the next call */
	CLIENT_CLOSED,	    /* the supervisor closed the connection, or spoke nonsense */
	CLIENT_DEADLINE,    /* nothing came in time */
	CLIENT_INTERRUPTED, /* a signal came, see client_catch_interrupts() */
};

/* Connects to the supervisor of that application. Returns 0; -1 when none runs (errno ENOENT or
 * ECONNREFUSED) or it cannot be reached. */
int client_connect(struct client *client, const struct config *config);

/*
 * The same, but waits for the next supervisor while a guard is about to start one; and when neither
 * runs although they have not ended in order (both have died at once), starts one that goes on with
 * what they did. app may be NULL. cause says why that could not be started; it is empty when it was
 * not to be.
 */
int client_reach(
	struct client *client, const struct config *config, const char *app, struct cause *cause);

/*
 * Waits for a supervisor that is ending, and its guard (a pidfd, -1: not known), at most until
 * deadline (monotonic): until nobody holds the lock of the application any more, or somebody who
 * is not ending answers. Returns false when that did not come in time, or a signal came.
 */
bool client_await_end(const struct config *config, int guard, nsec_t deadline);

/*
 * A pidfd of a process of which the supervisor told the number, or -1. In another pid namespace its
 * numbers mean other processes: so they count only when its own, as it told it, is the one that the
 * kernel tells of it here.
 */
int client_open_process(const struct client *client, int64_t supervisor, int64_t pid);

/* True when neither supervisor, guard nor instance of the application is there, and nothing is left
 * to be done. */
bool client_nothing_left(const struct config *config);

/* Sends a request. Returns 0, or -1 with errno. */
int client_send(struct client *client, const struct wire_request *request);

/* Waits for the next message until deadline (monotonic; 0: without end). */
enum client_result client_next(struct client *client, nsec_t deadline, bson_t *doc);

/* A deadline that has passed: client_next() then takes what is there and does not wait. */
#define CLIENT_AT_ONCE INT64_C(1)

/* Waits until one of the two has something to say (the second need not be connected), a signal
 * comes, or the deadline has passed. */
void client_await(const struct client *one, const struct client *other, nsec_t deadline);

void client_close(struct client *client);

/* From now on SIGINT and SIGTERM make client_next() return instead of ending the program. */
void client_catch_interrupts(void);

/* So does SIGHUP, unless it is ignored, as nohup(1) wants it. */
void client_catch_hangup(void);

/* Waits so many milliseconds. True when it was interrupted. */
bool client_pause(int milliseconds);

/* True when one of the signals that are caught has come. */
bool client_interrupted(void);

/* From now on nobody waits longer for a supervisor to come (monotonic); client_is_late() when that
 * time has come. */
void client_limit(nsec_t deadline);
bool client_is_late(void);

/*
 * Starts a supervisor in the background, by executing this program again as `daemon`, and waits
 * until it listens. app may be NULL. Returns 0 when one runs now (whoever started it), or -1 with a
 * sentence.
 */
int client_launch_supervisor(const struct config *config, const char *app, struct cause *cause);

#endif
