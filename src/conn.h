/*
 * conn: one client of the supervisor, without ever waiting for it.
 *
 * Whatever a client does (sends garbage, half a message, nothing at all, or never reads) costs at
 * most its buffers and its deadline; then it is closed. A connection carries one request.
 */
#ifndef GRACECTL_CONN_H
#define GRACECTL_CONN_H

#include <ev.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "buf.h"

enum {
	/* Bytes that a client may leave unread when there is more to say. What is said in one turn
	 * of the loop may be more, for nobody could read it yet. */
	CONN_OUT_MAX = 16 * 1024 * 1024,
};

struct conn;

struct conn_ops {
	/* A complete frame has arrived. */
	void (*frame)(struct conn *conn, const void *frame, size_t len);
	/* It is closed: forget it. It is freed after this. */
	void (*closed)(struct conn *conn);
};

struct conn {
	struct ev_loop *loop;
	const struct conn_ops *ops;
	void *owner; /* for the ops */
	void *data;  /* for the ops */
	int fd;
	ev_io reader;
	ev_io writer;
	ev_timer patience; /* until a request is complete, or until the answer is read */
	struct buf in;
	struct buf out;
	size_t sent;		/* bytes at the front of out that are written */
	size_t unread;		/* of out, when the client last took no more; 0: it took all */
	bool heard;		/* its request is complete; nothing more is expected but its end */
	bool ending;		/* closes when everything is written */
	TAILQ_ENTRY(conn) link; /* for the owner */
};

TAILQ_HEAD(conn_list, conn);

/* Takes over a connected non-blocking socket. */
struct conn *conn_new(struct ev_loop *loop, int fd, const struct conn_ops *ops, void *owner);

/* To be called after bytes were added to out: tries to write at the end of the turn. */
void conn_flush(struct conn *conn);

/* Writes at once what can be written. False when that closed the connection. */
bool conn_push(struct conn *conn);

/* Closes it when everything in out is written, or after a few seconds. */
void conn_end(struct conn *conn);

/* Closes and frees it now. */
void conn_close(struct conn *conn);

#endif
