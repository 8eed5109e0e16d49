/*
 * Tests of netsock and netunix with real sockets: what the kernel's tables say of them, and the
 * news of their closes.
 */
#include "netsock.h"

#include <fcntl.h>

#include "netclients.h"
#include "netcounts.h"
#include "netunix.h"
#include "netwatch.h"
#include "stoprig.h"

static int link_fd;

static const struct netsock *find_inode(const struct netsock_table *table, uint32_t inode)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].inode == inode)
			return &table->rows[i];
	return NULL;
}

/* ---- the table and the news ---- */

struct heard {
	uint64_t cookie;
	unsigned count;
};

static void hear_close(void *arg, const struct netsock *closed)
{
	struct heard *heard = arg;

	heard->count += closed->cookie == heard->cookie;
}

static bool is_told(int news, struct heard *heard)
{
	netsock_read_news(news, hear_close, heard);
	return heard->count > 0;
}

static void test_table(int family, const char *name)
{
	struct netsock_table table = {0};
	struct heard heard = {0};
	uint16_t port = 0;
	char text[NETSOCK_TEXT], expected[NETSOCK_TEXT];

	printf("# %s\n", name);
	int listener = listen_on(family, &port, false);
	int client = connect_to(family, port), server = accept_one(listener);
	int waiting = connect_to(family, port);
	is_int(netsock_dump(link_fd, &table), 0, "the kernel can be asked");
	const struct netsock *row = find_inode(&table, inode_of(client));
	if (!ok(row != NULL, "a connection is in the table"))
		return;
	is_int(row->remote_port, port, "with the port of the other end");
	snprintf(expected, sizeof expected, family == AF_INET ? "127.0.0.1:%u" : "[::1]:%u", port);
	is_str(netsock_remote_text(row, text), expected, "and its address");
	ok(netsock_is_local(row), "which is one of this machine");
	ok(!row->listening && !row->closed, "it is open");
	ok(find_inode(&table, inode_of(server)) != NULL, "so is its other end");
	ok(find_inode(&table, inode_of(listener))->listening, "a listener listens");
	unsigned unaccepted = 0;
	for (size_t i = 0; i < table.count; i++)
		unaccepted += table.rows[i].local_port == port && table.rows[i].inode == 0;
	is_int(unaccepted, 1, "one that nobody has accepted has no inode");
	int news = netsock_open_news();
	if (!ok(news >= 0, "the kernel tells news"))
		return;
	heard.cookie = find_inode(&table, inode_of(listener))->cookie;
	close(listener);
	ok(wait_until(is_told(news, &heard)), "the close of a listener is told");
	heard = (struct heard){.cookie = find_inode(&table, inode_of(client))->cookie};
	close(client);
	ok(wait_until(is_told(news, &heard)), "so is that of a connection");
	is_int(heard.count, 1, "once");
	close(server);
	close(waiting);
	close(news);
	netsock_release(&table);
}

/* Of both ends of a connection and of a connection to another port, who sees which. */
static void test_without_clients(int family, const char *name)
{
	struct netsock_table table = {0};
	uint16_t port = 0, other_port = 0;
	int listener = listen_on(family, &port, false);
	int other = listen_on(family, &other_port, false);
	int client = connect_to(family, port), server = accept_one(listener);
	int outbound = connect_to(family, other_port);
	uint16_t ports[NETCLIENTS_PORTS] = {port};

	printf("# without clients: %s\n", name);
	is_int(netsock_dump_without_clients(link_fd, ports, 1, &table), 0,
		"the kernel can be asked");
	ok(find_inode(&table, inode_of(client)) == NULL, "the client's end is left out");
	ok(find_inode(&table, inode_of(server)) != NULL, "the server's is not");
	ok(find_inode(&table, inode_of(listener)) != NULL, "nor is the listener");
	ok(find_inode(&table, inode_of(outbound)) != NULL, "nor is a client of another port");
	ok(!table.is_whole, "that is not the whole table");
	for (int i = 1; i < NETCLIENTS_PORTS; i++)
		ports[i] = i == NETCLIENTS_PORTS - 1 ? other_port : 1;
	netsock_dump_without_clients(link_fd, ports, NETCLIENTS_PORTS, &table);
	ok(find_inode(&table, inode_of(outbound)) == NULL, "the last of several ports is heeded");
	ok(find_inode(&table, inode_of(client)) == NULL, "and so is the first");
	ok(find_inode(&table, inode_of(server)) != NULL, "while the server's end is seen");
	is_int(netsock_dump_without_clients(link_fd, NULL, 0, &table), 0, "no port is allowed");
	ok(find_inode(&table, inode_of(client)) != NULL, "and leaves out nothing");
	netsock_dump(link_fd, &table);
	ok(table.is_whole && find_inode(&table, inode_of(client)) != NULL,
		"the whole table has it");
	netsock_dump_listening(link_fd, &table);
	ok(find_inode(&table, inode_of(listener)) != NULL, "of those that listen it is one");
	ok(find_inode(&table, inode_of(server)) == NULL, "and a connection is none");
	netsock_release(&table);
	close(client);
	close(server);
	close(outbound);
	close(listener);
	close(other);
}

