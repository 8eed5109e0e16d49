/* listener: see the header. */
#include "listener.h"

#include <errno.h>
#include <ev.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "fdio.h"
#include "xmalloc.h"

/* Out of descriptors: the next try. An accept that fails leaves the socket readable, so it must
 * rest. */
static const double retry_seconds = 0.1;

/* Closing: the time for handshakes that have begun, a round trip in a local network. */
static const double settle_seconds = 0.02;

struct listener {
	struct ev_loop *loop;
	int fd; /* -1 when closed */
	int port;
	bool paused;
	bool closing; /* since listener_close() */
	bool starved; /* the last accept has failed for want of a descriptor or of memory */
	ev_io io;
	ev_timer retry;
	ev_timer settle;
	listener_accept_fn *accept_fn;
	void *arg;
};

/* Takes one connection. Returns false when there is none, or none can be had now. */
static bool accept_one(struct listener *listener)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof peer;
	int fd =
		accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	listener->starved = fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
					      errno == ENOMEM);
	if (fd >= 0) {
		listener->accept_fn(listener->arg, fd, (struct sockaddr *)&peer, len);
		return true;
	}
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return false;
	if (listener->starved) {
		ev_io_stop(listener->loop, &listener->io);
		ev_timer_start(listener->loop, &listener->retry);
		return false;
	}
	/* What is left are errors of the one connection, which is gone already. */
	return true;
}

/* A bounded number a turn, so that a flood of connections does not starve those that are open. */
static void accept_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	enum {
		PER_TURN = 64
	};
	struct listener *listener = watcher->data;
	(void)loop;
	(void)revents;

	for (int i = 0; i < PER_TURN && !listener->paused; i++)
		if (!accept_one(listener))
			break;
}

static void retry_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct listener *listener = watcher->data;
	(void)revents;

	ev_timer_stop(loop, watcher);
	ev_timer_set(watcher, retry_seconds, 0);
	if (!listener->paused)
		ev_io_start(loop, &listener->io);
}

static void close_fd(struct listener *listener)
{
	ev_io_stop(listener->loop, &listener->io);
	ev_timer_stop(listener->loop, &listener->retry);
	ev_timer_stop(listener->loop, &listener->settle);
	fdio_close(&listener->fd);
}

/* A full backlog twice is more than can have waited; a flood shall not keep the loop here. */
static void accept_all(struct listener *listener)
{
	for (int i = 0; i < 2 * LISTENER_BACKLOG; i++)
		if (!accept_one(listener))
			break;
}

static void settle_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct listener *listener = watcher->data;
	(void)revents;

	accept_all(listener);
	if (!listener->starved) {
		close_fd(listener);
		return;
	}
	ev_timer_set(watcher, retry_seconds, 0);
	ev_timer_start(loop, watcher);
}

static int listen_on(struct listener *listener, int port, struct cause *cause)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
		.sin_port = htons((uint16_t)port),
	};
	socklen_t len = sizeof address;
	int on = 1;

	listener->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener->fd < 0)
		return cause_errno(cause, "cannot make a socket");
	setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listener->fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(listener->fd, LISTENER_BACKLOG) < 0)
		return cause_errno(cause, "cannot listen on port %d", port);
	if (getsockname(listener->fd, (struct sockaddr *)&address, &len) < 0)
		return cause_errno(cause, "cannot learn the port");
	listener->port = ntohs(address.sin_port);
	return 0;
}

struct listener *listener_open(struct ev_loop *loop, int port, listener_accept_fn *accept_fn,
	void *arg, struct cause *cause)
{
	struct listener *listener = xcalloc(1, sizeof *listener);

	listener->loop = loop;
	listener->fd = -1;
	listener->accept_fn = accept_fn;
	listener->arg = arg;
	ev_init(&listener->io, accept_cb);
	ev_timer_init(&listener->retry, retry_cb, retry_seconds, 0);
	ev_timer_init(&listener->settle, settle_cb, settle_seconds, 0);
	listener->io.data = listener->retry.data = listener->settle.data = listener;
	if (listen_on(listener, port, cause) < 0) {
		listener_free(listener);
		return NULL;
	}
	ev_io_set(&listener->io, listener->fd, EV_READ);
	ev_io_start(loop, &listener->io);
	return listener;
}

int listener_port(const struct listener *listener)
{
	return listener->port;
}

void listener_pause(struct listener *listener, bool pause)
{
	listener->paused = pause;
	if (listener->fd < 0)
		return;
	if (pause)
		ev_io_stop(listener->loop, &listener->io);
	else if (!ev_is_active(&listener->retry))
		ev_io_start(listener->loop, &listener->io);
}

/*
 * Between the last accept() and close() a client could still slip in, only to be reset. So the
 * kernel is told first to drop what would begin a connection: packets with SYN and without ACK.
 * Handshakes that have begun go on. Whoever was dropped asks again, and is refused properly; but
 * its kernel does so only after a second, which is the price. A filter that cannot be set leaves a
 * window of some microseconds, no more.
 */
static void stop_new_handshakes(const struct listener *listener)
{
	enum {
		FLAGS_OFFSET = 13,
		SYN = 0x02,
		ACK = 0x10,
		PASS = 0xffff,
		DROP = 0
	};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_OFFSET),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SYN | ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, DROP),
		BPF_STMT(BPF_RET | BPF_K, PASS),
	};
	struct sock_fprog filter = {.len = sizeof code / sizeof *code, .filter = code};

	setsockopt(listener->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	listener->closing = true;
	stop_new_handshakes(listener);
	accept_all(listener);
	ev_now_update(listener->loop);
	ev_timer_start(listener->loop, &listener->settle);
}

void listener_give_up(struct listener *listener)
{
	close_fd(listener);
}

unsigned listener_waiting(const struct listener *listener)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;

	if (!listener->closing || listener->fd < 0 ||
		getsockopt(listener->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_unacked; /* of a listening socket: the length of its queue */
}

bool listener_is_closed(const struct listener *listener)
{
	return listener->fd < 0;
}

void listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	close_fd(listener);
	free(listener);
}
