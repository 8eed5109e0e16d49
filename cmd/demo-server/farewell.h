/*
 * farewell: sockets that are closed for us but not yet for the client.
 *
 * close() on a socket with unread bytes makes the kernel send a reset, and a reset
 * can destroy the answer that the client has not read yet: think of an upload that
 * is refused early with 413. So the sending side is shut down first, what still
 * comes is read and thrown away until the client closes too, falls silent for half
 * a second, or has had two seconds; and only then does the socket go.
 */
#ifndef GRACECTL_DEMO_FAREWELL_H
#define GRACECTL_DEMO_FAREWELL_H

#include <stddef.h>
#include <sys/queue.h>

struct ev_loop;
struct farewell;

struct farewells {
	struct ev_loop *loop;
	TAILQ_HEAD(farewell_list, farewell) list;
	size_t count;
};

void farewells_init(struct farewells *farewells, struct ev_loop *loop);

/* Takes over a non-blocking socket whose sending side is shut down already. */
void farewells_add(struct farewells *farewells, int fd);

/* Closes all of them now. */
void farewells_release(struct farewells *farewells);

#endif
