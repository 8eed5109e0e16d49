/*
 * answer: the messages that a client gets from the supervisor itself; those about single dynos are
 * of request.h and snapshot.h. Each is described in wire.h.
 */
#ifndef GRACECTL_ANSWER_H
#define GRACECTL_ANSWER_H

#include <stdbool.h>

#include "conn.h"
#include "request.h"

/* That was all: an exit code, and "" or what to tell the user. Like the next three it ends the
 * connection when it has been read. */
void answer_done(struct conn *conn, int code, const char *text);

/* The same for a request of which all dynos have got there. */
void answer_request(struct conn *conn, const struct request *request);

/* There are no such targets (one at least), but those of the formation. */
void answer_unknown(
	struct conn *conn, const struct formation *formation, const struct strlist *targets);

/* The supervisor is ending; who wants a start may wait for that, and then start another one. */
void answer_ending(struct conn *conn, struct formation *formation);

/* The request is heard, and will be answered. */
void answer_accepted(struct conn *conn, const struct app *app, const struct request *request);

/* The same for what is done at once; also whether the supervisor is ending. */
void answer_alive(struct conn *conn, const struct app *app, bool ending);

#endif
