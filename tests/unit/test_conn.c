/*
 * Tests of conn: everything arrives in order at a client that reads, however much it is; a client
 * that does not read is cut off when more than the limit lies there for it.
 */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tap.h"

enum {
	MUCH = CONN_OUT_MAX + CONN_OUT_MAX / 2
};

static struct ev_loop *loop;
static struct conn *conn; /* NULL when it was closed */
static int client;
static size_t received;
static bool in_order; /* what was received is what was said */
static bool ended;    /* and then came the end */

static void frame(struct conn *unused, const void *data, size_t len)
{
	(void)unused;
	(void)data;
	(void)len;
}

static void closed(struct conn *unused)
{
	(void)unused;
	conn = NULL;
}

static const struct conn_ops ops = {.frame = frame, .closed = closed};

static void begin(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
		puts("Bail out! no pair of sockets");
		exit(1);
	}
	conn = conn_new(loop, ends[0], &ops, NULL);
	client = ends[1];
	received = 0;
	in_order = true;
	ended = false;
}

static void end(void)
{
	if (conn != NULL)
		conn_close(conn);
	close(client);
}

/* What stands at this place of all that is said. */
static char byte_at(size_t place)
{
	return (char)(place % 251);
}

static void say(size_t from, size_t count)
{
	char *to = buf_reserve(&conn->out, count);

	for (size_t i = 0; i < count; i++)
		to[i] = byte_at(from + i);
	conn->out.len += count;
}

static void turn(void)
{
	ev_run(loop, EVRUN_NOWAIT);
}

/* The client reads what is there. Returns false when nothing was. */
static bool read_some(void)
{
	static char bytes[65536];
	ssize_t n = recv(client, bytes, sizeof bytes, 0);

	ended = ended || n == 0 || (n < 0 && errno == ECONNRESET);
	for (ssize_t i = 0; i < n; i++)
		in_order = in_order && bytes[i] == byte_at(received + (size_t)i);
	received += n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The client reads as fast as it can, until nothing comes any more. */
static void read_all(void)
{
	do {
		turn();
	} while (read_some());
}

static void test_much(void)
{
	begin();
	say(0, MUCH);
	conn_end(conn);
	read_all();
	is_int((int64_t)received, MUCH, "a long answer reaches a client that reads, to its end");
	ok(in_order, "byte by byte");
	ok(ended && conn == NULL, "and then the connection is closed");
	end();
}

static void test_stream(void)
{
	enum {
		PART = 300000,
		PARTS = 200
	};

	begin();
	for (size_t i = 0; i < PARTS; i++) {
		say(i * PART, PART);
		conn_flush(conn);
		turn();
		for (int n = 0; n < 4; n++)
			read_some();
	}
	ok(received < (size_t)PART * PARTS, "a client is behind with what it reads");
	ok(conn->out.len < 3 * ((size_t)PART * PARTS - received),
		"what it has read is not kept for it");
	read_all();
	is_int((int64_t)received, PART * PARTS, "then it gets the rest as well");
	ok(in_order, "all in order");
	is_int((int64_t)conn->out.len, 0, "and nothing is left");
	ok(!ended, "the connection stays for more");
	end();
}

static void test_mute(void)
{
	begin();
	say(0, MUCH);
	conn_flush(conn);
	turn();
	ok(conn != NULL, "what is said at once may be more than the limit");
	if (conn != NULL) {
		say(MUCH, 1);
		conn_flush(conn);
		is_int((int64_t)conn->out.len, 0,
			"but when it has not been read, and there is more, nothing is kept");
	}
	read_all();
	ok(received < MUCH, "the client does not get all of it");
	ok(ended && conn == NULL, "and is cut off");
	end();
}

int main(void)
{
	loop = ev_default_loop(0);
	test_much();
	test_stream();
	test_mute();
	return tap_done();
}
