/* http: see the header. */
#include "http.h"

#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/resource.h>

#include "conn.h"
#include "http-request.h"
#include "listener.h"
#include "xmalloc.h"

/* How often a drain looks for clients that have gone. */
static const double watch_seconds = 0.5;

struct http {
	struct ev_loop *loop;
	struct MHD_Daemon *daemon;
	struct listener *listener;
	struct conns conns;
	struct requests requests;

	ev_io io;	/* libmicrohttpd's epoll descriptor */
	ev_timer timer; /* when libmicrohttpd wants to run even if no socket is ready */
	ev_timer watch; /* while draining: looks for clients that have gone */
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

static void kick(void *arg)
{
	run_after(arg, 0);
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

static bool is_any(struct conn *conn)
{
	(void)conn;
	return true;
}

/* libmicrohttpd does not look at a connection whose request waits. */
static void watch_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct http *http = watcher->data;
	(void)loop;
	(void)revents;

	requests_cancel(&http->requests, conn_is_broken);
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

	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, requests_handle, &http->requests,
		MHD_OPTION_NOTIFY_CONNECTION, connection_cb, http,		  /* */
		MHD_OPTION_URI_LOG_CALLBACK, requests_begun, NULL,		  /* */
		MHD_OPTION_NOTIFY_COMPLETED, requests_completed, &http->requests, /* */
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
	http->requests =
		(struct requests){.handler = handler, .app = app, .wake = kick, .wake_arg = http};
	requests_init(&http->requests);
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
	http->requests.closing = true;
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
	requests_cancel(&http->requests, is_any);
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
