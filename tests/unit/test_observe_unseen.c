/*
 * Tests of observe where not everything can be seen: then nothing is claimed.
 */
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <linux/unix_diag.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "nets.h"
#include "netunix.h"
#include "stoprig.h"

static void serve_one(void)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int client = connect_to(AF_INET, port), server = accept_one(listener);

	say(port);
	await_signal(SIGTERM);
	close(listener);
	close(client);
	close(server);
}

/* The program tells a number when it is ready; the rest of its stop is not waited for. */
static const struct observe_report *stop(void (*program)(void *arg), void *arg)
{
	launch(program, arg, true);
	hear();
	begin_stop(SIGTERM);
	return end_stop();
}

static void is_unseen(
	const struct observe_report *report, enum observe_unseen why, const char *name)
{
	ok(!report->visible, name);
	is_int(report->unseen, why, "and the report knows why");
	is_int(report->watched, OBSERVE_UNKNOWN, "nothing is known of it");
	is_int(report->listeners + report->inbound + report->outbound, 0, "nothing is counted");
	ok(report->not_accepting < 0 && report->drained < 0 && report->released < 0,
		"no phase is claimed");
}

/* ---- another network ---- */

static void serve_elsewhere(void *arg)
{
	(void)arg;
	if (!enter_own_network())
		_exit(1);
	serve_one();
}

static void live_elsewhere(void *arg)
{
	(void)arg;
	if (!enter_own_network())
		_exit(1);
	say(0);
	await_signal(SIGTERM);
}

static void test_elsewhere(void)
{
	is_unseen(stop(serve_elsewhere, NULL), UNSEEN_ELSEWHERE,
		"sockets in another network namespace are not seen");
	ok(stop(live_elsewhere, NULL)->visible, "who has no sockets has none anywhere");
}

/* ---- too many ports ---- */

static void serve_ports(void *arg)
{
	unsigned count = *(unsigned *)arg;

	while (count-- > 0) {
		uint16_t port = 0;
		listen_on(AF_INET, &port, false);
	}
	say(0);
	await_signal(SIGTERM);
}

static void test_ports(void)
{
	struct rlimit files;
	unsigned most = OBSERVE_PORTS, too_many = OBSERVE_PORTS + 1;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	const struct observe_report *report = stop(serve_ports, &most);
	ok(report->visible, "so many ports can be observed");
	is_int(report->listeners, OBSERVE_PORTS, "each of them");
	is_unseen(stop(serve_ports, &too_many), UNSEEN_PORTS, "with one more nothing is seen");
}

/* ---- a kernel that does not tell of Unix sockets ---- */

/* By the size of the question. From now on, as long as the test runs. */
static void hide_unix_sockets(void)
{
	enum {
		QUESTION = NLMSG_LENGTH(sizeof(struct unix_diag_req))
	};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendto, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, QUESTION, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOENT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
	struct netunix_table table = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		bail_out("nothing can be hidden");
	is_int(netunix_dump(rig.app.net.fd, &table), -1,
		"the kernel tells nothing of Unix sockets");
}

static void use_tcp(void *arg)
{
	uint16_t *database = arg, port = 0;

	listen_on(AF_INET, &port, false);
	connect_to(AF_INET, *database);
	say(0);
	await_signal(SIGTERM);
}

static void serve_with_pair(void *arg)
{
	int pair[2];

	(void)arg;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
	serve_one();
}

static void test_no_unix(void)
{
	uint16_t database = 0;
	int fd = listen_on(AF_INET, &database, false);

	hide_unix_sockets();
	const struct observe_report *report = stop(use_tcp, &database);
	ok(report->visible, "who has only TCP sockets is seen all the same");
	is_int(report->listeners + report->outbound, 2, "with each of them");
	is_unseen(stop(serve_with_pair, NULL), UNSEEN_UNIX, "who has others is not");
	close(fd);
}

int main(void)
{
	begin_rig();
	if (can_have_own_network())
		test_elsewhere();
	else
		printf("# no other network\n");
	test_ports();
	test_no_unix();
	return end_rig();
}
