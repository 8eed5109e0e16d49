/* netunix: see the header. */
#include "netunix.h"

#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "xmalloc.h"

enum {
	SHUT_BOTH = 3 /* as the kernel counts directions: one bit for each */
};

/* An abstract name begins with a NUL and may contain more of them. */
static void copy_name(char out[static NETUNIX_NAME], const char *name, size_t len)
{
	size_t used = 0;

	if (len > 0 && name[0] == '\0') {
		out[used++] = '@';
		name++;
		len--;
	}
	for (; len > 0 && *name != '\0' && used < NETUNIX_NAME - 1; name++, len--)
		out[used++] = *name;
	out[used] = '\0';
}

static void read_attribute(struct netunix *row, const struct rtattr *attr)
{
	const char *data = RTA_DATA(attr);
	size_t len = RTA_PAYLOAD(attr);

	if (attr->rta_type == UNIX_DIAG_NAME)
		copy_name(row->name, data, len);
	if (attr->rta_type == UNIX_DIAG_PEER && len >= sizeof row->peer) {
		row->has_peer = true;
		memcpy(&row->peer, data, sizeof row->peer);
	}
	if (attr->rta_type == UNIX_DIAG_SHUTDOWN && len > 0)
		row->is_shut = *data == SHUT_BOTH;
}

static void add(void *arg, const struct nlmsghdr *header)
{
	struct netunix_table *table = arg;
	const struct unix_diag_msg *msg = NLMSG_DATA(header);
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *msg));

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof *msg) || msg->udiag_type == SOCK_DGRAM)
		return;
	if (table->count == table->capacity) {
		table->capacity = table->capacity > 0 ? table->capacity * 2 : 64;
		table->rows = xreallocarray(table->rows, table->capacity, sizeof *table->rows);
	}
	struct netunix *row = &table->rows[table->count++];
	*row = (struct netunix){
		.cookie = (uint64_t)msg->udiag_cookie[1] << 32 | msg->udiag_cookie[0],
		.inode = msg->udiag_ino,
		.listening = msg->udiag_state == TCP_LISTEN,
	};
	for (const struct rtattr *attr = (const struct rtattr *)(msg + 1); RTA_OK(attr, left);
		attr = RTA_NEXT(attr, left))
		read_attribute(row, attr);
}

static int compare(const void *a, const void *b)
{
	const struct netunix *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

int netunix_dump(int link, struct netunix_table *table)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} request = {
		.header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		/* The states of Unix sockets have the numbers of those of TCP. */
		.body = {.sdiag_family = AF_UNIX,
			.udiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_LISTEN,
			.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER},
	};

	table->count = 0;
	if (netlink_dump(link, &request.header, add, table) < 0) {
		table->count = 0;
		return -1;
	}
	if (table->count > 0)
		qsort(table->rows, table->count, sizeof *table->rows, compare);
	return 0;
}

const struct netunix *netunix_find(const struct netunix_table *table, uint32_t inode)
{
	const struct netunix key = {.inode = inode};

	if (inode == 0 || table->count == 0)
		return NULL;
	return bsearch(&key, table->rows, table->count, sizeof key, compare);
}

void netunix_release(struct netunix_table *table)
{
	free(table->rows);
	*table = (struct netunix_table){0};
}
