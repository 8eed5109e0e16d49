/* why-sockets: see the header. */
#include "why-sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdio.h"
#include "netsock.h"
#include "peers.h"

enum {
	PEERS_SHOWN = 4,
	DOORS_SHOWN = 8,
	ADDRESS_MAX = NETUNIX_NAME + 8
};

void why_sockets_know(struct why_sockets *sockets, uint16_t port)
{
	sockets->inbound[port / 8] |= (uint8_t)(1U << port % 8);
}

static bool is_inbound(const struct why_sockets *sockets, uint16_t port)
{
	return (sockets->inbound[port / 8] >> port % 8 & 1) != 0;
}

/* An outbound connection has a port of its own from this range. */
static void read_ephemeral_range(unsigned *low, unsigned *high)
{
	struct buf text = BUF_INIT;

	*low = 32768;
	*high = 60999;
	if (fdio_read_file("/proc/sys/net/ipv4/ip_local_port_range", 64, &text) == 0)
		sscanf(text.data, "%u %u", low, high);
	buf_release(&text);
}

/*
 * A connection is inbound when it is on a port that somebody listens on or is known to have
 * listened on, or on one that the kernel gives to no outbound connection.
 */
static void learn_inbound(struct why_sockets *sockets)
{
	unsigned low, high;

	memset(sockets->inbound, 0, sizeof sockets->inbound);
	read_ephemeral_range(&low, &high);
	for (unsigned port = 0; port <= UINT16_MAX; port++)
		if (port < low || port > high)
			why_sockets_know(sockets, (uint16_t)port);
	for (size_t i = 0; sockets->table != NULL && i < sockets->table->count; i++)
		if (sockets->table->rows[i].listening)
			why_sockets_know(sockets, sockets->table->rows[i].local_port);
}

void why_sockets_look(struct why_sockets *sockets, struct app *app)
{
	sockets->table = app_sockets(app);
	learn_inbound(sockets);
	netunix_dump(app->net.fd, &sockets->local);
}

void why_sockets_release(struct why_sockets *sockets)
{
	netunix_release(&sockets->local);
}

/* ---- whose ---- */

struct owned {
	uint32_t inodes[WHY_DESCRIPTORS];
	size_t count;
};

static void own(void *arg, pid_t pid, uint32_t inode)
{
	struct owned *owned = arg;

	(void)pid;
	owned->inodes[owned->count++] = inode;
}

static int compare_inodes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool owns(const struct owned *owned, uint32_t inode)
{
	return inode != 0 &&
	       bsearch(&inode, owned->inodes, owned->count, sizeof inode, compare_inodes) != NULL;
}

static void put_text(char text[static WHY_TEXT], struct buf *from)
{
	snprintf(text, WHY_TEXT, "%s", from->len > 0 ? from->data : "");
	buf_release(from);
}

/* What one process has open, as it is found. */
struct finding {
	const struct why_sockets *sockets;
	struct owned owned;
	struct peers inbound, outbound;
	struct buf doors; /* where it listens */
	unsigned door_count;
};

__attribute__((format(printf, 2, 3))) static void add_door(
	struct finding *finding, const char *fmt, ...)
{
	char text[ADDRESS_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (++finding->door_count <= DOORS_SHOWN)
		buf_addf(&finding->doors, "%s%s", finding->door_count > 1 ? ", " : "", text);
}

static void find_tcp(struct finding *finding)
{
	const struct netsock_table *table = finding->sockets->table;
	char address[NETSOCK_TEXT];

	for (size_t i = 0; i < table->count; i++) {
		const struct netsock *sock = &table->rows[i];
		if (!owns(&finding->owned, sock->inode))
			continue;
		if (sock->listening)
			add_door(finding, "%u", sock->local_port);
		else
			peers_add(is_inbound(finding->sockets, sock->local_port)
					  ? &finding->inbound
					  : &finding->outbound,
				netsock_remote_text(sock, address));
	}
}

/* Who accepts has the name of the listener; who connects has none, as a rule. A pair without names
 * is the affair of the program. */
static void find_unix(struct finding *finding)
{
	const struct netunix_table *table = &finding->sockets->local;
	char address[ADDRESS_MAX];

	for (size_t i = 0; i < table->count; i++) {
		const struct netunix *sock = &table->rows[i];
		const struct netunix *peer = netunix_find(table, sock->peer);
		bool outbound = sock->name[0] == '\0' && peer != NULL;
		const char *name = outbound ? peer->name : sock->name;
		if (name[0] == '\0' || !owns(&finding->owned, sock->inode))
			continue;
		snprintf(address, sizeof address, "unix:%s", name);
		if (sock->listening)
			add_door(finding, "%s", address);
		else
			peers_add(outbound ? &finding->outbound : &finding->inbound, address);
	}
}

void why_sockets_find(const struct why_sockets *sockets, struct why_process *process)
{
	static struct finding finding;

	finding.sockets = sockets;
	finding.door_count = 0;
	finding.owned.count = 0;
	peers_clear(&finding.inbound);
	peers_clear(&finding.outbound);
	process->visible = sockets->table != NULL &&
			   proc_each_socket(process->pid, WHY_DESCRIPTORS, own, &finding.owned);
	process->elsewhere = finding.owned.count > 0 && !proc_shares_network(process->pid);
	process->visible &= !process->elsewhere;
	qsort(finding.owned.inodes, finding.owned.count, sizeof *finding.owned.inodes,
		compare_inodes);
	if (sockets->table != NULL && finding.owned.count > 0) {
		find_tcp(&finding);
		find_unix(&finding);
	}
	if (finding.door_count > DOORS_SHOWN)
		buf_addf(&finding.doors, " and %u more", finding.door_count - DOORS_SHOWN);
	put_text(process->listening, &finding.doors);
	process->inbound = finding.inbound.count;
	process->outbound = finding.outbound.count;
	peers_list(&finding.inbound, PEERS_SHOWN, process->inbound_peers, WHY_TEXT);
	peers_list(&finding.outbound, PEERS_SHOWN, process->outbound_peers, WHY_TEXT);
}
