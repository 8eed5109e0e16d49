/* observe-ports: see observe-parts.h. */
#include <stdio.h>
#include <sys/socket.h>

#include "observe-parts.h"

static size_t place_of_port(const struct observer *observer, uint16_t port)
{
	size_t at = 0;

	while (at < observer->port_count && observer->ports[at] != port)
		at++;
	return at;
}

bool observe_is_port(const struct observer *observer, uint16_t port, bool *shared)
{
	size_t at = place_of_port(observer, port);

	*shared = at < observer->port_count && observer->is_shared[at];
	return at < observer->port_count;
}

bool observe_shares_port(const struct observer *observer)
{
	for (size_t at = 0; at < observer->port_count; at++)
		if (observer->is_shared[at])
			return true;
	return false;
}

bool observe_add_port(struct observer *observer, uint16_t port)
{
	if (place_of_port(observer, port) < observer->port_count)
		return true;
	if (observer->port_count == OBSERVE_PORTS)
		return false;
	observer->ports[observer->port_count++] = port;
	return true;
}

void observe_share_port(struct observer *observer, uint16_t port)
{
	size_t at = place_of_port(observer, port);

	if (at < observer->port_count)
		observer->is_shared[at] = true;
}

/* ---- the door ---- */

static bool is_beside(const struct observer *observer, uint16_t port)
{
	return observer->door != 0 && port != observer->door;
}

enum socktable_role observe_listener_role(const struct observer *observer, uint16_t port)
{
	return is_beside(observer, port) ? ROLE_SIDE_LISTENER : ROLE_LISTENER;
}

enum socktable_role observe_inbound_role(const struct observer *observer, uint16_t port)
{
	return is_beside(observer, port) ? ROLE_SIDE : ROLE_INBOUND;
}

void observe_choose_door(struct observer *observer)
{
	struct socktable *table = &observer->table;

	if (place_of_port(observer, observer->subject.port) == observer->port_count)
		return;
	observer->door = observer->subject.port;
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].role == ROLE_LISTENER)
			socktable_set_role(table, &table->rows[i],
				observe_listener_role(observer, table->rows[i].sock.local_port));
}

void observe_list_other_ports(const struct observer *observer, char text[static OBSERVE_BESIDE])
{
	enum {
		ROOM = sizeof ", 65535 and 255 more"
	};
	size_t len = 0, left = 0;

	text[0] = '\0';
	for (size_t i = 0; i < observer->port_count; i++) {
		if (!is_beside(observer, observer->ports[i]))
			continue;
		if (left > 0 || len + ROOM > OBSERVE_BESIDE)
			left++;
		else
			len += (size_t)sprintf(
				text + len, len > 0 ? ", %u" : "%u", observer->ports[i]);
	}
	if (left > 0)
		sprintf(text + len, " and %zu more", left);
}

/* ---- what need not be seen ---- */

/* The ports on which nobody listens but we. */
static size_t list_own_ports(const struct observer *observer, uint16_t ports[static OBSERVE_PORTS])
{
	size_t count = 0;

	for (size_t i = 0; i < observer->port_count; i++)
		if (!observer->is_shared[i])
			ports[count++] = observer->ports[i];
	return count;
}

static bool is_only_one(const struct observer *observer)
{
	return TAILQ_FIRST(&observer->app->observers) == observer &&
	       TAILQ_NEXT(observer, link) == NULL;
}

void observe_spare_news(struct observer *observer)
{
	uint16_t ports[OBSERVE_PORTS];

	if (is_only_one(observer))
		newsfeed_leave_out(&observer->app->news, ports, list_own_ports(observer, ports));
}

/* Before it is known who listens where there is the port that the dyno was given, unless several
 * sockets listen there, some of which may be of others. */
static size_t guess_own_port(struct observer *observer, uint16_t *port)
{
	struct app *app = observer->app;
	unsigned listeners = 0;

	*port = observer->subject.port;
	if (*port == 0 || netsock_dump_listening(app->net.fd, &app->sockets) < 0)
		return 0;
	for (size_t i = 0; i < app->sockets.count; i++)
		listeners += app->sockets.rows[i].local_port == *port;
	return listeners <= 1;
}

/* Who looks alone need not see the other ends of our connections, if they are on this machine. */
static bool dump_alone(struct observer *observer, bool closely)
{
	struct app *app = observer->app;
	uint16_t ports[OBSERVE_PORTS];
	size_t count = observer->looks == 0 ? guess_own_port(observer, ports)
					    : list_own_ports(observer, ports);

	if (closely && netsock_dump_with_talk(app->net.fd, ports, count, &app->sockets) == 0)
		return true;
	return netsock_dump_without_clients(app->net.fd, ports, count, &app->sockets) == 0 ||
	       app_sockets(app) != NULL;
}

/* Of several observers the second lets the whole table come, which the others share. */
bool observe_dump(struct observer *observer, bool closely)
{
	struct app *app = observer->app;
	bool is_alone = app->sockets.taken < app->turn_began;

	if (app_has_sockets(app) && (!closely || app->sockets.has_talk))
		return true;
	if (!netcounts_read(&app->counts))
		app->counts = (struct netcounts){0};
	if (is_alone && is_only_one(observer))
		return dump_alone(observer, closely);
	if (closely && netsock_dump_with_talk(app->net.fd, NULL, 0, &app->sockets) == 0)
		return true;
	return is_alone ? dump_alone(observer, false) : app_sockets(app) != NULL;
}
