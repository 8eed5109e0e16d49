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

static void read_attribute(void *arg, const struct rtattr *attr)
{
	struct netunix *row = arg;
	const char *data = RTA_DATA(attr);
	size_t len = RTA_PAYLOAD(attr);
	struct unix_diag_vfs file;

	if (attr->rta_type == UNIX_DIAG_NAME)
		copy_name(row->name, data, len);
	if (attr->rta_type == UNIX_DIAG_PEER && len >= sizeof row->peer) {
		row->has_peer = true;
		memcpy(&row->peer, data, sizeof row->peer);
	}
	if (attr->rta_type == UNIX_DIAG_VFS && len >= sizeof file) {
		memcpy(&file, data, sizeof file);
		row->file = (uint64_t)file.udiag_vfs_dev << 32 | file.udiag_vfs_ino;
	}
	if (attr->rta_type == UNIX_DIAG_SHUTDOWN && len > 0)
		row->is_shut = *data == SHUT_BOTH;
}

static void read_attributes(const struct nlmsghdr *header,
	void (*heard)(void *arg, const struct rtattr *attr), void *arg)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(header);
	int left = (int)(header->nlmsg_len - NLMSG_LENGTH(sizeof *msg));

	for (const struct rtattr *attr = (const struct rtattr *)(msg + 1); RTA_OK(attr, left);
		attr = RTA_NEXT(attr, left))
		heard(arg, attr);
}

static void add(void *arg, const struct nlmsghdr *header)
{
	struct netunix_table *table = arg;
	const struct unix_diag_msg *msg = NLMSG_DATA(header);

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
	read_attributes(header, read_attribute, row);
}

static int compare(const void *a, const void *b)
{
	const struct netunix *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* The states of Unix sockets have the numbers of those of TCP. */
static int ask(int link, uint32_t states, uint32_t show,
	void (*heard)(void *arg, const struct nlmsghdr *message), void *arg)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req body;
	} request = {
		.header = {.nlmsg_len = sizeof request, .nlmsg_type = SOCK_DIAG_BY_FAMILY},
		.body = {.sdiag_family = AF_UNIX, .udiag_states = states, .udiag_show = show},
	};

	return netlink_dump(link, &request.header, heard, arg);
}

int netunix_dump(int link, struct netunix_table *table)
{
	table->count = 0;
	if (ask(link, 1U << TCP_ESTABLISHED | 1U << TCP_LISTEN,
		    UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_PEER, add, table) < 0) {
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

/* ---- who waits ---- */

struct waiting {
	struct netunix_callers *callers;
	uint32_t listener;
};

static void add_caller(struct netunix_callers *callers, uint32_t listener, uint32_t inode)
{
	if (callers->count == callers->capacity) {
		callers->capacity = callers->capacity > 0 ? callers->capacity * 2 : 64;
		callers->items =
			xreallocarray(callers->items, callers->capacity, sizeof *callers->items);
	}
	callers->items[callers->count++] =
		(struct netunix_caller){.listener = listener, .inode = inode};
}

static void read_waiting(void *arg, const struct rtattr *attr)
{
	const struct waiting *waiting = arg;
	const char *data = RTA_DATA(attr);
	uint32_t inode;

	if (attr->rta_type != UNIX_DIAG_ICONS)
		return;
	for (size_t at = 0; at + sizeof inode <= RTA_PAYLOAD(attr); at += sizeof inode) {
		memcpy(&inode, data + at, sizeof inode);
		if (inode != 0)
			add_caller(waiting->callers, waiting->listener, inode);
	}
}

static void add_waiting(void *arg, const struct nlmsghdr *header)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(header);

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof *msg))
		return;
	struct waiting waiting = {.callers = arg, .listener = msg->udiag_ino};
	read_attributes(header, read_waiting, &waiting);
}

int netunix_dump_callers(int link, struct netunix_callers *callers)
{
	callers->count = 0;
	return ask(link, 1U << TCP_LISTEN, UDIAG_SHOW_ICONS, add_waiting, callers);
}

void netunix_release_callers(struct netunix_callers *callers)
{
	free(callers->items);
	*callers = (struct netunix_callers){0};
}

/* ---- */

bool netunix_is_at(const struct netunix *sock, const struct netunix *listener)
{
	return sock->name[0] != '\0' && sock->file == listener->file &&
	       strcmp(sock->name, listener->name) == 0;
}

void netunix_release(struct netunix_table *table)
{
	free(table->rows);
	*table = (struct netunix_table){0};
}
