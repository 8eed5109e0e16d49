/* conn: see the header. */
#include "conn.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "xmalloc.h"

/* A client that has just connected has this long for its first byte: a network's round trip. */
static const nsec_t fresh_time = 100 * NSEC_PER_MSEC;

/* While an answer is still in the send buffer, this often it is looked whether it has gone. */
static const nsec_t look_time = 50 * NSEC_PER_MSEC;

void conns_init(struct conns *conns, struct ev_loop *loop)
{
	*conns = (struct conns){.loop = loop};
	TAILQ_INIT(&conns->list);
	farewells_init(&conns->farewells, loop);
}

size_t conns_open(const struct conns *conns)
{
	return conns->count + conns->farewells.count;
}

/* Bytes that the socket has ever received, unread ones included. */
static uint64_t bytes_received(const struct conn *conn)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof info;

	if (getsockopt(conn->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return conn->consumed;
	return info.tcpi_bytes_received;
}

static uint64_t bytes_unread(const struct conn *conn)
{
	int unread = 0;

	return ioctl(conn->fd, SIOCINQ, &unread) == 0 && unread > 0 ? (uint64_t)unread : 0;
}

/* The client has closed its side, and all that it had sent was read. */
static bool sends_no_more(const struct conn *conn)
{
	struct pollfd peer = {.fd = conn->fd, .events = POLLRDHUP};

	return poll(&peer, 1, 0) == 1 && (peer.revents & POLLRDHUP) != 0 && bytes_unread(conn) == 0;
}

bool conn_is_broken(struct conn *conn)
{
	struct pollfd peer = {.fd = conn->fd};

	return poll(&peer, 1, 0) == 1 && (peer.revents & (POLLERR | POLLHUP)) != 0;
}

/* How long a connection without a request may still stay; 0 or less: not at all. */
static nsec_t patience_left(const struct conn *conn)
{
	if (farewell_unsent(conn->fd) > 0)
		return look_time;
	if (sends_no_more(conn))
		return 0;

	nsec_t age = clock_mono() - conn->since;
	nsec_t drain_age = clock_mono() - conn->owner->drain_since;

	if (bytes_received(conn) != conn->consumed)
		return conn->owner->header_timeout - (age < drain_age ? age : drain_age);
	return conn->consumed == 0 ? fresh_time - age : 0;
}

/* The one place where a drain decides about a connection. */
static void settle(struct conn *conn)
{
	struct conns *conns = conn->owner;

	ev_timer_stop(conns->loop, &conn->patience);
	if (!conns->draining || conn->in_request || conn->cut)
		return;
	nsec_t left = patience_left(conn);
	if (left > 0) {
		ev_timer_set(&conn->patience, (double)left / NSEC_PER_SEC, 0);
		ev_timer_start(conns->loop, &conn->patience);
	} else {
		conn->cut = true;
		shutdown(conn->fd, SHUT_RD);
	}
}

static void patience_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	settle(watcher->data);
}

void conns_drain(struct conns *conns, nsec_t header_timeout)
{
	struct conn *conn;

	conns->draining = true;
	conns->drain_since = clock_mono();
	conns->header_timeout = header_timeout;
	TAILQ_FOREACH (conn, &conns->list, entry)
		settle(conn);
}

void conns_cut(struct conns *conns)
{
	struct conn *conn;

	TAILQ_FOREACH (conn, &conns->list, entry) {
		if (conn->spared)
			continue;
		conn->cut = true;
		shutdown(conn->fd, SHUT_RDWR);
	}
	farewells_release(&conns->farewells);
}

/* What is going on there, and with whom. */
static void describe(const struct conn *conn, char text[static FAREWELL_WHAT])
{
	bool busy = conn->in_request || farewell_unsent(conn->fd) > 0;

	snprintf(text, FAREWELL_WHAT, "%s from %s",
		busy && conn->request[0] != '\0' ? conn->request
						 : "a connection without a whole request",
		conn->peer);
}

void conns_describe(const struct conns *conns, void (*show)(const char *sentence))
{
	const struct conn *conn;
	char what[FAREWELL_WHAT], text[FAREWELL_WHAT + 64];

	TAILQ_FOREACH (conn, &conns->list, entry) {
		double age = (double)(clock_mono() - conn->since) / NSEC_PER_SEC;
		describe(conn, what);
		snprintf(text, sizeof text, "%s, for %.1f s", what, age);
		show(text);
	}
	farewells_describe(&conns->farewells, show);
}

static void write_peer(const struct sockaddr *peer, char text[static CONN_PEER_TEXT])
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)peer;
	char address[INET_ADDRSTRLEN] = "?";

	inet_ntop(AF_INET, &in->sin_addr, address, sizeof address);
	snprintf(text, CONN_PEER_TEXT, "%s:%d", address, ntohs(in->sin_port));
}

struct conn *conn_opened(struct conns *conns, int fd, const struct sockaddr *peer)
{
	struct conn *conn = xcalloc(1, sizeof *conn);

	conn->owner = conns;
	conn->fd = fd;
	conn->since = clock_mono();
	write_peer(peer, conn->peer);
	ev_init(&conn->patience, patience_cb);
	conn->patience.data = conn;
	TAILQ_INSERT_TAIL(&conns->list, conn, entry);
	conns->count++;
	settle(conn);
	return conn;
}

void conn_request_begins(struct conn *conn, const char *method, const char *path)
{
	conn->in_request = true;
	conn->since = clock_mono();
	snprintf(conn->request, sizeof conn->request, "%s %s", method, path);
	for (char *c = conn->request; *c != '\0'; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	settle(conn);
}

void conn_request_ends(struct conn *conn, bool whole, uint64_t bytes)
{
	conn->in_request = false;
	conn->since = clock_mono();
	conn->body_unread = !whole;
	if (bytes == CONN_BYTES_UNKNOWN)
		conn->consumed = bytes_received(conn) - bytes_unread(conn);
	else
		conn->consumed += bytes;
	/* An end that came together with the last bytes wakes nobody a second time; this does. */
	if (sends_no_more(conn))
		shutdown(conn->fd, SHUT_RD);
	settle(conn);
}

/* Is the client perhaps still sending, or reading an answer that a reset would destroy? */
static bool must_linger(const struct conn *conn)
{
	char byte;

	if (conn->cut)
		return false;
	if (farewell_unsent(conn->fd) > 0)
		return true;
	if (!conn->body_unread && bytes_received(conn) == conn->consumed)
		return false;
	ssize_t n = recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n != 0 && (n > 0 || errno == EAGAIN);
}

static void say_farewell(const struct conn *conn)
{
	char what[FAREWELL_WHAT];
	int fd = fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return;
	describe(conn, what);
	farewells_add(&conn->owner->farewells, fd, what);
}

void conn_closed(struct conn *conn)
{
	struct conns *conns = conn->owner;

	if (must_linger(conn))
		say_farewell(conn);
	ev_timer_stop(conns->loop, &conn->patience);
	TAILQ_REMOVE(&conns->list, conn, entry);
	conns->count--;
	free(conn);
}
