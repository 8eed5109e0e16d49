/* netwatch: see the header. */
#include "netwatch.h"

#include <arpa/inet.h>
#include <dirent.h>
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

#include "fdio.h"
#include "xmalloc.h"

int netwatch_open(struct netwatch *watch)
{
	*watch = (struct netwatch){.fd = -1};
	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	return watch->fd < 0 ? -1 : 0;
}

static int request(int fd, uint8_t family)
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
			.idiag_states = 1U << TCP_LISTEN},
	};

	return send(fd, &message, sizeof message, 0) == (ssize_t)sizeof message ? 0 : -1;
}

static void add(struct netwatch *watch, const struct inet_diag_msg *msg)
{
	if (watch->count == watch->capacity) {
		watch->capacity = watch->capacity > 0 ? watch->capacity * 2 : 64;
		watch->listeners =
			xreallocarray(watch->listeners, watch->capacity, sizeof *watch->listeners);
	}
	watch->listeners[watch->count++] = (struct netwatch_listener){
		.port = ntohs(msg->id.idiag_sport),
		.inode = msg->idiag_inode,
		.uid = msg->idiag_uid,
	};
}

/* Reads the answer to one request. The kernel has it ready when send() returns, so recv() does not
 * wait. */
static int collect(struct netwatch *watch)
{
	_Alignas(struct nlmsghdr) char answer[16384];

	for (;;) {
		ssize_t n = recv(watch->fd, answer, sizeof answer, 0);
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
			add(watch, NLMSG_DATA(h));
		}
	}
}

int netwatch_look(struct netwatch *watch)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};

	watch->count = 0;
	watch->looked = clock_mono();
	for (size_t i = 0; i < sizeof families; i++)
		if (watch->fd < 0 || request(watch->fd, families[i]) < 0 || collect(watch) < 0)
			return -1;
	return 0;
}

const struct netwatch_listener *netwatch_find(const struct netwatch *watch, uint16_t port)
{
	for (size_t i = 0; i < watch->count; i++)
		if (watch->listeners[i].port == port)
			return &watch->listeners[i];
	return NULL;
}

int netwatch_owns(pid_t pid, uint32_t inode)
{
	char path[64], wanted[64], target[64];
	struct dirent *entry;
	int result = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	snprintf(wanted, sizeof wanted, "socket:[%u]", inode);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return -1;
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		if (n < 0 && errno == EACCES)
			result = -1;
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (strcmp(target, wanted) == 0)
			result = 1;
	}
	closedir(dir);
	return result;
}

void netwatch_close(struct netwatch *watch)
{
	fdio_close(&watch->fd);
	free(watch->listeners);
	*watch = (struct netwatch){.fd = -1};
}
