/* netlink: see the header. */
#include "netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	ANSWER_MAX = 32768,
	BATCH = 64
};

static uint32_t last_number;

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
	uint32_t number = ++last_number;

	request->nlmsg_seq = number;
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

int netlink_receive(int link, void (*heard)(void *arg, const char *message, size_t len), void *arg)
{
	static _Alignas(uint64_t) char messages[BATCH][NETLINK_KEPT];
	struct iovec parts[BATCH];
	struct mmsghdr batch[BATCH] = {0};

	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = messages[i], .iov_len = NETLINK_KEPT};
		batch[i].msg_hdr.msg_iov = &parts[i];
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;) {
		int n = recvmmsg(link, batch, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -1 : 0;
		for (int i = 0; i < n; i++)
			heard(arg, messages[i], batch[i].msg_len);
		if (n < BATCH)
			return 0;
	}
}

/* ---- one thing each ---- */

struct answers {
	uint32_t first; /* the number of the first question */
	size_t asked, answered;
	int error;
	void (*heard)(void *arg, size_t which, const char *message, size_t len);
	void *arg;
};

/* 0: it is an answer. */
static int error_of(const struct nlmsghdr *header, size_t len)
{
	const struct nlmsgerr *told = NLMSG_DATA(header);

	if (header->nlmsg_type != NLMSG_ERROR)
		return 0;
	return len >= NLMSG_LENGTH(sizeof *told) && told->error != 0 ? -told->error : EPROTO;
}

/* Of what was asked for by its cookie some families say ESTALE when another one has its place. */
static void hear_answer(void *arg, const char *message, size_t len)
{
	struct answers *answers = arg;
	const struct nlmsghdr *header = (const struct nlmsghdr *)message;
	size_t which = header->nlmsg_seq - answers->first;

	if (len < sizeof *header || which >= answers->asked)
		return;
	answers->answered++;
	int error = error_of(header, len);
	if (error == 0)
		answers->heard(answers->arg, which, message, len);
	else if (error == ENOENT || error == ESTALE)
		answers->heard(answers->arg, which, NULL, 0);
	else
		answers->error = error;
}

/* What is left in a small buffer would have no room for the next answer. */
static int give_up(int link, int error)
{
	char byte;

	while (recv(link, &byte, sizeof byte, MSG_DONTWAIT) >= 0 || errno == ENOBUFS ||
		errno == EINTR)
		;
	errno = error;
	return -1;
}

int netlink_ask(int link, void *requests, size_t size, size_t count,
	void (*heard)(void *arg, size_t which, const char *message, size_t len), void *arg)
{
	struct answers answers = {
		.first = last_number + 1, .asked = count, .heard = heard, .arg = arg};

	for (size_t i = 0; i < count; i++) {
		struct nlmsghdr *request = (struct nlmsghdr *)((char *)requests + i * size);
		request->nlmsg_seq = ++last_number;
		request->nlmsg_flags = NLM_F_REQUEST;
	}
	if (send(link, requests, size * count, 0) != (ssize_t)(size * count) ||
		netlink_receive(link, hear_answer, &answers) < 0)
		return give_up(link, errno);
	if (answers.error != 0 || answers.answered < count)
		return give_up(link, answers.error != 0 ? answers.error : ENODATA);
	return 0;
}
