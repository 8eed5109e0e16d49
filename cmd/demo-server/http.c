/* http: see the header. */
#include "http.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "conn.h"
#include "listener.h"
#include "xmalloc.h"

/* How often a drain looks for clients that have gone. */
static const double watch_seconds = 0.5;

struct http {
	struct ev_loop *loop;
	struct MHD_Daemon *daemon;
	struct listener *listener;
	struct conns conns;
	TAILQ_HEAD(request_list, http_request) requests;
	bool closing; /* answers say "Connection: close" */

	ev_io io;	/* libmicrohttpd's epoll descriptor */
	ev_timer timer; /* when libmicrohttpd wants to run even if no socket is ready */
	ev_timer watch; /* while draining: looks for clients that have gone */

	http_handler_fn *handler;
	void *app;
};

struct http_request {
	struct http *http;
	struct MHD_Connection *mhd;
	struct conn *conn;
	TAILQ_ENTRY(http_request) entry;

	const char *method;
	const char *path;
	uint64_t bytes; /* of header and body; CONN_BYTES_UNKNOWN for a chunked one */
	struct buf body;
	bool whole; /* the body has been read to its end */

	bool suspended;		       /* the handler has not answered yet */
	struct MHD_Response *response; /* NULL until it has */
	unsigned status;

	void (*cancel)(void *arg);
	void *cancel_arg;
};

/*
 * libmicrohttpd does its work in MHD_run() and says in MHD_get_timeout() when it wants the
 * next one. Whoever touches a connection outside of MHD_run() must run it again. kick() does
 * that once, however often it is called, in the next turn of the loop; not in this one, because
 * what happens behind the ev_prepare of a turn wakes nobody who looks at the outcome there.
 */
static void run_after(struct http *http, double seconds)
{
	ev_timer_stop(http->loop, &http->timer);
	ev_timer_set(&http->timer, seconds, 0);
	ev_timer_start(http->loop, &http->timer);
}

static void kick(struct http *http)
{
	run_after(http, 0);
}

static void run_daemon(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(http->daemon);
	ev_timer_stop(http->loop, &http->timer);
	if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES)
		run_after(http, (double)wait_ms / 1000);
}

static void io_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	run_daemon(watcher->data);
}

static void timer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	run_daemon(watcher->data);
}

/* Connections. */

static void connection_cb(void *arg, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http *http = arg;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		int fd =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		const struct sockaddr *peer =
			MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
				->client_addr;
		*context = conn_opened(&http->conns, fd, peer);
	} else {
		conn_closed(*context);
		*context = NULL;
	}
	listener_pause(http->listener, http->conns.count >= HTTP_CONNECTIONS_MAX);
}

static void accept_cb(void *arg, int fd, const struct sockaddr *peer, socklen_t len)
{
	struct http *http = arg;

	/* On failure libmicrohttpd closes the descriptor itself. */
	if (MHD_add_connection(http->daemon, fd, peer, len) == MHD_YES)
		kick(http);
}

static struct conn *conn_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

/* Requests. */

static struct http_request *request_new(
	struct http *http, struct MHD_Connection *mhd, const char *method, const char *path)
{
	struct http_request *request = xcalloc(1, sizeof *request);
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	request->http = http;
	request->mhd = mhd;
	request->conn = conn_of(mhd);
	request->method = method;
	request->path = path;
	request->bytes = CONN_BYTES_UNKNOWN;
	if (size != NULL && http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) == NULL)
		request->bytes = size->header_size;
	TAILQ_INSERT_TAIL(&http->requests, request, entry);
	conn_request_begins(request->conn, method, path);
	return request;
}

static void completed_cb(
	void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode code)
{
	struct http *http = arg;
	struct http_request *request = *context;
	(void)mhd;
	(void)code;

	if (request == NULL)
		return;
	conn_request_ends(request->conn, request->whole, request->bytes);
	TAILQ_REMOVE(&http->requests, request, entry);
	if (request->response != NULL)
		MHD_destroy_response(request->response);
	buf_release(&request->body);
	free(request);
	*context = NULL;
}

/* Too large by its own account: refused before a byte of it is read. */
static bool declares_too_much(const struct http_request *request)
{
	const char *length = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return length != NULL && strtoull(length, NULL, 10) > HTTP_BODY_MAX;
}

