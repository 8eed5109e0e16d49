/* netwatch: see the header. */
#include "netwatch.h"

#include <limits.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "fdio.h"
#include "proc.h"

int netwatch_open(struct netwatch *watch)
{
	*watch = (struct netwatch){.fd = -1};
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	return watch->fd < 0 ? -1 : 0;
}

int netwatch_look(struct netwatch *watch)
{
	return netsock_dump_listening(watch->fd, &watch->table);
}

const struct netsock *netwatch_find(
	const struct netwatch *watch, uint16_t port, const struct netsock *after)
{
	const struct netsock_table *table = &watch->table;

	for (size_t i = after != NULL ? (size_t)(after - table->rows) + 1 : 0; i < table->count;
		i++)
		if (table->rows[i].local_port == port)
			return &table->rows[i];
	return NULL;
}

/* What is looked for, and whether it was there. */
struct wanted {
	uint32_t inode;
	bool found;
};

static void compare(void *arg, pid_t pid, uint32_t inode)
{
	struct wanted *wanted = arg;

	(void)pid;
	wanted->found |= inode == wanted->inode;
}

int netwatch_owns(pid_t pid, uint32_t inode)
{
	struct wanted wanted = {.inode = inode};
	bool complete = proc_each_socket(pid, UINT_MAX, compare, &wanted);

	if (wanted.found)
		return 1;
	return complete ? 0 : -1;
}

void netwatch_close(struct netwatch *watch)
{
	fdio_close(&watch->fd);
	netsock_release(&watch->table);
}
