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

static void mark(uint8_t *ports, uint16_t port)
{
	ports[port / 8] |= (uint8_t)(1U << port % 8);
}

static bool is_marked(const uint8_t *ports, uint16_t port)
{
	return (ports[port / 8] >> port % 8 & 1) != 0;
}

void why_sockets_know(struct why_sockets *sockets, uint16_t port)
{
	mark(sockets->inbound, port);
	mark(sockets->own, port);
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
	memset(sockets->own, 0, sizeof sockets->own);
	read_ephemeral_range(&low, &high);
	for (unsigned port = 0; port <= UINT16_MAX; port++)
		if (port < low || port > high)
			mark(sockets->inbound, (uint16_t)port);
	for (size_t i = 0; sockets->table != NULL && i < sockets->table->count; i++)
		if (sockets->table->rows[i].listening)
			mark(sockets->inbound, sockets->table->rows[i].local_port);
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
	struct why_sockets *sockets;
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

static void add_tcp_doors(struct finding *finding)
{
	const struct netsock_table *table = finding->sockets->table;

	for (size_t i = 0; i < table->count; i++) {
		const struct netsock *sock = &table->rows[i];
		if (!sock->listening || !owns(&finding->owned, sock->inode))
			continue;
		add_door(finding, "%u", sock->local_port);
		why_sockets_know(finding->sockets, sock->local_port);
	}
}

/* Whether the process has the other end as well. */
static bool is_with_itself(const struct finding *finding, const struct netsock *sock)
{
	const struct netsock_table *table = finding->sockets->table;

	if (!is_marked(finding->sockets->own, sock->remote_port) || !netsock_is_local(sock))
		return false;
	for (size_t i = 0; i < table->count; i++) {
		const struct netsock *other = &table->rows[i];
		if (other->local_port == sock->remote_port &&
			other->remote_port == sock->local_port &&
			owns(&finding->owned, other->inode))
			return true;
	}
	return false;
}

static void add_tcp_peer(struct finding *finding, const struct netsock *sock)
{
	const struct why_sockets *sockets = finding->sockets;
	char address[NETSOCK_TEXT];

	netsock_remote_text(sock, address);
	if (is_marked(sockets->inbound, sock->local_port))
		peers_add(&finding->inbound, address);
	else if (!is_with_itself(finding, sock))
		peers_add(&finding->outbound, address);
}

static void find_tcp(struct finding *finding)
{
	const struct netsock_table *table = finding->sockets->table;

	add_tcp_doors(finding);
	for (size_t i = 0; i < table->count; i++)
		if (!table->rows[i].listening && owns(&finding->owned, table->rows[i].inode))
			add_tcp_peer(finding, &table->rows[i]);
}

/* Whether the process listens there itself. */
static bool leads_home(const struct finding *finding, const struct netunix *peer)
{
	const struct netunix_table *table = &finding->sockets->local;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].listening && netunix_is_at(peer, &table->rows[i]) &&
			owns(&finding->owned, table->rows[i].inode))
			return true;
	return false;
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
		if (name[0] == '\0' || !owns(&finding->owned, sock->inode) ||
			(outbound && leads_home(finding, peer)))
			continue;
		snprintf(address, sizeof address, "unix:%s", name);
		if (sock->listening)
			add_door(finding, "%s", address);
		else
			peers_add(outbound ? &finding->outbound : &finding->inbound, address);
	}
}

void why_sockets_find(struct why_sockets *sockets, struct why_process *process)
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