/*
 * A chunked body does not say beforehand that it is too large, and libmicrohttpd takes no answer
 * in the middle of a body. So this one goes to the socket past it: nothing else has been sent,
 * and the connection ends with it.
 */
static enum MHD_Result refuse_rest(struct http_request *request)
{
	static const char answer[] = "HTTP/1.1 413 Content Too Large\r\n"
				     "Content-Length: 0\r\n"
				     "Connection: close\r\n\r\n";

	send(request->conn->fd, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return MHD_NO;
}

static enum MHD_Result take_body(struct http_request *request, const char *data, size_t *len)
{
	if (request->body.len + *len > HTTP_BODY_MAX)
		return refuse_rest(request);
	buf_append(&request->body, data, *len);
	if (request->bytes != CONN_BYTES_UNKNOWN)
		request->bytes += *len;
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result send_response(struct http_request *request)
{
	if (request->http->closing)
		MHD_add_response_header(request->response, MHD_HTTP_HEADER_CONNECTION, "close");
	return MHD_queue_response(request->mhd, request->status, request->response);
}

/* The handler answers now, or the connection sleeps until it does. */
static enum MHD_Result dispatch(struct http_request *request)
{
	struct http *http = request->http;

	http->handler(http->app, request);
	if (request->response != NULL)
		return send_response(request);
	request->suspended = true;
	MHD_suspend_connection(request->mhd);
	return MHD_YES;
}

/*
 * libmicrohttpd reads from a connection that was resumed before it asks for the answer, and takes a
 * client that sends no more for one that is gone. But a connection with a timeout of its own is
 * looked at first. So it has one from its resumption until its answer is handed over.
 */
static void resume(struct http_request *request)
{
	request->suspended = false;
	MHD_set_connection_option(
		request->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)(HTTP_IDLE_SECONDS + 1));
	MHD_resume_connection(request->mhd);
	kick(request->http);
}

static enum MHD_Result answer_resumed(struct http_request *request)
{
	MHD_set_connection_option(
		request->mhd, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS);
	return send_response(request);
}

/*
 * libmicrohttpd's one door: it calls this when the header is there, for each part of the body,
 * when all of it is there, and once more after a suspended connection was resumed.
 */
static enum MHD_Result handler_cb(void *arg, struct MHD_Connection *mhd, const char *path,
	const char *method, const char *version, const char *data, size_t *len, void **context)
{
	struct http_request *request = *context;
	(void)version;

	if (request == NULL) {
		*context = request = request_new(arg, mhd, method, path);
		if (!declares_too_much(request))
			return MHD_YES;
		http_reply_text(request, MHD_HTTP_CONTENT_TOO_LARGE,
			"The body is too large: at most %d bytes are taken.", HTTP_BODY_MAX);
		return send_response(request);
	}
	if (*len > 0)
		return take_body(request, data, len);
	request->whole = true;
	return request->response != NULL ? answer_resumed(request) : dispatch(request);
}

/* Nobody waits for the answer any more. */
static bool is_lost(const struct http_request *request)
{
	return conn_is_broken(request->conn);
}

/* Its client gets an answer, and the connection is not broken. */
static bool is_given_up(const struct http_request *request)
{
	request->conn->spared = true;
	return true;
}

/* Cancels the requests that wait, can be cancelled, and are meant. */
static void cancel_requests(struct http *http, bool (*is_meant)(const struct http_request *request))
{
	struct http_request *request, *next;

	for (request = TAILQ_FIRST(&http->requests); request != NULL; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->suspended && request->cancel != NULL && is_meant(request))
			request->cancel(request->cancel_arg);
	}
}

/* libmicrohttpd does not look at a connection whose request waits. */
static void watch_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	cancel_requests(watcher->data, is_lost);
}

/* The server. */

/* libev and the database need a few descriptors too; a connection that says farewell has its own.
 */
static void raise_descriptor_limit(void)
{
	const rlim_t wanted = 2 * (HTTP_CONNECTIONS_MAX + LISTENER_BACKLOG) + 64;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int start_daemon(struct http *http, struct cause *cause)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME;

	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handler_cb, http,
		MHD_OPTION_NOTIFY_CONNECTION, connection_cb, http, /* */
		MHD_OPTION_NOTIFY_COMPLETED, completed_cb, http,   /* */
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(HTTP_CONNECTIONS_MAX + 2 * LISTENER_BACKLOG),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS, /* */
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	if (http->daemon == NULL)
		return cause_errno(cause, "cannot start libmicrohttpd");
	ev_io_set(&http->io, MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
		EV_READ);
	ev_io_start(http->loop, &http->io);
	return 0;
}

