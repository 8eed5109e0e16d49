/*
 * netlink: one question to a NETLINK_SOCK_DIAG socket, and all rows of the answer.
 */
#ifndef GRACECTL_NETLINK_H
#define GRACECTL_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>

/*
 * Sends a dump request, whose sequence number is set, and calls heard for each message of the
 * answer. Does not wait: the kernel has the answer ready. Returns 0, or -1 with errno.
 */
int netlink_dump(int link, struct nlmsghdr *request,
	void (*heard)(void *arg, const struct nlmsghdr *message), void *arg);

#endif
