/*
 * Tests of dial with real sockets on the loopback: a listener is found by the address on which it
 * listens, whatever that is.
 */
#include "dial.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "children.h"
#include "netwatch.h"
#include "tap.h"

static struct netwatch watch;

static union dial_address address_of(const char *text)
{
	union dial_address address = {.any.sa_family = AF_INET};

	if (inet_pton(AF_INET, text, &address.v4.sin_addr) == 1)
		return address;
	address.any.sa_family = AF_INET6;
	inet_pton(AF_INET6, text, &address.v6.sin6_addr);
	return address;
}

/* The port of both kinds of addresses stands at the same place. */
static int listen_at(union dial_address address, bool only_v6, uint16_t *port)
{
	int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), only = only_v6;
	socklen_t len = sizeof address;

	if (address.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
	address.v4.sin_port = htons(*port);
	if (bind(fd, &address.any, sizeof address) < 0 || listen(fd, 0) < 0 ||
		getsockname(fd, &address.any, &len) < 0)
		bail_out("no listener");
	*port = ntohs(address.v4.sin_port);
	return fd;
}

static const char *text_of(const union dial_address *address, char text[static INET6_ADDRSTRLEN])
{
	inet_ntop(address->any.sa_family,
		address->any.sa_family == AF_INET ? (const void *)&address->v4.sin_addr
						  : (const void *)&address->v6.sin6_addr,
		text, INET6_ADDRSTRLEN);
	return text;
}

/* Closes the connection. "nobody": there is none. */
static const char *other_end(int fd, char text[static INET6_ADDRSTRLEN])
{
	union dial_address address;
	socklen_t len = sizeof address;

	if (fd < 0 || getpeername(fd, &address.any, &len) < 0)
		snprintf(text, INET6_ADDRSTRLEN, "nobody");
	else
		text_of(&address, text);
	if (fd >= 0)
		close(fd);
	return text;
}

static const struct {
	const char *local;
	bool only_v6;
	const char *asked; /* by which address */
} listeners[] = {
	{"127.0.0.1", false, "127.0.0.1"},
	{"127.0.0.2", false, "127.0.0.2"},
	{"0.0.0.0", false, "127.0.0.1"},
	{"::1", false, "::1"},
	{"::", true, "::1"},
	{"::", false, "127.0.0.1"},
	{"::ffff:127.0.0.2", false, "127.0.0.2"},
	{"::ffff:0.0.0.0", false, "127.0.0.1"},
};

static void test_listeners(void)
{
	char name[128], text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < sizeof listeners / sizeof *listeners; i++) {
		uint16_t port = 0;
		bool is_made = false;
		int fd = listen_at(address_of(listeners[i].local), listeners[i].only_v6, &port);
		netwatch_look(&watch);
		const struct netsock *found = netwatch_find(&watch, port, NULL);
		if (found == NULL)
			bail_out("the kernel does not tell of a listener");
		struct dial dial = dial_listener(found);
		snprintf(name, sizeof name, "a listener on %s%s is asked by %s", listeners[i].local,
			listeners[i].only_v6 ? " for IPv6 only" : "", listeners[i].asked);
		is_str(other_end(dial_connect(&dial, &is_made), text), listeners[i].asked, name);
		ok(is_made, "and the connection is there at once");
		close(fd);
	}
}

static void test_second_address(void)
{
	struct netsock everywhere = {.family = AF_INET6};
	char text[INET6_ADDRSTRLEN];
	bool is_made = false;
	int fd = listen_at(address_of("::1"), false, &everywhere.local_port);
	struct dial dial = dial_listener(&everywhere);

	is_str(other_end(dial_connect(&dial, &is_made), text), "::1",
		"what refuses 127.0.0.1 and listens on every address is asked by ::1");
	ok(is_made, "and the connection is there at once");
	close(fd);
	is_int(dial_connect(&dial, &is_made), -1, "what refuses both is not reached");
}

static void test_unseen(const char *local)
{
	char name[128], text[INET6_ADDRSTRLEN];
	uint16_t port = 0;
	bool is_made = false;
	int fd = listen_at(address_of(local), false, &port);
	struct dial dial = dial_loopback(port);

	snprintf(name, sizeof name, "who listens on %s is found without having been seen", local);
	is_str(other_end(dial_connect(&dial, &is_made), text), local, name);
	ok(is_made, "and the connection is there at once");
	close(fd);
}

/* The kernel takes one connection more than the queue of a listener holds, and leaves the next one
 * waiting. */
static void test_full_queue(void)
{
	uint16_t port = 0;
	bool is_made = false;
	int fd = listen_at(address_of("127.0.0.1"), false, &port);
	struct dial dial = dial_loopback(port);

	int first = dial_connect(&dial, &is_made);
	ok(first >= 0 && is_made, "a listener whose queue has room takes a connection");
	int second = dial_connect(&dial, &is_made);
	ok(second >= 0, "one whose queue is full does not refuse it");
	ok(!is_made, "but it is not there yet");
	close(second);
	close(first);
	close(fd);
}

int main(void)
{
	limit_patience();
	if (netwatch_open(&watch) < 0)
		bail_out("no NETLINK_SOCK_DIAG");
	test_listeners();
	test_second_address();
	test_unseen("127.0.0.1");
	test_unseen("::1");
	test_full_queue();
	netwatch_close(&watch);
	return tap_done();
}
