/*
 * Tests of port: what is drawn is free, is outside of the kernel's range for outgoing connections,
 * and is not drawn twice. The range is changed in a network of our own, where the kernel lets us
 * have one.
 */
#include "port.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include "children.h"
#include "tap.h"

#define RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"

enum {
	DRAWS = 300
};

static int bind_to(int family, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	int result = family == AF_INET6 ? bind(fd, (struct sockaddr *)&v6, sizeof v6)
					: bind(fd, (struct sockaddr *)&v4, sizeof v4);
	if (result < 0 || listen(fd, 1) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void test_free(void)
{
	struct cause cause = {""};
	int failed = 0, small = 0;

	for (int i = 0; i < 20; i++) {
		uint16_t port = port_choose(&cause);
		int fd = bind_to(AF_INET, port);
		failed += fd < 0;
		small += port < 5000;
		if (fd >= 0)
			close(fd);
	}
	is_int(failed, 0, "an application can bind to each port that is drawn");
	is_int(small, 0, "none is among those where services live");
}

static void test_different(void)
{
	static bool seen[65536];
	struct cause cause;
	int again = 0;

	for (int i = 0; i < DRAWS; i++) {
		uint16_t port = port_choose(&cause);
		again += seen[port];
		seen[port] = true;
	}
	is_int(again, 0, "no port is drawn twice among a few hundred");
}

static void test_random(void)
{
	uint64_t ones = 0, zeros = 0;

	for (int i = 0; i < 200; i++) {
		uint64_t value = random_u64();
		ones |= value;
		zeros |= ~value;
	}
	ok(ones == UINT64_MAX && zeros == UINT64_MAX,
		"every bit of a random number is 0 and 1 at times");
}

/* ---- the kernel's range ---- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text);
}

/* In a child with its own network: how many of the ports lie inside the range. Exits with 0 for
 * none. */
static void draw_in_range(unsigned low, unsigned high)
{
	struct cause cause;
	int inside = 0;

	for (int i = 0; i < DRAWS; i++) {
		uint16_t port = port_choose(&cause);
		inside += port == 0 || (port >= low && port <= high);
	}
	_exit(inside > 100 ? 100 : inside);
}

static void test_range(unsigned low, unsigned high)
{
	char name[128], text[32];
	unsigned real_low = 0, real_high = 0;

	snprintf(name, sizeof name, "no port is drawn from %u to %u when the kernel uses those",
		low, high);
	snprintf(text, sizeof text, "%u %u", low, high);
	pid_t pid = fork_child();
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
			if (write_text(RANGE_FILE, text))
				draw_in_range(low, high);
		/* The machine's own range must do. */
		FILE *file = fopen(RANGE_FILE, "re");
		if (file == NULL || fscanf(file, "%u %u", &real_low, &real_high) != 2)
			_exit(101);
		draw_in_range(real_low, real_high);
	}
	is_int(WEXITSTATUS(end_child(pid, 0)), 0, name);
}

/* Every port is in the range: something must be drawn all the same. */
static void test_no_way_out(void)
{
	pid_t pid = fork_child();
	if (pid == 0) {
		struct cause cause;
		if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
			write_text(RANGE_FILE, "1024 65535");
		_exit(port_choose(&cause) >= 5000 ? 0 : 1);
	}
	is_int(WEXITSTATUS(end_child(pid, 0)), 0,
		"where the kernel may use every port, one is drawn all the same");
}

/* Many listeners, so that the draw meets some. */
static void test_taken(void)
{
	struct cause cause;
	int fds[64], met = 0;
	uint16_t ports[64];

	for (int i = 0; i < 64; i++) {
		ports[i] = port_choose(&cause);
		fds[i] = bind_to(i % 2 == 0 ? AF_INET : AF_INET6, ports[i]);
	}
	for (int i = 0; i < DRAWS; i++) {
		uint16_t port = port_choose(&cause);
		for (int j = 0; j < 64; j++)
			met += port == ports[j];
	}
	is_int(met, 0, "a port that somebody listens on is not drawn");
	for (int i = 0; i < 64; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int main(void)
{
	limit_patience();
	test_free();
	test_different();
	test_random();
	test_taken();
	test_range(32768, 60999);
	test_range(20000, 30000);
	test_range(32768, 65535);
	test_range(1024, 50000);
	test_no_way_out();
	return tap_done();
}
