/*
 * netlink: questions to a NETLINK_SOCK_DIAG socket, and what it answers or tells by itself. Nothing
 * of it waits: the kernel has its answer ready when the question is sent.
 */
#ifndef GRACECTL_NETLINK_H
#define GRACECTL_NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>

/*
 * Sends a dump request, whose sequence number is set, and calls heard for each message of the
 * answer. Returns 0, or -1 with errno.
 */
int netlink_dump(int link, struct nlmsghdr *request,
	void (*heard)(void *arg, const struct nlmsghdr *message), void *arg);

/*
 * Sends so many requests for one thing each, one behind the other in memory, each of size bytes,
 * and calls heard for the answer to each; message NULL: there is no such thing. As many as
 * NETLINK_REQUESTS fit into a socket's buffer with their answers. Returns 0, or -1 with errno: then
 * some have no answer.
 */
enum {
	NETLINK_REQUESTS = 32
};
int netlink_ask(int link, void *requests, size_t size, size_t count,
	void (*heard)(void *arg, size_t which, const char *message, size_t len), void *arg);

/*
 * Calls heard for each message that is there, of which len bytes were kept, at most NETLINK_KEPT.
 * heard neither asks nor receives. Returns 0, or -1 with errno, ENOBUFS when some were lost.
 */
enum {
	NETLINK_KEPT = 512
};
int netlink_receive(int link, void (*heard)(void *arg, const char *message, size_t len), void *arg);

#endif
