/*
 * Tests of netwatch with real sockets on the loopback: a listener appears with its inode and its
 * owner, and goes.
 */
#include "netwatch.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "children.h"
#include "nets.h"
#include "tap.h"

static struct netwatch watch;

/* A socket bound to a free port of the loopback; port is set. */
static int bound_socket(int family, uint16_t *port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool six = family == AF_INET6;
	struct sockaddr *address = six ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = six ? sizeof v6 : sizeof v4;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, address, len) < 0 || getsockname(fd, address, &len) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(six ? v6.sin6_port : v4.sin_port);
	return fd;
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

static void test_listener(int family, const char *what)
{
	char name[128];
	uint16_t port;
	int fd = bound_socket(family, &port);

	if (fd < 0) {
		printf("# no %s here\n", what);
		return;
	}
	netwatch_look(&watch);
	snprintf(name, sizeof name, "an %s socket that is only bound is no listener", what);
	ok(netwatch_find(&watch, port, NULL) == NULL, name);
	listen(fd, 1);
	ok(netwatch_find(&watch, port, NULL) == NULL,
		"the last look does not know what came later");
	is_int(netwatch_look(&watch), 0, "the kernel can be asked");
	const struct netsock *found = netwatch_find(&watch, port, NULL);
	snprintf(name, sizeof name, "an %s listener is found", what);
	if (!ok(found != NULL, name))
		return;
	is_int(found->local_port, port, "with its port");
	is_int(found->inode, inode_of(fd), "its inode");
	is_int(found->uid, geteuid(), "and its user");
	is_int(netwatch_owns(getpid(), found->inode), 1, "this test has it open");
	close(fd);
	netwatch_look(&watch);
	snprintf(name, sizeof name, "an %s listener that was closed is not found", what);
	ok(netwatch_find(&watch, port, NULL) == NULL, name);
}

/* A connection has the listener's port, too. */
static void test_connection(void)
{
	uint16_t port;
	int fd = bound_socket(AF_INET, &port);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	listen(fd, 1);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(client, (struct sockaddr *)&to, sizeof to) < 0)
		bail_out("no connection");
	int server = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	netwatch_look(&watch);
	const struct netsock *found = netwatch_find(&watch, port, NULL);
	ok(found != NULL && found->inode == inode_of(fd),
		"among its connections the listener is found");
	close(fd);
	netwatch_look(&watch);
	ok(netwatch_find(&watch, port, NULL) == NULL,
		"a connection that outlives its listener is none");
	close(client);
	close(server);
}

static void test_owner(void)
{
	uint16_t port;
	int fd = bound_socket(AF_INET, &port);
	uint32_t inode = inode_of(fd);
	int ready[2], go[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		close(go[1]);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		close(fd);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		wait_forever();
	}
	read_exactly(ready[0], &byte, 1);
	is_int(netwatch_owns(pid, inode), 1, "a child has what it inherited");
	is_int(netwatch_owns(pid, inode + 1), 0, "but not another socket");
	if (write(go[1], "", 1) != 1)
		bail_out("no pipe");
	read_exactly(ready[0], &byte, 1);
	is_int(netwatch_owns(pid, inode), 0, "nor what it has closed");
	is_int(netwatch_owns(getpid(), inode), 1, "which its parent still has");
	close(fd);
	is_int(netwatch_owns(getpid(), inode), 0, "until it closes it as well");
	end_child(pid, SIGKILL);
	is_int(netwatch_owns(pid, inode), 0, "a process that is gone has nothing");
}

/* More sockets than fit into one answer of the kernel or into the list at first. */
static void test_many(void)
{
	enum {
		MANY = 300
	};
	int fds[MANY], missing = 0;
	uint16_t ports[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = bound_socket(AF_INET, &ports[i]);
		listen(fds[i], 1);
	}
	is_int(netwatch_look(&watch), 0, "the kernel can be asked about many");
	for (int i = 0; i < MANY; i++) {
		const struct netsock *found = netwatch_find(&watch, ports[i], NULL);
		missing += found == NULL || found->inode != inode_of(fds[i]);
		close(fds[i]);
	}
	is_int(missing, 0, "all of many listeners are found");
}

int main(void)
{
	limit_patience();
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	is_int(netwatch_look(&(struct netwatch){.fd = -1}), -1,
		"without a socket there is no look");
	if (netwatch_open(&watch) < 0)
		bail_out("no NETLINK_SOCK_DIAG");
	ok((fcntl(watch.fd, F_GETFD) & FD_CLOEXEC) != 0, "its socket is close-on-exec");
	test_listener(AF_INET, "IPv4");
	test_listener(AF_INET6, "IPv6");
	test_connection();
	test_owner();
	test_many();
	netwatch_close(&watch);
	is_int(watch.fd, -1, "it is closed in the end");
	return tap_done();
}
