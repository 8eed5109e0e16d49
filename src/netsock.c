/* netsock: see the header. */
#include "netsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netclients.h"
#include "netlink.h"
#include "xmalloc.h"

enum {
	NEWS_BUFFER = 4 * 1024 * 1024
};

/* Everything that a program still has open. */
#define OPEN_STATES                                                                                \
	(1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 |  \
		1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING | 1U << TCP_LISTEN)

/* What is left of a socket whose own end was told already, under another cookie. */
enum {
	TIMER_TIME_WAIT = 3
};

/* The program has no descriptor of it any more; only the kernel still says goodbye. One that waits
 * to be accepted has no inode either. */
static bool is_closed(const struct inet_diag_msg *msg)
{
	return msg->idiag_inode == 0 && msg->idiag_state != TCP_ESTABLISHED &&
	       msg->idiag_state != TCP_CLOSE_WAIT && msg->idiag_state != TCP_LISTEN;
}

static struct netsock parse(const struct inet_diag_msg *msg)
{
	struct netsock sock = {
		.cookie = (uint64_t)msg->id.idiag_cookie[1] << 32 | msg->id.idiag_cookie[0],
		.inode = msg->idiag_inode,
		.uid = msg->idiag_uid,
		.local_port = ntohs(msg->id.idiag_sport),
		.remote_port = ntohs(msg->id.idiag_dport),
		.family = msg->idiag_family,
		.listening = msg->idiag_state == TCP_LISTEN,
		.closed = is_closed(msg),
		.interface = msg->id.idiag_if,
	};

	memcpy(sock.local, msg->id.idiag_src, sizeof sock.local);
	memcpy(sock.remote, msg->id.idiag_dst, sizeof sock.remote);
	return sock;
}

/* Where the kernel's struct tcp_info has them; that of the C library has not all. */
enum {
	AT_LAST_SENT = 44,
	AT_LAST_RECEIVED = 52,
	AT_RECEIVED = 128,
	AT_SENT = 200,
	INFO_MIN = AT_SENT + sizeof(uint64_t)
};

static uint32_t read_bytes(const char *at)
{
	uint64_t count;

	memcpy(&count, at, sizeof count);
	return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

static struct netsock_talk read_info(const char *info, bool has_remote)
{
	struct netsock_talk talk = {.is_known = true,
		.received = read_bytes(info + AT_RECEIVED),
		.sent = read_bytes(info + AT_SENT)};

	memcpy(&talk.last_sent, info + AT_LAST_SENT, sizeof talk.last_sent);
	memcpy(&talk.last_received, info + AT_LAST_RECEIVED, sizeof talk.last_received);
	/* Who never had another end has both times from the boot. */
	talk.was_dropped = !has_remote && talk.last_sent < talk.last_received;
	return talk;
}

/* Of the attributes behind the message. */
static struct netsock_talk find_talk(const char *message, size_t len, bool has_remote)
{
	size_t at = NLMSG_LENGTH(sizeof(struct inet_diag_msg));

	while (at + sizeof(struct rtattr) <= len) {
		const struct rtattr *attribute = (const struct rtattr *)(message + at);
		if (attribute->rta_type == INET_DIAG_INFO)
			return attribute->rta_len >= RTA_LENGTH(INFO_MIN) &&
					       at + RTA_LENGTH(INFO_MIN) <= len
				       ? read_info(RTA_DATA(attribute), has_remote)
				       : (struct netsock_talk){0};
		if (attribute->rta_len < sizeof *attribute)
			break;
		at += RTA_ALIGN(attribute->rta_len);
	}
	return (struct netsock_talk){0};
}

static void add(void *arg, const struct nlmsghdr *message)
{
	const struct inet_diag_msg *msg = NLMSG_DATA(message);
	struct netsock_table *table = arg;

	if (msg->idiag_timer == TIMER_TIME_WAIT)
		return;
	if (table->filled == table->capacity) {
		table->capacity = table->capacity > 0 ? table->capacity * 2 : 64;
		table->rows = xreallocarray(table->rows, table->capacity, sizeof *table->rows);
	}
	struct netsock *row = &table->rows[table->filled++];
	*row = parse(msg);
	row->talk = find_talk((const char *)message, message->nlmsg_len, row->remote_port != 0);
}

/* Those that are closed go behind the others. */
static void part(struct netsock_table *table)
{
	for (size_t i = 0; i < table->filled; i++) {
		struct netsock row = table->rows[i];
		if (row.closed)
			continue;
		table->rows[i] = table->rows[table->count];
		table->rows[table->count++] = row;
	}
}

/* ---- the question ---- */

struct question {
	struct nlmsghdr header;
	struct inet_diag_req body;
	struct netclients_attribute left_out;
};

static int ask(int link, struct question *question, struct netsock_table *table)
{
	table->count = table->filled = 0;
	table->taken = clock_mono();
	table->is_whole = table->has_talk = table->is_indexed = false;
	if (netlink_dump(link, &question->header, add, table) < 0) {
		table->filled = 0;
		return -1;
	}
	part(table);
	return 0;
}

/*
 * The old form of the question, which has no family: one pass over the kernel's table for IPv4 and
 * IPv6 alike. The pass is what an answer costs when there are few connections, 0.2 ms.
 */
static struct question ask_for(uint32_t states)
{
	return (struct question){
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct inet_diag_req)),
			.nlmsg_type = TCPDIAG_GETSOCK},
		.body = {.idiag_family = AF_INET, .idiag_states = states},
	};
}

