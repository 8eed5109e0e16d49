/* observe-unix: see observe-parts.h. */
#include <string.h>
#include <sys/socket.h>

#include "netunix.h"
#include "observe-parts.h"
#include "xmalloc.h"

static bool listens_at(const struct look *look, const struct netunix_table *table, const char *name)
{
	size_t count;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].listening && strcmp(table->rows[i].name, name) == 0 &&
			procsock_find(&look->owned, table->rows[i].inode, &count) != NULL)
			return true;
	return false;
}

/*
 * Who accepts has the name of the listener, who connects has none, as a rule: so a connection to a
 * name is outbound, and so is one whose other end has not been accepted yet and has neither inode
 * nor name to be found by; one that has the name of our own listener is inbound. When the other end
 * is closed it cannot be found either: that may have been a database as well as the other half of a
 * pair, so it is called nothing. A dyno that listens on TCP may have a Unix listener for itself;
 * only where there is no other it is taken for the door of the dyno.
 */
static enum socktable_role role_of(
	const struct look *look, const struct netunix_table *table, const struct netunix *sock)
{
	const struct netunix *peer = netunix_find(table, sock->peer);
	bool by_tcp = look->observer->port_count > 0;
	size_t count;

	if (sock->listening)
		return by_tcp || sock->name[0] == '\0' ? ROLE_OTHER : ROLE_LISTENER;
	if (!sock->has_peer || procsock_find(&look->owned, sock->peer, &count) != NULL)
		return ROLE_OTHER;
	if (sock->name[0] != '\0' && listens_at(look, table, sock->name))
		return by_tcp ? ROLE_OTHER : ROLE_INBOUND;
	if (peer == NULL)
		return sock->is_shut ? ROLE_OTHER : ROLE_OUTBOUND;
	return peer->name[0] != '\0' ? ROLE_OUTBOUND : ROLE_OTHER;
}

static void add_unix(
	struct look *look, const struct netunix_table *table, const struct netunix *sock)
{
	struct socktable_row row = {.sock = {.cookie = sock->cookie,
					    .inode = sock->inode,
					    .family = AF_UNIX,
					    .listening = sock->listening}};
	enum socktable_role role = role_of(look, table, sock);

	if (role == ROLE_OTHER || !look_find_owner(look, &row))
		return;
	const struct netunix *peer = netunix_find(table, sock->peer);
	if (role == ROLE_OUTBOUND)
		row.name = xstrdup(peer != NULL ? peer->name : "?");
	look_add(look, &row, role);
	look->observer->has_unix = true;
}

void observe_find_unix(struct look *look)
{
	struct netunix_table table = {0};
	uint32_t last = 0;

	if (look->owned.count == 0 || netunix_dump(look->observer->app->net.fd, &table) < 0)
		return;
	for (size_t i = 0; i < look->owned.count; i++) {
		uint32_t inode = look->owned.items[i].inode;
		const struct netunix *sock = inode != last ? netunix_find(&table, inode) : NULL;
		if (sock != NULL)
			add_unix(look, &table, sock);
		last = inode;
	}
	netunix_release(&table);
}
