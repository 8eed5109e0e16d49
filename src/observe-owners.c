/* observe-owners: see observe-parts.h. */
#include <sys/socket.h>

#include "observe-parts.h"

static void add_process(void *arg, const struct proc_stat *stat)
{
	procwatch_add(arg, stat, false);
}

/* ---- a process with many connections ---- */

/*
 * To look at a thousand descriptors costs more than all the rest of a look. But if a process has
 * exactly as many that were not looked at as there are connections on our port that were not found
 * yet, then these are those: each of them is ours, since nobody else listens there, and none of
 * them has been closed since the table came. That is sure when until now no connection of this
 * machine has come, gone, or begun to go; only of one that its other side has ended the kernel's
 * counts do not tell the close.
 */

/* Whether all who listen there were found with us, or, when nobody does any more, were before. */
static bool is_ours_alone(const struct look *look, uint16_t port)
{
	const struct netsock_table *dump = &look->observer->app->sockets;
	bool is_shared, is_found = observe_is_port(look->observer, port, &is_shared);
	size_t count;

	for (size_t i = 0; i < dump->count; i++) {
		if (!dump->rows[i].listening || dump->rows[i].local_port != port)
			continue;
		if (procsock_find(&look->owned, dump->rows[i].inode, &count) == NULL)
			return false;
		is_found = true;
	}
	return is_found && !is_shared;
}

static bool is_accepted_there(const struct netsock *sock, uint16_t port)
{
	return sock->local_port == port && !sock->listening && sock->inode != 0;
}

/* How many connections on the port were accepted, but by whom was not found; 0 as well when one of
 * them is about to end. */
static size_t count_unfound(const struct look *look, uint16_t port)
{
	const struct netsock_table *dump = &look->observer->app->sockets;
	size_t unfound = 0, count;

	for (size_t i = 0; i < dump->count; i++) {
		if (!is_accepted_there(&dump->rows[i], port))
			continue;
		if (!dump->rows[i].established)
			return 0;
		unfound += procsock_find(&look->owned, dump->rows[i].inode, &count) == NULL;
	}
	return unfound;
}

static bool is_at_rest(const struct observer *observer)
{
	struct netcounts now;

	return netcounts_read(&now) && netcounts_are_same(&now, &observer->counts);
}

static bool has_only_those(const struct look *look, const struct procsock_scan *scan)
{
	uint16_t port = look->observer->subject.port;
	size_t unfound = 0;

	if (look->has_dump && port != 0 && is_ours_alone(look, port))
		unfound = count_unfound(look, port);
	return unfound > 0 && procsock_has_others(scan, unfound) && is_at_rest(look->observer);
}

/* ---- */

/* The first large process waits, until it is known what all others have. */
static void scan_process(struct look *look, struct proc_id id, struct procsock_scan *large)
{
	struct procsock_scan scan;

	look->is_complete &= procsock_scan_first(&scan, &look->owned, id);
	if (!scan.has_more)
		return;
	if (!large->has_more)
		*large = scan;
	else
		look->is_complete &= procsock_scan_rest(&scan);
}

static void end_large(struct look *look, struct procsock_scan *large)
{
	if (has_only_those(look, large)) {
		look->crowded = large->pid;
		look->is_complete &= procsock_scan_leave(large);
		return;
	}
	look->is_complete &= procsock_scan_rest(large);
	procsock_sort(&look->owned);
}

/* Processes may have come since the first look. */
void look_scan(struct look *look)
{
	struct observer *observer = look->observer;
	struct procsock_scan large = {0};
	struct procwatch_item *item;

	if (look->has_scanned)
		return;
	look->has_scanned = true;
	if (!look->is_first)
		tree_each(observer->subject.tree, add_process, &observer->processes);
	TAILQ_FOREACH (item, &observer->processes.items, link)
		if (!item->has_ended)
			scan_process(look, item->id, &large);
	procsock_sort(&look->owned);
	if (large.has_more)
		end_large(look, &large);
}

/* Whether several descriptors of a socket are in several processes. */
static bool is_shared(const struct procsock *found, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (found[i].pid != found[0].pid)
			return true;
	return false;
}

bool look_find_owner(const struct look *look, struct socktable_row *row)
{
	size_t count;
	const struct procsock *found = procsock_find(&look->owned, row->sock.inode, &count);

	if (found != NULL) {
		row->owner = found->pid;
		row->fd = found->fd;
		row->shared = is_shared(found, count);
		return true;
	}
	if (look->crowded == 0 || row->sock.family == AF_UNIX ||
		!is_accepted_there(&row->sock, look->observer->subject.port))
		return false;
	row->owner = look->crowded;
	row->fd = -1;
	row->shared = false;
	return true;
}
