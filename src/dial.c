/* dial: see the header. */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fdio.h"

static void add_v4(struct dial *dial, uint16_t port, in_addr_t address)
{
	dial->to[dial->count++].v4 = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = address};
}

/* Who listens on an address of one link only is bound to its interface. */
static void add_v6(
	struct dial *dial, uint16_t port, const struct in6_addr *address, uint32_t interface)
{
	dial->to[dial->count++].v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *address,
		.sin6_scope_id = interface};
}

static void add_listener_v4(struct dial *dial, uint16_t port, const uint8_t *local)
{
	in_addr_t address;

	memcpy(&address, local, sizeof address);
	add_v4(dial, port, address != htonl(INADDR_ANY) ? address : htonl(INADDR_LOOPBACK));
}

static void add_listener_v6(struct dial *dial, const struct netsock *listener)
{
	struct in6_addr address;

	memcpy(&address, listener->local, sizeof address);
	if (!IN6_IS_ADDR_UNSPECIFIED(&address)) {
		add_v6(dial, listener->local_port, &address, listener->interface);
		return;
	}
	add_v4(dial, listener->local_port, htonl(INADDR_LOOPBACK));
	add_v6(dial, listener->local_port, &in6addr_loopback, 0);
}

/* An IPv6 socket that is bound to an IPv4 address listens as one of IPv4. */
struct dial dial_listener(const struct netsock *listener)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct dial dial = {.count = 0};

	if (listener->family == AF_INET)
		add_listener_v4(&dial, listener->local_port, listener->local);
	else if (memcmp(listener->local, mapped, sizeof mapped) == 0)
		add_listener_v4(&dial, listener->local_port, listener->local + sizeof mapped);
	else
		add_listener_v6(&dial, listener);
	return dial;
}

struct dial dial_loopback(uint16_t port)
{
	struct dial dial = {.count = 0};

	add_v4(&dial, port, htonl(INADDR_LOOPBACK));
	add_v6(&dial, port, &in6addr_loopback, 0);
	return dial;
}

/* On this machine it is decided when connect() returns, which says that it is under way all the
 * same; the second one says what became of it. */
static int begin(const union dial_address *to, bool *is_made)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	*is_made = connect(fd, &to->any, sizeof *to) == 0 ||
		   (errno == EINPROGRESS && connect(fd, &to->any, sizeof *to) == 0);
	if (!*is_made && errno != EALREADY)
		fdio_close(&fd);
	return fd;
}

int dial_connect(const struct dial *dial, bool *is_made)
{
	int fd = -1;

	for (size_t i = 0; i < dial->count && fd < 0; i++)
		fd = begin(&dial->to[i], is_made);
	return fd;
}
