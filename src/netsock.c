/* netsock: see the header. */
#include "netsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xmalloc.h"

enum {
	MESSAGE_MAX = 32768,
	NEWS_BUFFER = 4 * 1024 * 1024
};

/* Everything that a program still has open. */
#define OPEN_STATES                                                                                \
	(1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_FIN_WAIT1 | 1U << TCP_FIN_WAIT2 |  \
		1U << TCP_CLOSE_WAIT | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING | 1U << TCP_LISTEN)

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
	};

	memcpy(sock.remote, msg->id.idiag_dst, sizeof sock.remote);
	return sock;
}

static int request(int link, uint8_t family, bool listening)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} message = {
		.header = {.nlmsg_len = sizeof message,
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.body = {.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = listening ? 1U << TCP_LISTEN : OPEN_STATES},
	};

	return send(link, &message, sizeof message, 0) == (ssize_t)sizeof message ? 0 : -1;
}

/* The program has closed it and has no descriptor of it any more; only the kernel still says
 * goodbye. */
static bool is_orphan(const struct inet_diag_msg *msg)
{
	return msg->idiag_inode == 0 && msg->idiag_state != TCP_ESTABLISHED &&
	       msg->idiag_state != TCP_CLOSE_WAIT && msg->idiag_state != TCP_LISTEN;
}

static void add(struct netsock_table *table, const struct inet_diag_msg *msg)
{
	if (is_orphan(msg))
		return;
	if (table->count == table->capacity) {
		table->capacity = table->capacity > 0 ? table->capacity * 2 : 64;
		table->rows = xreallocarray(table->rows, table->capacity, sizeof *table->rows);
	}
	table->rows[table->count++] = parse(msg);
}

/* The kernel has the answer ready when send() returns, so recv() does not wait. */
static int collect(int link, struct netsock_table *table)
{
	static _Alignas(struct nlmsghdr) char answer[MESSAGE_MAX];

	for (;;) {
		ssize_t n = recv(link, answer, sizeof answer, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		size_t len = (size_t)n;
		for (const struct nlmsghdr *h = (const struct nlmsghdr *)answer; NLMSG_OK(h, len);
			h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR) {
				errno = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
				return -1;
			}
			add(table, NLMSG_DATA(h));
		}
	}
}

int netsock_dump(int link, bool listening, struct netsock_table *table)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};

	table->count = 0;
	table->taken = clock_mono();
	for (size_t i = 0; i < sizeof families; i++)
		if (link < 0 || request(link, families[i], listening) < 0 ||
			collect(link, table) < 0) {
			table->count = 0;
			return -1;
		}
	return 0;
}

void netsock_release(struct netsock_table *table)
{
	free(table->rows);
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

int netsock_read_news(int news, void (*heard)(void *arg, const struct netsock *closed), void *arg)
{
	static _Alignas(struct nlmsghdr) char message[MESSAGE_MAX];

	for (;;) {
		ssize_t n = recv(news, message, sizeof message, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno == ENOBUFS ? -1 : 0;
		size_t len = (size_t)n;
		for (const struct nlmsghdr *h = (const struct nlmsghdr *)message; NLMSG_OK(h, len);
			h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
				h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
				continue;
			struct netsock closed = parse(NLMSG_DATA(h));
			heard(arg, &closed);
		}
	}
}

/* An IPv4 address that came over an IPv6 socket is shown as what it is. */
const char *netsock_remote_text(const struct netsock *sock, char text[static NETSOCK_TEXT])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char address[INET6_ADDRSTRLEN] = "?";
	bool is_mapped =
		sock->family == AF_INET6 && memcmp(sock->remote, mapped, sizeof mapped) == 0;

	if (is_mapped)
		inet_ntop(AF_INET, sock->remote + sizeof mapped, address, sizeof address);
	else
		inet_ntop(sock->family, sock->remote, address, sizeof address);
	snprintf(text, NETSOCK_TEXT, sock->family == AF_INET6 && !is_mapped ? "[%s]:%u" : "%s:%u",
		address, sock->remote_port);
	return text;
}
