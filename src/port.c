/* port: see the header. */
#include "port.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "fdio.h"

enum {
	PORT_FIRST = 5000,
	PORT_LAST = 65535,
	ATTEMPTS = 4096
};

/* The bit of a port is set while it must not be drawn again; all are forgotten when half of them
 * are set. */
static uint8_t drawn[8192];
static unsigned drawn_count;

uint64_t random_u64(void)
{
	uint64_t value;

	if (getrandom(&value, sizeof value, GRND_NONBLOCK) != (ssize_t)sizeof value)
		value = (uint64_t)clock_mono() * UINT64_C(0x9e3779b97f4a7c15);
	return value;
}

/* The kernel's range for outgoing connections; read at each draw, since it may be changed at any
 * time. */
static void ephemeral_range(unsigned *low, unsigned *high)
{
	struct buf text = BUF_INIT;

	*low = 32768;
	*high = 60999;
	if (fdio_read_file("/proc/sys/net/ipv4/ip_local_port_range", 64, &text) == 0)
		sscanf(text.data, "%u %u", low, high);
	buf_release(&text);
}

/* An IPv6 socket that takes IPv4 too would need every address free; where there is no IPv6, IPv4
 * alone decides. */
static bool is_free(uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool has_v6 = fd >= 0;
	if (!has_v6)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = has_v6 ? bind(fd, (struct sockaddr *)&v6, sizeof v6)
			    : bind(fd, (struct sockaddr *)&v4, sizeof v4);
	if (fd >= 0)
		close(fd);
	return result == 0;
}

static bool is_drawn(unsigned port)
{
	return (drawn[port / 8] >> (port % 8)) & 1;
}

static void remember(unsigned port, unsigned usable)
{
	if (++drawn_count > usable / 2) {
		memset(drawn, 0, sizeof drawn);
		drawn_count = 1;
	}
	drawn[port / 8] |= (uint8_t)(1U << (port % 8));
}

uint16_t port_choose(struct cause *cause)
{
	unsigned low, high;

	ephemeral_range(&low, &high);
	if (low < PORT_FIRST)
		low = PORT_FIRST;
	if (high > PORT_LAST)
		high = PORT_LAST;
	unsigned outside = PORT_LAST - PORT_FIRST + 1;
	bool avoid = high >= low && high - low + 1 < outside;
	if (avoid)
		outside -= high - low + 1;
	for (int i = 0; i < ATTEMPTS; i++) {
		unsigned port = PORT_FIRST + (unsigned)(random_u64() % outside);
		if (avoid && port >= low)
			port += high - low + 1;
		if (is_drawn(port) || !is_free((uint16_t)port))
			continue;
		remember(port, outside);
		return (uint16_t)port;
	}
	cause_set(cause, "no free port found in %d tries between %d and %d", ATTEMPTS, PORT_FIRST,
		PORT_LAST);
	return 0;
}
