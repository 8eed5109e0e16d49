/*
 * farewell: sockets that are closed for us but not yet for the client.
 *
 * close() on a socket with unread bytes makes the kernel send a reset, and so does a
 * byte that comes after close(). A reset destroys what the client has not read yet:
 * think of an upload that is refused early with 413, or of a pipelined request that
 * comes while a large answer is still on its way. And an answer in the kernel's send
 * buffer has not arrived: nobody sees to it any more when the process has ended and
 * its machine goes with it.
 *
 * So the sending side is shut down first, and what still comes is read and thrown
 * away. The socket goes when the client has taken everything, and then closes too,
 * or falls silent for half a second, or has had two seconds. One that takes nothing
 * for a minute is given up.
 */
#ifndef GRACECTL_DEMO_FAREWELL_H
#define GRACECTL_DEMO_FAREWELL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct ev_loop;
struct farewell;

enum {
	FAREWELL_WHAT = 192 /* "GET /slow from 127.0.0.1:4242" */
};

struct farewells {
	struct ev_loop *loop;
	TAILQ_HEAD(farewell_list, farewell) list;
	size_t count;
	bool hurry; /* half a second is all that one gets */
};

void farewells_init(struct farewells *farewells, struct ev_loop *loop);

/* Bytes that the client's kernel has not taken yet; 0 when it never will, because it is gone. */
size_t farewell_unsent(int fd);

/*
 * Takes over a non-blocking socket whose sending side is shut down already. what names the request
 * whose answer is on its way, for farewells_describe().
 */
void farewells_add(struct farewells *farewells, int fd, const char *what);

/* Closes all of them now, and gives those that come later half a second. */
void farewells_release(struct farewells *farewells);

/* Calls show() with a sentence about each of those that have not been taken whole. */
void farewells_describe(const struct farewells *farewells, void (*show)(const char *sentence));

#endif
