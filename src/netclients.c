/* netclients: see the header. */
#include "netclients.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

static size_t heeded(size_t count)
{
	return count < NETCLIENTS_PORTS ? count : NETCLIENTS_PORTS;
}

/* ---- the table ---- */

/*
 * The kernel goes through the steps with each socket: after a condition it goes on at `yes` or `no`
 * bytes further. Whoever arrives at the end exactly is in the answer, whoever jumps behind it is
 * not. The way of `yes` must lead to the end, so that a jump stands behind a condition whose `yes`
 * means to leave out.
 */
_Static_assert(offsetof(struct netclients_step, address) ==
		       sizeof(struct inet_diag_bc_op) + sizeof(struct inet_diag_hostcond),
	"the kernel reads it so");

/* Of an address of IPv4 the other words are not looked at. An IPv4 connection of an IPv6 socket is
 * meant by it too. */
static struct netclients_step make_step(int family, uint16_t port, size_t behind)
{
	bool v4 = family == AF_INET;

	return (struct netclients_step){
		.condition = {.code = INET_DIAG_BC_D_COND,
			.yes = offsetof(struct netclients_step, jump),
			.no = sizeof(struct netclients_step)},
		.host = {.family = (uint8_t)family, .prefix_len = v4 ? 8 : 128, .port = port},
		.address = {v4 ? htonl(INADDR_LOOPBACK) : 0, 0, 0, htonl(1)},
		.jump = {.code = INET_DIAG_BC_JMP,
			.yes = sizeof(struct inet_diag_bc_op),
			.no = (unsigned short)(sizeof(struct inet_diag_bc_op) + behind + 4)},
	};
}

size_t netclients_leave_out_of_table(
	struct netclients_attribute *attribute, const uint16_t *ports, size_t count)
{
	size_t steps = 2 * heeded(count);
	size_t left = steps * sizeof *attribute->program;

	if (count == 0)
		return 0;
	attribute->header = (struct rtattr){
		.rta_len = (unsigned short)RTA_LENGTH(left), .rta_type = INET_DIAG_REQ_BYTECODE};
	for (size_t i = 0; i < steps; i++) {
		left -= sizeof *attribute->program;
		attribute->program[i] =
			make_step(i % 2 == 0 ? AF_INET : AF_INET6, ports[i / 2], left);
	}
	return attribute->header.rta_len;
}

/* ---- the news ---- */

/* Where things stand in a message; a word there is read as a number of the network. */
enum {
	AT_FAMILY = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, idiag_family),
	AT_PORTS = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_sport),
	AT_REMOTE = NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id.idiag_dst)
};

/* A word of the message that must be so, as far as the mask goes. */
struct test {
	uint32_t at;
	uint32_t mask;
	uint32_t value;
};

#define FAMILY(family)                                                                             \
	{                                                                                          \
		AT_FAMILY, 0xff000000, (uint32_t)(family) << 24                                    \
	}
#define REMOTE(word, mask, value)                                                                  \
	{                                                                                          \
		AT_REMOTE + 4 * (word), mask, value                                                \
	}
#define ANY 0xffffffff

enum {
	TESTS = 5,
	FORMS = 3,
	/* Each test is three instructions, and one more says what is left out. */
	PROGRAM_MAX = NETCLIENTS_PORTS * FORMS * (3 * (TESTS + 1) + 1) + 1
};

/* What the end of a client on this machine may look like; an address is a place, a mask and a
 * value. */
static const struct form {
	size_t count;
	struct test tests[TESTS];
} forms[FORMS] = {
	{2, {FAMILY(AF_INET), REMOTE(0, 0xff000000, 0x7f000000)}},
	{5, {FAMILY(AF_INET6), REMOTE(0, ANY, 0), REMOTE(1, ANY, 0), REMOTE(2, ANY, 0),
		    REMOTE(3, ANY, 1)}},
	{5, {FAMILY(AF_INET6), REMOTE(0, ANY, 0), REMOTE(1, ANY, 0), REMOTE(2, ANY, 0xffff),
		    REMOTE(3, 0xff000000, 0x7f000000)}},
};

/* Goes on when it is so, and so many instructions further when not. */
static size_t add_test(struct sock_filter *to, const struct test *test, size_t otherwise)
{
	to[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, test->at);
	to[1] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, test->mask);
	to[2] = (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JEQ | BPF_K, test->value, 0, (uint8_t)otherwise);
	return 3;
}

/* What passes all tests is left out. */
static size_t add_form(struct sock_filter *to, const struct form *form, uint16_t port)
{
	const struct test to_port = {AT_PORTS, 0xffff, port};
	size_t left = 3 * form->count + 1;
	size_t len = add_test(to, &to_port, left);

	for (size_t i = 0; i < form->count; i++) {
		left -= 3;
		len += add_test(to + len, &form->tests[i], left);
	}
	to[len] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return len + 1;
}

void netclients_leave_out_of_news(int news, const uint16_t *ports, size_t count)
{
	struct sock_filter program[PROGRAM_MAX];
	int none = 0;
	size_t len = 0;

	if (count == 0) {
		setsockopt(news, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
		return;
	}
	for (size_t i = 0; i < heeded(count); i++)
		for (size_t k = 0; k < FORMS; k++)
			len += add_form(program + len, &forms[k], ports[i]);
	program[len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	struct sock_fprog all = {.len = (unsigned short)len, .filter = program};
	setsockopt(news, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof all);
}
