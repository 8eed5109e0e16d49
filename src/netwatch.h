/*
 * netwatch: what the kernel says about TCP sockets, by NETLINK_SOCK_DIAG.
 *
 * A dump of the listening sockets costs about 25 microseconds whatever the number of connections
 * and needs no privilege; it never touches the application, unlike a connect().
 */
#ifndef GRACECTL_NETWATCH_H
#define GRACECTL_NETWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "proc.h"

struct netwatch_listener {
	uint16_t port;	/* host byte order */
	uint32_t inode; /* of the socket, as in /proc/PID/fd */
	uint32_t uid;
};

struct netwatch {
	int fd;				     /* netlink socket, or -1 */
	struct netwatch_listener *listeners; /* result of the last look, IPv4 and IPv6 */
	size_t count;
	size_t capacity;
	nsec_t looked; /* monotonic: when the last look began */
};

/* Returns 0, or -1 with errno when the kernel does not offer it. */
int netwatch_open(struct netwatch *watch);

/* Fills listeners. Returns 0, or -1 with errno. */
int netwatch_look(struct netwatch *watch);

/* The first listener on that port in the last look, or NULL. */
const struct netwatch_listener *netwatch_find(const struct netwatch *watch, uint16_t port);

/*
 * Whether a process has the socket of that inode open: 1 yes, 0 no, -1 it may not be looked at.
 */
int netwatch_owns(pid_t pid, uint32_t inode);

void netwatch_close(struct netwatch *watch);

#endif
