/*
 * netwatch: who listens, as the kernel says. A look costs about 25 microseconds whatever the number
 * of connections, needs no privilege, and never touches the application, unlike a connect().
 */
#ifndef GRACECTL_NETWATCH_H
#define GRACECTL_NETWATCH_H

#include <stdint.h>
#include <sys/types.h>

#include "netsock.h"

struct netwatch {
	int fd;			    /* NETLINK_SOCK_DIAG socket, or -1 */
	struct netsock_table table; /* the listeners in the last look, IPv4 and IPv6 */
};

/* Returns 0, or -1 with errno when the kernel does not offer it. */
int netwatch_open(struct netwatch *watch);

/* Fills the table. Returns 0, or -1 with errno. */
int netwatch_look(struct netwatch *watch);

/* The next listener on that port in the last look after a given one (NULL: the first), or NULL. */
const struct netsock *netwatch_find(
	const struct netwatch *watch, uint16_t port, const struct netsock *after);

/*
 * Whether a process has the socket of that inode open: 1 yes, 0 no, -1 it may not be looked at.
 */
int netwatch_owns(pid_t pid, uint32_t inode);

void netwatch_close(struct netwatch *watch);

#endif
