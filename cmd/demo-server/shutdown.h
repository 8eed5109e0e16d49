/*
 * shutdown: the graceful stop, as a short table of steps.
 *
 *   announce   readiness says 503, every answer "Connection: close"; the listener
 *              stays open for the lame-duck time, so that a balancer learns first
 *   drain      what waits in the backlog is accepted, the listener closes; requests
 *              finish, idle connections are closed
 *   database   nobody can need it any more: it is closed
 *   done       the loop ends
 *
 * Each step ends as soon as its condition holds, never later. The first cause of a
 * stop starts it, others change nothing: Heroku may send SIGTERM more than once.
 * When the deadline passes, what is left is named and cut, and the exit status is 1.
 */
#ifndef GRACECTL_DEMO_SHUTDOWN_H
#define GRACECTL_DEMO_SHUTDOWN_H

#include <ev.h>
#include <stdbool.h>

#include "clock.h"

struct http;
struct store;

enum shutdown_step {
	SHUTDOWN_RUNNING,
	SHUTDOWN_ANNOUNCE,
	SHUTDOWN_DRAIN,
	SHUTDOWN_DATABASE,
	SHUTDOWN_DONE,
};

struct shutdown {
	struct ev_loop *loop;
	struct http *http;
	struct store *store;
	nsec_t deadline;
	nsec_t lame_duck;
	nsec_t header_timeout;

	enum shutdown_step step;
	int exit_status;
	bool lame_duck_over;
	bool store_closed;
	bool named;		/* what is cut off has been told */
	nsec_t first_interrupt; /* when the first SIGINT came; 0: none yet */

	ev_prepare each_turn;	  /* looks whether the step is over */
	ev_timer lame_duck_timer; /* ends the announcement */
	ev_timer deadline_timer;  /* cuts what is left */
	ev_timer last_timer;	  /* ends the process when even that does not help */
};

/* Fill in the fields of the first part before; http and store before the loop runs. */
void shutdown_init(struct shutdown *stop);

/* SIGTERM or SIGINT has come. A second SIGINT, not sooner than 1 s after the first, ends at once.
 */
void shutdown_signal(struct shutdown *stop, int signo);

/* The program cannot go on: a graceful stop, and then exit status 1. */
void shutdown_fatal(struct shutdown *stop, const char *reason);

/* True from the first signal on: the answer of the readiness check. */
bool shutdown_has_begun(const struct shutdown *stop);

#endif
