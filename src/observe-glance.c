/* observe-glance: see observe-parts.h. */
#include <sys/socket.h>

#include "observe-parts.h"
#include "procstate.h"

/* A socket that is there, but that none of ours has open any more, was closed by us and not by
 * others. */
static bool is_ours(struct look *look, struct socktable_row *row)
{
	if (procsock_is_open(row->owner, row->fd, row->sock.inode))
		return true;
	look_scan(look);
	return look_find_owner(look, row);
}

/* A thread that waits in accept() keeps a listener open, and takes one more from it, though another
 * has closed its descriptor. At which one it waits is not told, so it must be the only one. */
static bool is_waited_at(const struct observer *observer)
{
	const struct procwatch_item *item;

	if (observe_count(observer, ROLE_LISTENER) + observe_count(observer, ROLE_SIDE_LISTENER) >
		1)
		return false;
	TAILQ_FOREACH (item, &observer->processes.items, link)
		if (!item->has_ended && procstate_sleeps_in(item->id.pid, "inet_csk_accept"))
			return true;
	return false;
}

/* True when it is only others who have it. */
static bool check_listener(struct look *look, struct socktable_row *row)
{
	if (is_ours(look, row) || is_waited_at(look->observer))
		return false;
	observe_share_port(look->observer, row->sock.local_port);
	socktable_set_role(&look->observer->table, row, ROLE_OTHER);
	return true;
}

static bool is_tcp_listener(const struct socktable_row *row)
{
	return row->role == ROLE_LISTENER && row->sock.family != AF_UNIX;
}

static bool is_at_its_place(const struct socktable_row *row)
{
	return procsock_is_open(row->owner, row->fd, row->sock.inode);
}

bool observe_mark_missed(struct observer *observer)
{
	struct socktable *table = &observer->table;
	bool found = false;

	for (size_t i = 0; i < table->count && table->counts[ROLE_LISTENER] > 0; i++) {
		struct socktable_row *row = &table->rows[i];
		if (is_tcp_listener(row))
			found |= row->is_missed = !is_at_its_place(row);
	}
	return found;
}

static bool listens(const struct netsock_table *listening, uint64_t cookie)
{
	for (size_t i = 0; i < listening->count; i++)
		if (listening->rows[i].cookie == cookie)
			return true;
	return false;
}

/* What was missed before the kernel was asked, and listens all the same, is not being closed: only
 * others have it, or another process of ours. The news of a close may still be on their way; of one
 * that is shut down and kept open there are none. */
bool observe_check_listeners(struct observer *observer)
{
	struct look look = {.observer = observer, .is_complete = true};
	struct netsock_table listening = {0};
	bool changed = false;

	observer->has_dropped = false;
	observe_mark_missed(observer);
	if (netsock_dump_listening(observer->app->net.fd, &listening) < 0)
		return false;
	for (size_t i = observer->table.count; i-- > 0;) {
		struct socktable_row *row = &observer->table.rows[i];
		if (!is_tcp_listener(row))
			continue;
		if (!listens(&listening, row->sock.cookie)) {
			observe_close_untold(observer, row);
			changed = true;
		} else if (row->is_missed) {
			changed |= check_listener(&look, row);
		}
	}
	procsock_release(&look.owned);
	netsock_release(&listening);
	return changed;
}

/* A Unix connection that waits to be accepted is nobody's. */
static bool needs_glance(const struct socktable_row *row)
{
	return row->sock.family == AF_UNIX && row->role != ROLE_OTHER &&
	       (row->role == ROLE_LISTENER || row->sock.inode != 0);
}

/* Once a Unix listener is closed, all who came to it can be found. */
static bool glance_at_unix(struct observer *observer)
{
	struct look look = {.observer = observer, .is_complete = true};
	bool changed = false, has_shut = false;

	for (size_t i = observer->table.count; i-- > 0;) {
		struct socktable_row *row = &observer->table.rows[i];
		if (!needs_glance(row) || is_at_its_place(row) || is_ours(&look, row))
			continue;
		has_shut |= row->role == ROLE_LISTENER;
		observe_close(observer, row);
		changed = true;
	}
	procsock_release(&look.owned);
	if (has_shut)
		observe_find_callers(observer);
	return changed;
}

bool observe_listens(struct observer *observer, const struct netsock *sock)
{
	const struct netsock_table *listening = app_listening(observer->app);

	return listening != NULL && listens(listening, sock->cookie);
}

static bool all_listen(struct observer *observer)
{
	const struct socktable *table = &observer->table;

	for (size_t i = 0; i < table->count; i++)
		if (is_tcp_listener(&table->rows[i]) &&
			!observe_listens(observer, &table->rows[i].sock))
			return false;
	return true;
}

bool observe_glance(struct observer *observer)
{
	bool changed = observer->has_unix && glance_at_unix(observer);

	if (observe_count(observer, ROLE_LISTENER) > 0 &&
		(observe_mark_missed(observer) || !all_listen(observer)))
		changed |= observe_check_listeners(observer);
	return changed;
}
