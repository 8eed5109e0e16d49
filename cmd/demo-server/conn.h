/*
 * conn: the book of open connections, and what a stop may do with each of them.
 *
 * libmicrohttpd keeps the connections but does not tell an idle one from one that
 * has sent half a header. The kernel does: it counts the bytes that each socket has
 * received (TCP_INFO), unread ones included. This book counts the bytes of finished
 * requests. Between two requests a connection is
 *
 *   idle          when the two are equal: nobody is cut off if it is closed now;
 *   half a header when they differ: the client is about to ask something, and gets
 *                 a short time to finish the sentence.
 *
 * A connection that has sent nothing at all is idle too, except in its first moment,
 * when the request may still be on its way behind the handshake. One whose client has
 * not taken its latest answer whole is not idle: a byte that crossed the close would
 * destroy the rest.
 *
 * The count is of bytes, not of what they are. So two things are taken for what they are
 * not: an empty line between requests, which libmicrohttpd skips and nobody counts, for
 * half a header; and half a header right behind a chunked body, in whose frame it cannot
 * be told, for nothing.
 *
 * Closing means shutdown(SHUT_RD): libmicrohttpd reads the end of the stream and
 * closes by itself, and bytes that have arrived before are still served.
 */
#ifndef GRACECTL_DEMO_CONN_H
#define GRACECTL_DEMO_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "clock.h"
#include "farewell.h"

struct conns;

enum {
	CONN_PEER_TEXT = 64,
	CONN_REQUEST_TEXT = 96
};

/* A request whose size is not known, because chunks have a frame that nobody counts. */
#define CONN_BYTES_UNKNOWN UINT64_MAX

struct conn {
	struct conns *owner;
	TAILQ_ENTRY(conn) entry;
	int fd;			   /* libmicrohttpd's; valid until conn_closed() */
	char peer[CONN_PEER_TEXT]; /* 127.0.0.1:4242 */

	bool in_request;		 /* between conn_request_begins() and _ends() */
	char request[CONN_REQUEST_TEXT]; /* the latest one: "GET /slow", printable */
	bool nul_in_path;		 /* of the latest request */
	uint64_t consumed;		 /* bytes of all finished requests */
	nsec_t since; /* when it was opened, or its latest request began or ended */

	bool cut;	   /* closed by our own decision */
	bool spared;	   /* its answer is not handed over yet: not to be broken by conns_cut() */
	bool body_unread;  /* the latest request was answered before its body had come */
	ev_timer patience; /* while draining: how long it may stay without a request */
};

struct conns {
	struct ev_loop *loop;
	TAILQ_HEAD(conn_list, conn) list;
	size_t count;
	struct farewells farewells; /* closed, but perhaps with an answer on the way */

	bool draining;
	nsec_t drain_since;
	nsec_t header_timeout;
};

void conns_init(struct conns *conns, struct ev_loop *loop);

/* Connections that are still somebody's business, those that linger included. */
size_t conns_open(const struct conns *conns);

/*
 * From now on a connection without a request is closed: at once when it is idle, after at most
 * header_timeout when it has begun a header.
 */
void conns_drain(struct conns *conns, nsec_t header_timeout);

/* Breaks every connection that is left and not spared. They are gone a turn of the loop later. */
void conns_cut(struct conns *conns);

/* Calls show() with a sentence about each connection that is left. */
void conns_describe(const struct conns *conns, void (*show)(const char *sentence));

/* The client has broken it off, and can hear no answer. One that only sends no more still can. */
bool conn_is_broken(struct conn *conn);

/* A new connection; freed by conn_closed(). */
struct conn *conn_opened(struct conns *conns, int fd, const struct sockaddr *peer);

/* Its header is complete. */
void conn_request_begins(struct conn *conn, const char *method, const char *path);

/* It has been answered, or is lost. whole: its body was read to the end; bytes: its size. */
void conn_request_ends(struct conn *conn, bool whole, uint64_t bytes);

/* Called right before its descriptor is closed, when the sending side is shut down. Frees it. */
void conn_closed(struct conn *conn);

#endif
