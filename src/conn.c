/* conn: see the header. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fdio.h"
#include "log.h"
#include "wire.h"
#include "xmalloc.h"

/* How long a client may take to send its request, and to read its answer. */
static const double patience_seconds = 10.;

void conn_close(struct conn *conn)
{
	ev_io_stop(conn->loop, &conn->reader);
	ev_io_stop(conn->loop, &conn->writer);
	ev_timer_stop(conn->loop, &conn->patience);
	conn->ops->closed(conn);
	fdio_close(&conn->fd);
	buf_release(&conn->in);
	buf_release(&conn->out);
	free(conn);
}

static void be_patient(struct conn *conn)
{
	ev_timer_stop(conn->loop, &conn->patience);
	ev_timer_set(&conn->patience, patience_seconds, 0.);
	ev_timer_start(conn->loop, &conn->patience);
}

static void patience_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct conn *conn = watcher->data;

	(void)loop;
	(void)revents;
	log_debug("a client was too slow and is closed");
	conn_close(conn);
}

static void empty_out(struct conn *conn)
{
	buf_reset(&conn->out);
	conn->sent = conn->unread = 0;
}

/* The client takes no more for now. What stays is moved only when it is the smaller part. */
static void keep_rest(struct conn *conn)
{
	conn->unread = conn->out.len - conn->sent;
	if (conn->sent < conn->unread)
		return;
	buf_consume(&conn->out, conn->sent);
	conn->sent = 0;
}

/* Returns false when the connection had to be closed. */
static bool write_some(struct conn *conn)
{
	while (conn->sent < conn->out.len) {
		ssize_t n = send(conn->fd, conn->out.data + conn->sent, conn->out.len - conn->sent,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			keep_rest(conn);
			return true;
		}
		if (n < 0) {
			conn_close(conn);
			return false;
		}
		conn->sent += (size_t)n;
		be_patient(conn);
	}
	empty_out(conn);
	return true;
}

static void writer_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct conn *conn = watcher->data;

	(void)revents;
	if (!write_some(conn) || conn->out.len > 0)
		return;
	ev_io_stop(loop, &conn->writer);
	ev_timer_stop(loop, &conn->patience);
	if (conn->ending)
		conn_close(conn);
}

void conn_flush(struct conn *conn)
{
	if (conn->unread > CONN_OUT_MAX) {
		log_debug("a client that does not read is cut off");
		conn->ending = true;
		empty_out(conn);
	}
	if (!ev_is_active(&conn->writer)) {
		ev_io_start(conn->loop, &conn->writer);
		be_patient(conn);
	}
}

bool conn_push(struct conn *conn)
{
	return write_some(conn);
}

void conn_end(struct conn *conn)
{
	conn->ending = true;
	conn_flush(conn);
}

/* After its request a client has nothing to say; what comes is its end, or not for us. */
static void read_end(struct conn *conn)
{
	char waste[512];
	ssize_t n = recv(conn->fd, waste, sizeof waste, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_close(conn);
}

static void reader_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	enum {
		CHUNK = 16384
	};
	struct conn *conn = watcher->data;

	(void)loop;
	(void)revents;
	if (conn->heard) {
		read_end(conn);
		return;
	}
	ssize_t n = recv(conn->fd, buf_reserve(&conn->in, CHUNK), CHUNK, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(conn);
		return;
	}
	conn->in.len += (size_t)n;
	ssize_t size = wire_frame(conn->in.data, conn->in.len, WIRE_REQUEST_MAX);
	if (size == 0)
		return;
	if (size < 0) {
		conn_close(conn);
		return;
	}
	conn->heard = true;
	ev_timer_stop(conn->loop, &conn->patience);
	conn->ops->frame(conn, conn->in.data, (size_t)size);
}

struct conn *conn_new(struct ev_loop *loop, int fd, const struct conn_ops *ops, void *owner)
{
	struct conn *conn = xcalloc(1, sizeof *conn);

	conn->loop = loop;
	conn->fd = fd;
	conn->ops = ops;
	conn->owner = owner;
	ev_io_init(&conn->reader, reader_cb, fd, EV_READ);
	ev_io_init(&conn->writer, writer_cb, fd, EV_WRITE);
	ev_init(&conn->patience, patience_cb);
	conn->reader.data = conn->writer.data = conn->patience.data = conn;
	ev_io_start(loop, &conn->reader);
	be_patient(conn);
	return conn;
}
