/*
 * newsfeed: the kernel's news of closed sockets, on the loop.
 *
 * The news of a turn are read before anything else that happened in it, above all before the end of
 * processes: so a close is known before the death that may have caused it, as far as the kernel has
 * told it by then, which it does in a work queue of its own. One at a time they are read at once. A
 * server that closes a thousand connections would wake the supervisor hundreds of times, at a cost
 * of which most is the waking; so when news come thick, what follows is read every two
 * milliseconds, and whenever there is another reason to wake up, until nothing has come in between.
 */
#ifndef GRACECTL_NEWSFEED_H
#define GRACECTL_NEWSFEED_H

#include <stdbool.h>

#include "clock.h"
#include "netsock.h"
#include "timers.h"

/* Before the first use all zero but fd, which is -1. */
struct newsfeed {
	struct ev_loop *loop;
	int fd;		 /* -1: not open */
	bool is_refused; /* the kernel does not tell; asked only once */
	bool leaves_out; /* some closes are not told */
	nsec_t read;	 /* monotonic: when the news were read last; 0: never */
	nsec_t lost;	 /* monotonic: when it was found that some were lost; 0: never */
	bool came;	 /* some did, in the pause */
	unsigned thick;	 /* how many times in a row they were read soon after they had been read */
	ev_io arrived;
	ev_check turn; /* runs while a pause does */
	struct timer pause;
	void (*ready)(void *owner);
	void *owner;
};

/*
 * The kernel tells only while the feed is open. ready is called when there are news, to call
 * newsfeed_read(). Opening a feed that is open does nothing. When the kernel refuses, that is
 * logged once, and the feed stays closed.
 */
void newsfeed_open(
	struct newsfeed *feed, struct ev_loop *loop, void (*ready)(void *owner), void *owner);
void newsfeed_close(struct newsfeed *feed);

/* The clients' ends of the connections to these ports are not told any more, see netclients.h;
 * without ports they are told again. */
void newsfeed_leave_out(struct newsfeed *feed, const uint16_t *ports, size_t count);

/* Calls heard for each close that was told since the last time; without a feed there is none.
 * Returns -1 when some were lost, see netsock_read_news(). */
int newsfeed_read(
	struct newsfeed *feed, void (*heard)(void *arg, const struct netsock *closed), void *arg);

#endif
