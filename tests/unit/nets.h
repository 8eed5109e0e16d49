/*
 * nets: a network namespace of the test's own. Where the kernel allows none, the caller says what
 * that means for its tests.
 */
#ifndef GRACECTL_TESTS_NETS_H
#define GRACECTL_TESTS_NETS_H

#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "children.h"

/* Nothing happens there but what the test does. False, with errno, when it is not allowed. */
static inline bool enter_own_network(void)
{
	struct ifreq loopback = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &loopback) < 0)
		bail_out("no loopback interface");
	close(fd);
	return true;
}

/* Whether the kernel allows that, asked of a child. */
static inline bool can_have_own_network(void)
{
	pid_t pid = fork_child();

	if (pid == 0)
		_exit(!enter_own_network());
	return end_child(pid, 0) == 0;
}

#endif
