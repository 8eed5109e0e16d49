/*
 * observe: a stop as it is seen from outside, without the help of the application.
 *
 *     signalled -> not accepting (its listeners are closed) -> drained (no inbound connection is
 * left)
 *               -> released (no outbound connection is left) -> exited
 *
 * Just before the first signal the sockets of the dyno's processes are found (their inodes in
 * /proc/PID/fd, joined with the kernel's table). Then the kernel tells of each close; a look once a
 * second finds what is new, and what the news may have missed. What cannot be seen is not claimed:
 * connections are counted, not requests; and when a connection closes while its process is ending
 * already, it cannot be told whether the program closed it or its end did.
 */
#ifndef GRACECTL_OBSERVE_H
#define GRACECTL_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app.h"
#include "netsock.h"
#include "timers.h"
#include "tree.h"

/* What was seen of a stop. Times are since the first signal; -1: did not happen, or could not be
 * seen. */
struct observe_report {
	bool visible;	     /* false: the kernel or the rights of the process did not let us see */
	unsigned listeners;  /* open at the signal */
	unsigned inbound;    /* accepted or waiting to be accepted at the signal */
	unsigned outbound;   /* open at the signal */
	unsigned accepted;   /* inbound connections that came after the signal */
	unsigned late;	     /* of these more than a second after it */
	unsigned in_at_exit; /* inbound connections closed while their process was ending */
	unsigned out_at_exit; /* outbound ones */
	bool order_wrong; /* the last outbound connection was closed while inbound ones were open */
	nsec_t not_accepting;
	nsec_t drained;
	nsec_t released;
	char peers[256]; /* of the outbound connections: "127.0.0.1:27017 x10, 10.0.0.1:6379" */
};

struct observed;

struct observer {
	struct app *app; /* NULL: not observing */
	struct tree *tree;
	const char *dyno;
	uint64_t launch;
	nsec_t began; /* monotonic: the first signal */
	struct observed *open;
	size_t count;
	unsigned listeners, inbound, outbound; /* open now */
	uint16_t ports[8];		       /* on which it listened */
	size_t port_count;
	struct timer look;
	struct observe_report report;
	TAILQ_ENTRY(observer) link;
};

/* To be called just before the first signal. dyno must live as long as the observer. */
void observe_begin(struct observer *observer, struct app *app, struct tree *tree, const char *dyno,
	uint64_t launch);

/* The last process is gone: what is still counted as open was closed by that. Ends the observation;
 * the report stays. */
void observe_end(struct observer *observer);

/* Ends it without a last look, at any time, more than once if need be. */
void observe_stop(struct observer *observer);

#endif
