/*
 * http: an HTTP server on a libev loop, built on libmicrohttpd.
 *
 * A handler is called on the loop's thread when a request is there whole, header
 * and body. It calls http_reply() exactly once, at once or any time later; until
 * then the request waits and the loop goes on. Everything that a stop needs is
 * here as single steps; their order is the business of shutdown.h.
 *
 * This and its inner half, http-request.h, are all that knows libmicrohttpd.
 */
#ifndef GRACECTL_DEMO_HTTP_H
#define GRACECTL_DEMO_HTTP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "cause.h"
#include "clock.h"

struct ev_loop;
struct http;
struct http_request;

enum {
	HTTP_BODY_MAX = 64 * 1024,   /* a larger body is answered with 413 */
	HTTP_CONNECTIONS_MAX = 1000, /* more of them wait in the listener's backlog */
	HTTP_IDLE_SECONDS = 60,	     /* a connection on which nothing happens is closed */
};

typedef void http_handler_fn(void *app, struct http_request *request);

struct http_answer {
	unsigned status;
	const char *type;  /* Content-Type; NULL is plain text */
	const char *allow; /* the Allow header, or NULL */
	const char *text;  /* the body, copied */
	size_t padding;	   /* instead of text: a body of that many dots */
};

/* Listens on a port (0: any). Returns NULL with a sentence when that fails. */
struct http *http_new(
	struct ev_loop *loop, int port, http_handler_fn *handler, void *app, struct cause *cause);

/* Only before the first connection, or when http_is_drained(). */
void http_free(struct http *http);

int http_port(const struct http *http);

/* Every answer that leaves from now on says "Connection: close". */
void http_announce_close(struct http *http);

/*
 * Takes what is in the backlog, closes the listener and every idle connection; the others
 * close after their answer, those with half a header after at most header_timeout. A request whose
 * client has gone is cancelled if it can be.
 */
void http_drain(struct http *http, nsec_t header_timeout);

/* The listener is closed, and no connection is left. */
bool http_is_drained(const struct http *http);

/* Gives up on what is left: cancels the requests that can be, breaks the other connections. */
void http_cut(struct http *http);

/* Calls show() with a sentence about each connection that is open. */
void http_describe(const struct http *http, void (*show)(const char *sentence));

/* For handlers. Texts are valid until the reply. */

const char *http_method(const struct http_request *request);
const char *http_path(const struct http_request *request);
const struct buf *http_body(const struct http_request *request);

/* A header's value, or NULL. */
const char *http_header(const struct http_request *request, const char *name);

/* A parameter of the query, decoded; it may hold any byte. NULL when it is not there. */
const char *http_query(const struct http_request *request, const char *name, size_t *len);

/* What ends the wait of a request that nobody shall wait for any more; it must reply. */
void http_on_cancel(struct http_request *request, void (*cancel)(void *arg), void *arg);

/* Answers, and ends the handler's right to the request. */
void http_reply(struct http_request *request, const struct http_answer *answer);

/* The same with a status and one line of text. */
void http_reply_text(struct http_request *request, unsigned status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
