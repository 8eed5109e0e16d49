/* netlink: see the header. */
#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ANSWER_MAX = 32768
};

/* Goes through what one recv() brought. True when the answer is at its end; errno is 0, or says why
 * it ended. What is left of an earlier answer has another number. */
static bool hear(const char *answer, size_t len, uint32_t number,
	void (*heard)(void *arg, const struct nlmsghdr *message), void *arg)
{
	for (const struct nlmsghdr *h = (const struct nlmsghdr *)answer; NLMSG_OK(h, len);
		h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_seq != number)
			continue;
		errno = 0;
		if (h->nlmsg_type == NLMSG_DONE)
			return true;
		if (h->nlmsg_type == NLMSG_ERROR) {
			errno = -((const struct nlmsgerr *)NLMSG_DATA(h))->error;
			return true;
		}
		heard(arg, h);
	}
	return false;
}

int netlink_dump(int link, struct nlmsghdr *request,
	void (*heard)(void *arg, const struct nlmsghdr *message), void *arg)
{
	static _Alignas(struct nlmsghdr) char answer[ANSWER_MAX];
	static uint32_t number;

	request->nlmsg_seq = ++number;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (send(link, request, request->nlmsg_len, 0) != (ssize_t)request->nlmsg_len)
		return -1;
	for (;;) {
		ssize_t n = recv(link, answer, sizeof answer, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		if (hear(answer, (size_t)n, number, heard, arg))
			return errno == 0 ? 0 : -1;
	}
}