/* An IPv4 connection of an IPv6 socket. */
static void test_mapped(void)
{
	struct netsock_table table = {0};
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	socklen_t len = sizeof any;
	int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(listener, (struct sockaddr *)&any, len) < 0 || listen(listener, 10) < 0 ||
		getsockname(listener, (struct sockaddr *)&any, &len) < 0)
		bail_out("no listener");
	uint16_t port = ntohs(any.sin6_port);
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	netsock_dump_without_clients(link_fd, &port, 1, &table);
	ok(find_inode(&table, inode_of(client)) == NULL,
		"an IPv4 client of an IPv6 listener is left out");
	ok(find_inode(&table, inode_of(server)) != NULL, "the server's end is not");
	netsock_release(&table);
	close(client);
	close(server);
	close(listener);
}

/* ---- what was said ---- */

struct said {
	uint16_t port;
	unsigned count;
	struct netsock_talk talk;
};

static void hear_said(void *arg, const struct netsock *closed)
{
	struct said *said = arg;

	if (closed->local_port != said->port)
		return;
	said->count++;
	said->talk = closed->talk;
}

static bool is_said(int news, struct said *said)
{
	netsock_read_news(news, hear_said, said);
	return said->count > 0;
}

/* Both say so many bytes, the client last if it says anything. */
static struct netsock_talk talk(int news, int listener, uint16_t port, size_t ask, size_t answer)
{
	static char bytes[100];
	struct said said = {.port = port};
	int client = connect_to(AF_INET, port), server = accept_one(listener);

	if (write(server, bytes, answer) != (ssize_t)answer)
		bail_out("no answer");
	poll(NULL, 0, 20);
	if (write(client, bytes, ask) != (ssize_t)ask ||
		(ask > 0 && read(server, bytes, ask) != (ssize_t)ask))
		bail_out("no question");
	close(server);
	ok(wait_until(is_said(news, &said)), "a close is told");
	ok(said.talk.is_known, "with what was said before it");
	close(client);
	return said.talk;
}

static void test_talk(void)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), news = netsock_open_news();
	struct said waiting = {.port = port};

	struct netsock_talk said = talk(news, listener, port, 0, 0);
	ok(said.received == 0 && said.sent == 0, "nothing, if nobody has said anything");
	said = talk(news, listener, port, 19, 0);
	is_int(said.received, 19, "the bytes that came");
	is_int(said.sent, 0, "and that there was no answer");
	said = talk(news, listener, port, 7, 30);
	is_int(said.sent, 30, "the bytes of an answer");
	ok(said.last_received < said.last_sent, "and who has spoken last");
	ok(!said.was_dropped, "an accepted one is not dropped");
	int client = connect_to(AF_INET, port);
	if (write(client, "?", 1) != 1)
		bail_out("no question");
	close(listener);
	ok(wait_until(is_said(news, &waiting)), "the close of a waiting one is told");
	close(client);
	close(news);
}

/* ---- news without clients ---- */

struct ends {
	uint64_t client, server, other;
	unsigned clients, servers, others;
};

static void hear_end(void *arg, const struct netsock *closed)
{
	struct ends *ends = arg;

	ends->clients += closed->cookie == ends->client;
	ends->servers += closed->cookie == ends->server;
	ends->others += closed->cookie == ends->other;
}

static bool other_is_told(int news, struct ends *ends)
{
	netsock_read_news(news, hear_end, ends);
	return ends->others > 0 && ends->servers > 0;
}

static uint64_t cookie_of(const struct netsock_table *table, int fd)
{
	const struct netsock *row = find_inode(table, inode_of(fd));

	return row != NULL ? row->cookie : 0;
}

/* Closes both ends of a connection to the port, and then a connection to another port. */
static struct ends close_ends(
	int news, int listener, int family, uint16_t port, uint16_t other_port)
{
	struct netsock_table table = {0};
	struct ends ends = {0};
	int client = connect_to(family, port), server = accept_one(listener);
	int other = connect_to(AF_INET, other_port);

	netsock_dump(link_fd, &table);
	ends.client = cookie_of(&table, client);
	ends.server = cookie_of(&table, server);
	ends.other = cookie_of(&table, other);
	netsock_release(&table);
	close(client);
	close(server);
	close(other);
	ok(wait_until(other_is_told(news, &ends)), "what is not left out is told");
	return ends;
}

