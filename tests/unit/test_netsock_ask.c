/*
 * Tests of netsock about questions for one connection each: what is there is told as a dump tells
 * it, and what is not there any more is not mistaken for something else.
 */
#include <errno.h>
#include <linux/netlink.h>

#include "netsock.h"
#include "stoprig.h"

static int link_fd;

static struct netsock row_of(int fd)
{
	struct netsock_table table = {0};
	struct netsock row = {0};

	if (netsock_dump(link_fd, &table) < 0)
		bail_out("the kernel cannot be asked");
	for (size_t i = 0; i < table.count; i++)
		if (table.rows[i].inode == inode_of(fd))
			row = table.rows[i];
	netsock_release(&table);
	return row;
}

struct heard {
	unsigned count, gone;
	struct netsock asked, now; /* the last one */
};

static void note_answer(void *arg, const struct netsock *asked, const struct netsock *now)
{
	struct heard *heard = arg;

	heard->count++;
	heard->gone += now == NULL;
	heard->asked = *asked;
	heard->now = now != NULL ? *now : (struct netsock){0};
}

static struct heard ask(const struct netsock *sock)
{
	struct heard heard = {0};

	is_int(netsock_ask(link_fd, sock, 1, note_answer, &heard), 0, "the kernel can be asked");
	is_int(heard.count, 1, "one question has one answer");
	return heard;
}

static void put(int fd, size_t count)
{
	static const char bytes[100];

	if (write(fd, bytes, count) != (ssize_t)count)
		bail_out("a connection is closed");
}

/* A client at that address of a listener of that family. */
static void test_one(int family, int client_family, const char *name)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	socklen_t len = sizeof any;
	uint16_t port = 0;

	printf("# %s\n", name);
	int listener = family == client_family ? listen_on(family, &port, false)
					       : socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (port == 0 &&
		(bind(listener, (struct sockaddr *)&any, len) < 0 || listen(listener, 10) < 0 ||
			getsockname(listener, (struct sockaddr *)&any, &len) < 0))
		bail_out("no listener");
	port = port != 0 ? port : ntohs(any.sin6_port);
	int client = connect_to(client_family, port), server = accept_one(listener);
	struct netsock row = row_of(server);
	put(client, 9);
	put(server, 33);
	struct heard heard = ask(&row);
	ok(heard.now.cookie == row.cookie && heard.now.inode == row.inode, "which is about it");
	ok(!heard.now.closed, "it is open");
	ok(heard.now.talk.is_known && heard.now.talk.sent == 33 && heard.now.talk.received == 9,
		"and what was said on it is told");
	close(client);
	close(server);
	ok(wait_until(ask(&row).gone == 1), "when it is closed it is gone");
	close(listener);
}

/* The other end does not read, so what is closed is not gone yet. */
static void test_goodbye(void)
{
	static char bytes[8 * 1024 * 1024];
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	struct netsock row = row_of(server);

	fcntl(server, F_SETFL, O_NONBLOCK);
	ok(write(server, bytes, sizeof bytes) > 0, "there is something to send");
	close(server);
	struct heard heard = ask(&row);
	ok(heard.gone == 0 && heard.now.closed, "of which the kernel still says goodbye is closed");
	close(client);
	close(listener);
}

/* Two with the same four numbers one after the other, and the listener that is there as well. */
static void test_other(void)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	struct netsock row = row_of(server), other = row;

	other.cookie++;
	is_int(ask(&other).gone, 1, "another one in its place is not it");
	other.remote_port = 1;
	is_int(ask(&other).gone, 1, "nor is the listener at its port");
	close(client);
	close(server);
	close(listener);
}

/* The kernel does not find it without its interface. */
static void test_bound(void)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	if (setsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) < 0)
		bail_out("no interface");
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	struct netsock row = row_of(server);
	is_int(ask(&row).gone, 0, "one that is bound to an interface is found");
	close(client);
	close(server);
	close(listener);
}

enum {
	MANY = 100
};

static void test_many(void)
{
	struct netsock rows[MANY];
	struct heard heard = {0};
	int clients[MANY], servers[MANY];
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	for (int i = 0; i < MANY; i++) {
		clients[i] = connect_to(AF_INET, port);
		servers[i] = accept_one(listener);
		rows[i] = row_of(servers[i]);
	}
	is_int(netsock_ask(link_fd, rows, MANY, note_answer, &heard), 0, "one can ask for many");
	is_int(heard.count, MANY, "each has an answer");
	is_int(heard.gone, 0, "none is gone");
	ok(heard.now.cookie == rows[MANY - 1].cookie && heard.asked.cookie == heard.now.cookie,
		"and the answers belong to the questions");
	heard = (struct heard){0};
	is_int(netsock_ask(link_fd, rows, 0, note_answer, &heard), 0, "one can ask for none");
	is_int(heard.count, 0, "and hears nothing");
	close_each(clients, MANY);
	close_each(servers, MANY);
	close(listener);
}

static void test_refused(void)
{
	const struct netsock none = {.family = AF_INET}, strange = {.family = 255};
	struct heard heard = {0};

	is_int(netsock_ask(-1, &none, 1, note_answer, &heard), -1,
		"without a socket there is no answer");
	is_int(errno, EBADF, "for that reason");
	is_int(netsock_ask(link_fd, &strange, 1, note_answer, &heard), -1,
		"a question that the kernel does not know is an error");
	is_int(heard.count, 0, "and nothing is gone");
}

/* Too small for all answers to what is asked at once. */
static void test_small_buffer(void)
{
	struct netsock rows[MANY];
	struct netsock_table table = {0};
	struct heard heard = {0};
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), size = 8192;
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	int small = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	for (int i = 0; i < MANY; i++)
		rows[i] = row_of(server);
	if (small < 0 || setsockopt(small, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0)
		bail_out("no link");
	is_int(netsock_ask(small, rows, MANY, note_answer, &heard), -1,
		"where answers are lost that is an error");
	ok(heard.count < MANY, "and there are fewer than questions");
	is_int(heard.gone, 0, "of which none says that one is gone");
	is_int(netsock_dump_listening(small, &table), 0,
		"afterwards the kernel can be asked again");
	netsock_release(&table);
	close(small);
	close(client);
	close(server);
	close(listener);
}

int main(void)
{
	begin_rig();
	link_fd = rig.app.net.fd;
	test_one(AF_INET, AF_INET, "IPv4");
	test_one(AF_INET6, AF_INET6, "IPv6");
	test_one(AF_INET6, AF_INET, "IPv4 at an IPv6 socket");
	test_goodbye();
	test_other();
	test_bound();
	test_many();
	test_small_buffer();
	test_refused();
	return end_rig();
}
