/* observe-unix: see observe-parts.h. */
#include <stdlib.h>
#include <sys/socket.h>

#include "observe-parts.h"
#include "xmalloc.h"

static bool is_at_door(const struct observer *observer, const struct netunix *sock)
{
	for (size_t i = 0; i < observer->unix_door_count; i++)
		if (netunix_is_at(sock, &observer->unix_doors[i]))
			return true;
	return false;
}

static void add_door(struct observer *observer, const struct netunix *sock)
{
	observer->unix_doors = xreallocarray(
		observer->unix_doors, observer->unix_door_count + 1, sizeof *observer->unix_doors);
	observer->unix_doors[observer->unix_door_count++] = *sock;
}

/* It came from a process of ours. */
static bool is_from_us(const struct look *look, const struct netunix *sock)
{
	size_t count;

	return procsock_find(&look->owned, sock->peer, &count) != NULL;
}

static struct socktable_row row_of(const struct netunix *sock)
{
	return (struct socktable_row){.sock = {.cookie = sock->cookie,
					      .inode = sock->inode,
					      .family = AF_UNIX,
					      .listening = sock->listening}};
}

/* ---- in the first look: what our processes have ---- */

static bool listens_at(
	const struct look *look, const struct netunix_table *table, const struct netunix *sock)
{
	size_t count;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].listening && netunix_is_at(sock, &table->rows[i]) &&
			procsock_find(&look->owned, table->rows[i].inode, &count) != NULL)
			return true;
	return false;
}

/*
 * Who accepts has the name of the listener, who connects has none, as a rule: so a connection to a
 * name is outbound, and so is one whose other end has not been accepted yet and has neither inode
 * nor name to be found by. One that has the name of our own listener has come to it. When the other
 * end is closed it cannot be found either: that may have been a database as well as the other half
 * of a pair, so it is called nothing. A dyno that listens on TCP may have a Unix listener for
 * itself; only where there is no other it is taken for the door of the dyno.
 */
static enum socktable_role role_of(
	const struct look *look, const struct netunix_table *table, const struct netunix *sock)
{
	const struct netunix *peer = netunix_find(table, sock->peer);
	bool by_tcp = look->observer->port_count > 0;

	if (sock->listening)
		return by_tcp || sock->name[0] == '\0' ? ROLE_OTHER : ROLE_LISTENER;
	if (!sock->has_peer || is_from_us(look, sock) || listens_at(look, table, sock))
		return ROLE_OTHER;
	if (peer == NULL)
		return sock->is_shut ? ROLE_OTHER : ROLE_OUTBOUND;
	return peer->name[0] != '\0' ? ROLE_OUTBOUND : ROLE_OTHER;
}

static void add_own(
	struct look *look, const struct netunix_table *table, const struct netunix *sock)
{
	struct socktable_row row = row_of(sock);
	enum socktable_role role = role_of(look, table, sock);

	if (role == ROLE_OTHER || !look_find_owner(look, &row))
		return;
	const struct netunix *peer = netunix_find(table, sock->peer);
	if (role == ROLE_OUTBOUND)
		row.name = xstrdup(peer != NULL ? peer->name : "?");
	else
		add_door(look->observer, sock);
	look_add(look, &row, role);
	look->observer->has_unix = true;
}

static void find_own(struct look *look, const struct netunix_table *table)
{
	uint32_t last = 0;

	for (size_t i = 0; i < look->owned.count; i++) {
		uint32_t inode = look->owned.items[i].inode;
		const struct netunix *sock = inode != last ? netunix_find(table, inode) : NULL;
		if (sock != NULL)
			add_own(look, table, sock);
		last = inode;
	}
}

/* ---- in every look: what has come to a door ---- */

/* One that waits to be accepted has neither inode nor cookie that could be seen; whoever came has
 * an inode. Cookies of the kernel are never that large. */
static uint64_t cookie_of_waiting(uint32_t caller)
{
	return UINT64_C(1) << 63 | caller;
}

static void see_waiting(struct look *look, uint32_t caller)
{
	struct socktable_row row = {
		.sock = {.cookie = cookie_of_waiting(caller), .family = AF_UNIX}};
	struct socktable_row *known =
		socktable_find(&look->observer->table, cookie_of_waiting(caller));

	if (known != NULL)
		known->look = look->observer->looks;
	else
		look_add(look, &row, ROLE_INBOUND);
}