static void test_news_without_clients(int family, const char *name)
{
	uint16_t port = 0, other_port = 0;
	int listener = listen_on(family, &port, false);
	int other = listen_on(AF_INET, &other_port, false);
	int news = netsock_open_news();
	uint16_t ports[] = {1, port};

	printf("# news without clients: %s\n", name);
	netclients_leave_out_of_news(news, ports, 2);
	struct ends ends = close_ends(news, listener, family, port, other_port);
	is_int(ends.servers, 1, "the server's end is told");
	is_int(ends.clients, 0, "the client's end is not");
	netclients_leave_out_of_news(news, NULL, 0);
	ends = close_ends(news, listener, family, port, other_port);
	unsigned until = 0;
	while (ends.clients == 0 && until++ < 1000) {
		netsock_read_news(news, hear_end, &ends);
		poll(NULL, 0, 1);
	}
	is_int(ends.clients, 1, "until it is told again");
	close(news);
	close(listener);
	close(other);
}

/* ---- the counts ---- */

static void test_counts(void)
{
	struct netcounts before, after;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	ok(netcounts_read(&before), "the kernel counts connections");
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	ok(netcounts_read(&after), "again and again");
	ok(after.opened_here > before.opened_here, "one that is opened here is counted");
	ok(after.opened_elsewhere > before.opened_elsewhere, "so is one that comes");
	ok(after.open > 0, "what is open is counted");
	ok(!netcounts_are_same(&before, &after), "so something has happened");
	before = after;
	ok(netcounts_are_same(&before, &after), "the same counts say that nothing has");
	after.open--;
	ok(!netcounts_are_same(&before, &after), "a close is something");
	close(client);
	close(server);
	close(listener);
}

/* The other end does not read, so what is closed is not gone yet. */
static void test_closed(void)
{
	static char bytes[8 * 1024 * 1024];
	struct netsock_table table = {0};
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int client = connect_to(AF_INET, port), server = accept_one(listener);
	uint32_t inode = inode_of(server);
	unsigned closed = 0;

	fcntl(server, F_SETFL, O_NONBLOCK);
	ok(write(server, bytes, sizeof bytes) > 0, "there is something to send");
	netsock_dump(link_fd, &table);
	uint64_t cookie = find_inode(&table, inode)->cookie;
	close(server);
	netsock_dump(link_fd, &table);
	ok(find_inode(&table, inode) == NULL,
		"what its program has closed is not among the open ones");
	for (size_t i = table.count; i < table.filled; i++)
		closed += table.rows[i].cookie == cookie && table.rows[i].closed;
	is_int(closed, 1, "but behind them");
	close(client);
	close(listener);
	netsock_release(&table);
}

/* ---- Unix sockets ---- */

static void test_unix(void)
{
	struct netunix_table table = {0};
	struct netunix_callers callers = {0};
	struct sockaddr_un address = unix_address("here");
	unsigned found = 0;
	int listener = listen_on_unix("here");
	int client = connect_to_unix("here"), server = accept_one(listener);
	int waiting = connect_to_unix("here");

	is_int(netunix_dump(link_fd, &table), 0, "the kernel can be asked about Unix sockets");
	is_int(netunix_dump_callers(link_fd, &callers), 0, "and about who waits");
	for (size_t i = 0; i < callers.count; i++)
		found += callers.items[i].listener == inode_of(listener) &&
			 callers.items[i].inode == inode_of(waiting);
	is_int(found, 1, "who waits to be accepted is told, with the listener");
	const struct netunix *row = netunix_find(&table, inode_of(client));
	if (!ok(row != NULL && row->has_peer, "a connection is in the table"))
		return;
	is_str(row->name, "", "the one who connects has no name");
	const struct netunix *peer = netunix_find(&table, row->peer);
	ok(peer != NULL && peer->inode == inode_of(server), "it has a peer");
	is_str(peer != NULL ? peer->name : NULL, address.sun_path, "that has the name");
	row = netunix_find(&table, inode_of(listener));
	ok(row != NULL && row->listening && !row->has_peer, "a listener listens and has no peer");
	row = netunix_find(&table, inode_of(waiting));
	ok(row != NULL && row->has_peer && row->peer == 0,
		"the peer of one that nobody has accepted has no inode");
	ok(row != NULL && !row->is_shut, "it is open in both directions");
	close(server);
	netunix_dump(link_fd, &table);
	row = netunix_find(&table, inode_of(client));
	ok(row != NULL && row->has_peer && row->peer == 0 && row->is_shut,
		"when the other end is closed it is shut");
	is_int(netunix_dump(-1, &table), -1, "without a socket there is no answer");
	is_int((int64_t)table.count, 0, "and no table");
	netunix_release(&table);
	netunix_release_callers(&callers);
	close(client);
	close(waiting);
	close(listener);
}

int main(void)
{
	struct netsock_table none = {0};

	begin_rig();
	link_fd = rig.app.net.fd;
	is_int(netsock_dump(-1, &none), -1, "without a socket there is no table");
	test_table(AF_INET, "IPv4");
	test_table(AF_INET6, "IPv6");
	test_without_clients(AF_INET, "IPv4");
	test_without_clients(AF_INET6, "IPv6");
	test_mapped();
	test_talk();
	test_news_without_clients(AF_INET, "IPv4");
	test_news_without_clients(AF_INET6, "IPv6");
	test_counts();
	test_closed();
	test_unix();
	return end_rig();
}