int netsock_dump(int link, struct netsock_table *table)
{
	struct question question = ask_for(OPEN_STATES);
	int status = ask(link, &question, table);

	table->is_whole = status == 0;
	return status;
}

int netsock_dump_listening(int link, struct netsock_table *table)
{
	struct question question = ask_for(1U << TCP_LISTEN);

	return ask(link, &question, table);
}

static int dump_without_clients(int link, const uint16_t *ports, size_t count, uint8_t extensions,
	struct netsock_table *table)
{
	struct question question = ask_for(OPEN_STATES);

	question.body.idiag_ext = extensions;
	question.header.nlmsg_len +=
		(uint32_t)netclients_leave_out_of_table(&question.left_out, ports, count);
	return ask(link, &question, table);
}

int netsock_dump_without_clients(
	int link, const uint16_t *ports, size_t count, struct netsock_table *table)
{
	return dump_without_clients(link, ports, count, 0, table);
}

int netsock_dump_with_talk(
	int link, const uint16_t *ports, size_t count, struct netsock_table *table)
{
	int status = dump_without_clients(link, ports, count, 1U << (INET_DIAG_INFO - 1), table);

	table->has_talk = status == 0;
	table->is_whole = status == 0 && count == 0;
	return status;
}

/* ---- questions for one connection each ---- */

struct single {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

static struct single ask_for_one(const struct netsock *sock)
{
	struct single question = {
		.header = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.body = {.sdiag_family = sock->family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_ext = 1U << (INET_DIAG_INFO - 1),
			.id = {.idiag_sport = htons(sock->local_port),
				.idiag_dport = htons(sock->remote_port),
				.idiag_if = sock->interface,
				.idiag_cookie = {(uint32_t)sock->cookie,
					(uint32_t)(sock->cookie >> 32)}}},
	};