/* Who waited has not come anew. By whom one is accepted is not seen in this look, if it happened
 * after the processes were looked at. */
static void see_accepted(struct look *look, const struct netunix *sock)
{
	struct socktable *table = &look->observer->table;
	struct socktable_row row = row_of(sock), *waited;

	look_scan(look);
	waited = socktable_find(table, cookie_of_waiting(sock->peer));
	bool is_found = look_find_owner(look, &row);
	row.role = is_from_us(look, sock) ? ROLE_OTHER : ROLE_INBOUND;
	if (!is_found && waited != NULL) {
		waited->look = look->observer->looks;
	} else if (is_found && waited != NULL) {
		look->observer->report.late += waited->is_late && row.role == ROLE_INBOUND;
		socktable_remove(table, waited);
		socktable_add(table, &row);
	} else if (is_found) {
		look_add(look, &row, row.role);
	}
}

static bool has_open_door(const struct observer *observer, const struct netunix_table *table)
{
	for (size_t i = 0; i < observer->unix_door_count; i++)
		if (netunix_find(table, observer->unix_doors[i].inode) != NULL)
			return true;
	return false;
}

/* What waited, and is neither accepted nor there any more, has gone with its listener; or was
 * accepted since the last look and closed again: nothing tells which. */
static void drop_waiting(struct observer *observer, const struct netunix_table *table)
{
	bool is_shut = !has_open_door(observer, table);

	for (size_t i = observer->table.count; i-- > 0;) {
		struct socktable_row *row = &observer->table.rows[i];
		if (row->sock.family != AF_UNIX || row->sock.inode != 0 ||
			row->look == observer->looks)
			continue;
		observer->report.waited += is_shut && !row->doomed;
		observe_close(observer, row);
	}
}

static void find_callers(
	struct look *look, const struct netunix_table *table, const struct netunix_callers *callers)
{
	struct observer *observer = look->observer;

	for (size_t i = 0; i < callers->count; i++) {
		const struct netunix *listener = netunix_find(table, callers->items[i].listener);
		if (listener != NULL && is_at_door(observer, listener))
			see_waiting(look, callers->items[i].inode);
	}
	for (size_t i = 0; i < table->count; i++) {
		const struct netunix *sock = &table->rows[i];
		if (!sock->listening && sock->inode != 0 && is_at_door(observer, sock) &&
			socktable_find(&observer->table, sock->cookie) == NULL)
			see_accepted(look, sock);
	}
	drop_waiting(observer, table);
}

/* ---- */

/* Whether every socket that our processes have is in the table of TCP. */
static bool all_are_tcp(const struct look *look)
{
	const struct netsock_table *dump = &look->observer->app->sockets;
	size_t others = 0, count;
	uint32_t last = 0;

	for (size_t i = 0; i < look->owned.count; i++) {
		others += look->owned.items[i].inode != last;
		last = look->owned.items[i].inode;
	}
	for (size_t i = 0; i < dump->count; i++)
		others -= procsock_find(&look->owned, dump->rows[i].inode, &count) != NULL;
	return others == 0;
}

/* Who waits is asked first, so whoever is accepted meanwhile is seen twice and not never. */
static bool find(struct look *look, bool has_doors, struct netunix_table *table,
	struct netunix_callers *callers)
{
	struct observer *observer = look->observer;

	if ((has_doors && netunix_dump_callers(observer->app->net.fd, callers) < 0) ||
		netunix_dump(observer->app->net.fd, table) < 0)
		return false;
	if (look->is_first)
		find_own(look, table);
	if (observer->unix_door_count > 0)
		find_callers(look, table, callers);
	return true;
}

void observe_find_unix(struct look *look)
{
	struct observer *observer = look->observer;
	struct netunix_callers callers = {0};
	struct netunix_table table = {0};
	bool has_doors = look->is_first ? observer->port_count == 0 : observer->unix_door_count > 0;

	if (look->is_first ? look->owned.count == 0 : !has_doors)
		return;
	if (!find(look, has_doors, &table, &callers) && !all_are_tcp(look))
		look_miss(look, UNSEEN_UNIX);
	netunix_release_callers(&callers);
	netunix_release(&table);
}

void observe_find_callers(struct observer *observer)
{
	struct look look = {.observer = observer, .is_complete = true};

	observer->looks++;
	observe_find_unix(&look);
	procsock_release(&look.owned);
}