struct http *http_new(
	struct ev_loop *loop, int port, http_handler_fn *handler, void *app, struct cause *cause)
{
	struct http *http = xcalloc(1, sizeof *http);

	http->loop = loop;
	http->handler = handler;
	http->app = app;
	TAILQ_INIT(&http->requests);
	conns_init(&http->conns, loop);
	ev_init(&http->io, io_cb);
	ev_init(&http->timer, timer_cb);
	ev_timer_init(&http->watch, watch_cb, 0, watch_seconds);
	http->io.data = http->timer.data = http->watch.data = http;
	raise_descriptor_limit();
	http->listener = listener_open(loop, port, accept_cb, http, cause);
	if (http->listener == NULL || start_daemon(http, cause) < 0) {
		http_free(http);
		return NULL;
	}
	return http;
}

void http_free(struct http *http)
{
	ev_io_stop(http->loop, &http->io);
	ev_timer_stop(http->loop, &http->timer);
	ev_timer_stop(http->loop, &http->watch);
	listener_free(http->listener);
	http->listener = NULL;
	if (http->daemon != NULL)
		MHD_stop_daemon(http->daemon);
	free(http);
}

int http_port(const struct http *http)
{
	return listener_port(http->listener);
}

void http_announce_close(struct http *http)
{
	http->closing = true;
}

void http_drain(struct http *http, nsec_t header_timeout)
{
	listener_close(http->listener);
	conns_drain(&http->conns, header_timeout);
	ev_timer_start(http->loop, &http->watch);
}

bool http_is_drained(const struct http *http)
{
	return listener_is_closed(http->listener) && conns_open(&http->conns) == 0;
}

void http_cut(struct http *http)
{
	listener_give_up(http->listener);
	cancel_requests(http, is_given_up);
	conns_cut(&http->conns);
	kick(http);
}

void http_describe(const struct http *http, void (*show)(const char *sentence))
{
	unsigned waiting = listener_waiting(http->listener);
	char text[128];

	conns_describe(&http->conns, show);
	if (waiting == 0)
		return;
	snprintf(text, sizeof text, "connections that there was no descriptor or memory for: %u",
		waiting);
	show(text);
}

/* For handlers. */

const char *http_method(const struct http_request *request)
{
	return request->method;
}

const char *http_path(const struct http_request *request)
{
	return request->path;
}

const struct buf *http_body(const struct http_request *request)
{
	return &request->body;
}

const char *http_header(const struct http_request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *http_query(const struct http_request *request, const char *name, size_t *len)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(request->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
		    &value, len) != MHD_YES)
		return NULL;
	return value;
}

void http_on_cancel(struct http_request *request, void (*cancel)(void *arg), void *arg)
{
	request->cancel = cancel;
	request->cancel_arg = arg;
}

static ssize_t padding_cb(void *arg, uint64_t pos, char *buf, size_t max)
{
	(void)arg;
	(void)pos;
	memset(buf, '.', max);
	return (ssize_t)max;
}

static struct MHD_Response *make_response(const struct http_answer *answer)
{
	enum {
		BLOCK = 32 * 1024
	};
	const char *text = answer->text != NULL ? answer->text : "";
	struct MHD_Response *response =
		answer->padding > 0 ? MHD_create_response_from_callback(
					      answer->padding, BLOCK, padding_cb, NULL, NULL)
				    : MHD_create_response_from_buffer(strlen(text),
					      (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		abort(); /* out of memory, as in xmalloc */
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
		answer->type != NULL ? answer->type : "text/plain; charset=utf-8");
	if (answer->allow != NULL)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, answer->allow);
	return response;
}

void http_reply(struct http_request *request, const struct http_answer *answer)
{
	request->status = answer->status;
	request->response = make_response(answer);
	if (request->suspended)
		resume(request);
}

void http_reply_text(struct http_request *request, unsigned status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *line = xvasprintf(fmt, ap);
	va_end(ap);
	char *text = xasprintf("%s\n", line);
	http_reply(request, &(struct http_answer){.status = status, .text = text});
	free(text);
	free(line);
}