	memcpy(question.body.id.idiag_src, sock->local, sizeof sock->local);
	memcpy(question.body.id.idiag_dst, sock->remote, sizeof sock->remote);
	return question;
}

struct asker {
	const struct netsock *socks;
	void (*heard)(void *arg, const struct netsock *asked, const struct netsock *now);
	void *arg;
	bool has_failed; /* an answer was no answer */
};

static void hear_one(void *arg, size_t which, const char *message, size_t len)
{
	struct asker *asker = arg;
	struct netsock now;

	if (message == NULL) {
		asker->heard(asker->arg, &asker->socks[which], NULL);
		return;
	}
	asker->has_failed |= len < NLMSG_LENGTH(sizeof(struct inet_diag_msg));
	if (asker->has_failed)
		return;
	now = parse(NLMSG_DATA((const struct nlmsghdr *)message));
	now.talk = find_talk(message, len, now.remote_port != 0);
	asker->heard(asker->arg, &asker->socks[which], &now);
}

int netsock_ask(int link, const struct netsock *socks, size_t count,
	void (*heard)(void *arg, const struct netsock *asked, const struct netsock *now), void *arg)
{
	struct single questions[NETLINK_REQUESTS];
	struct asker asker = {.heard = heard, .arg = arg};

	for (size_t done = 0; done < count; done += NETLINK_REQUESTS) {
		size_t n = count - done < NETLINK_REQUESTS ? count - done : NETLINK_REQUESTS;
		asker.socks = socks + done;
		for (size_t i = 0; i < n; i++)
			questions[i] = ask_for_one(&asker.socks[i]);
		if (netlink_ask(link, questions, sizeof *questions, n, hear_one, &asker) < 0)
			return -1;
	}
	errno = EPROTO;
	return asker.has_failed ? -1 : 0;
}

/* ---- what was closed since ---- */

static void move(struct netsock_table *table, size_t to, size_t from)
{
	if (to == from)
		return;
	cookiemap_set(&table->index, table->rows[from].cookie, (uint32_t)to);
	table->rows[to] = table->rows[from];
}

/* The last open one and the last of all move up. */
static void close_gap(struct netsock_table *table, size_t gap)
{
	if (gap < table->count) {
		move(table, gap, --table->count);
		gap = table->count;
	}
	move(table, gap, --table->filled);
}

/* Only when it is needed: most tables are gone through once. A dump that the kernel goes on with
 * may tell of a socket once more; then only the later row stays. */
static void make_index(struct netsock_table *table)
{
	cookiemap_clear(&table->index);
	cookiemap_reserve(&table->index, table->filled);
	for (size_t i = table->filled; i-- > 0;) {
		if (cookiemap_find(&table->index, table->rows[i].cookie) == COOKIEMAP_NONE)
			cookiemap_set(&table->index, table->rows[i].cookie, (uint32_t)i);
		else
			close_gap(table, i);
	}
	table->is_indexed = true;
}

void netsock_forget(struct netsock_table *table, uint64_t cookie)
{
	if (!table->is_indexed)
		make_index(table);
	size_t gap = cookiemap_find(&table->index, cookie);
	if (gap == COOKIEMAP_NONE)
		return;
	cookiemap_remove(&table->index, cookie);
	close_gap(table, gap);
}

void netsock_release(struct netsock_table *table)
{
	free(table->rows);
	cookiemap_release(&table->index);
	*table = (struct netsock_table){0};
}

int netsock_open_news(void)
{
	struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (SKNLGRP_INET_TCP_DESTROY - 1) |
			     1U << (SKNLGRP_INET6_TCP_DESTROY - 1),
	};
	int size = NEWS_BUFFER;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

struct reader {
	void (*heard)(void *arg, const struct netsock *closed);
	void *arg;
};

static void tell_news(void *arg, const char *message, size_t len)
{
	const struct reader *reader = arg;
	const struct nlmsghdr *header = (const struct nlmsghdr *)message;

	if (len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)) ||
		header->nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return;
	struct netsock closed = parse(NLMSG_DATA(header));
	closed.talk = find_talk(message, len, closed.remote_port != 0);
	reader->heard(reader->arg, &closed);
}

int netsock_read_news(int news, void (*heard)(void *arg, const struct netsock *closed), void *arg)
{
	struct reader reader = {.heard = heard, .arg = arg};

	return netlink_receive(news, tell_news, &reader) < 0 && errno == ENOBUFS ? -1 : 0;
}

/* The IPv4 address of the other end, which may have come over an IPv6 socket; NULL: it has none. */
static const uint8_t *remote_v4(const struct netsock *sock)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (sock->family == AF_INET)
		return sock->remote;
	return memcmp(sock->remote, mapped, sizeof mapped) == 0 ? sock->remote + sizeof mapped
								: NULL;
}

bool netsock_is_local(const struct netsock *sock)
{
	const uint8_t *v4 = remote_v4(sock);

	if (memcmp(sock->local, sock->remote, sizeof sock->local) == 0)
		return true;
	return v4 != NULL ? v4[0] == IN_LOOPBACKNET
			  : memcmp(sock->remote, &in6addr_loopback, sizeof sock->remote) == 0;
}

const char *netsock_remote_text(const struct netsock *sock, char text[static NETSOCK_TEXT])
{
	const uint8_t *v4 = remote_v4(sock);
	char address[INET6_ADDRSTRLEN] = "?";

	if (v4 != NULL)
		inet_ntop(AF_INET, v4, address, sizeof address);
	else
		inet_ntop(AF_INET6, sock->remote, address, sizeof address);
	snprintf(text, NETSOCK_TEXT, v4 == NULL ? "[%s]:%u" : "%s:%u", address, sock->remote_port);
	return text;
}
