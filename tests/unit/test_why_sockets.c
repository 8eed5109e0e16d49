/*
 * Tests of why-sockets: what is said of the sockets of a process, and of those that cannot be seen.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "nets.h"
#include "whyrig.h"

static int listener;
static struct sockaddr_in address;

static void serve_itself(void)
{
	socklen_t len = sizeof address;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(listener, 8) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		_exit(1);
	for (int i = 0; i < 6; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
			accept(listener, NULL, NULL) < 0)
			_exit(1);
	}
}

static void serve_no_more(void)
{
	serve_itself();
	close(listener);
}

static void test_sockets(void)
{
	pid_t pid = begin((struct act){.prepare = serve_itself});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	const struct why_process *process = &why.processes[0];
	uint16_t port = (uint16_t)atoi(process->listening);
	ok(process->visible, "the sockets of a process of our own can be seen");
	ok(port > 0, "the port on which it listens is told");
	is_int(process->inbound, 6, "connections to its port are inbound");
	is_int(process->outbound, 0, "their other ends, which it has too, are not outbound");
	ok(has(process->inbound_peers, " and 2 more"), "a long list is cut");
	ok(has(said_of(0), "; 6 inbound (127.0.0.1:"), "the text tells it");
	end_child(pid, SIGKILL);

	pid = begin((struct act){.prepare = serve_no_more});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	/* The kernel has drawn the port, so it could as well be that of a connection that was made.
	 */
	is_int(process->inbound + process->outbound, 12, "without a listener all are still seen");
	ok(has(process->outbound_peers, " x6"), "connections to the same address are one item");
	port = (uint16_t)atoi(process->outbound_peers + strlen("127.0.0.1:"));
	look(&port, 1);
	is_int(process->inbound, 6, "those on a port where it listened before are inbound");
	is_int(process->outbound, 0, "and those that lead there are not outbound");
	is_str(process->listening, "", "it listens no more");
	instance.port = port;
	look(NULL, 0);
	is_int(process->inbound, 6, "so are those on $PORT");
	end_child(pid, SIGKILL);
}

static void serve_itself_locally(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int pair[2];

	/* An abstract name, with the pid to be the only one. */
	int len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "test_why.%d", getpid());
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, size) < 0 || listen(listener, 8) < 0 ||
		connect(fd, (struct sockaddr *)&name, size) < 0 ||
		accept(listener, NULL, NULL) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
}

static void test_local_sockets(void)
{
	char name[64];

	pid_t pid = begin((struct act){.prepare = serve_itself_locally});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	snprintf(name, sizeof name, "unix:@test_why.%d", (int)pid);
	is_str(why.processes[0].listening, name, "a Unix listener is told by its name");
	is_str(why.processes[0].inbound_peers, name, "a connection that it accepted is inbound");
	is_int(why.processes[0].outbound, 0, "its other end, in the same process, is not outbound");
	is_int(why.processes[0].inbound, 1, "a pair without names is not told");
	end_child(pid, SIGKILL);
}

/* ---- what cannot be seen ---- */

static void serve_elsewhere(void)
{
	if (!enter_own_network())
		_exit(1);
	serve_itself();
}

static void live_elsewhere(void)
{
	close(app.net.fd);
	if (!enter_own_network())
		_exit(1);
}

static void test_elsewhere(void)
{
	static const char words[] = "in another network namespace";

	pid_t pid = begin((struct act){.prepare = serve_elsewhere});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), words), "sockets in another network namespace are told as such");
	ok(!why.processes[0].visible, "and cannot be seen");
	end_child(pid, SIGKILL);
	pid = begin((struct act){.prepare = live_elsewhere});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(strstr(said(), words) == NULL, "who has no sockets has none anywhere");
	ok(why.processes[0].visible, "and that can be seen");
	end_child(pid, SIGKILL);
}

static void have_too_many(void)
{
	struct rlimit files = {WHY_DESCRIPTORS + 100, WHY_DESCRIPTORS + 100};

	setrlimit(RLIMIT_NOFILE, &files);
	serve_itself();
	while (dup(listener) >= 0)
		;
}

static void test_too_many(void)
{
	pid_t pid = begin((struct act){.prepare = have_too_many});

	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "; not all of its sockets could be seen"),
		"of too many descriptors not all are looked at");
	ok(!why.processes[0].visible, "so what is counted is not all");
	ok(has(said_of(0), "; at least 6 inbound ("), "and is told as such");
	end_child(pid, SIGKILL);
}

int main(void)
{
	begin_rig();
	test_sockets();
	test_local_sockets();
	test_too_many();
	if (can_have_own_network())
		test_elsewhere();
	else
		printf("# no other network\n");
	return end_rig();
}
