/* observe-look: see observe-parts.h. */
#include <sys/socket.h>

#include "crowd.h"
#include "observe-parts.h"

/* However busy the machine is, the news of a close have come then. */
#define NEWS_DELAY_MAX (2 * NSEC_PER_SEC)

/* ---- who has what open ---- */

static void add_process(void *arg, const struct proc_stat *stat)
{
	procwatch_add(arg, stat, false);
}

/* Processes may have come since the first look. */
void look_scan(struct look *look)
{
	struct observer *observer = look->observer;
	struct procwatch_item *item;

	if (look->has_scanned)
		return;
	look->has_scanned = true;
	if (!look->is_first)
		tree_each(observer->subject.tree, add_process, &observer->processes);
	TAILQ_FOREACH (item, &observer->processes.items, link)
		if (!item->has_ended && !procsock_scan(&look->owned, item->id))
			look_miss(look, proc_shares_network(item->id.pid) ? UNSEEN_PROCESS
									  : UNSEEN_ELSEWHERE);
	procsock_sort(&look->owned);
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

	if (found == NULL)
		return false;
	row->owner = found->pid;
	row->fd = found->fd;
	row->shared = is_shared(found, count);
	return true;
}

/* ---- TCP ---- */

/* Whose a connection on a port is that is ours alone is known without looking who has it open; but
 * what is late is held against the program, so it must be seen to have it. */
static bool wants_owner(const struct observer *observer, const struct netsock *sock)
{
	bool shared;

	if (sock->closed || sock->inode == 0)
		return false;
	return sock->listening || !observe_is_port(observer, sock->local_port, &shared) || shared ||
	       observe_is_late(observer);
}

/* What is still to be told of one that was found closed. */
static struct socktable_row closed_row(const struct socktable_row *row)
{
	return (struct socktable_row){.sock = row->sock,
		.owner = row->owner,
		.shared = row->shared,
		.at_release = row->at_release,
		.then = row->then,
		.is_late = row->is_late,
		.was_inbound = row->role == ROLE_INBOUND && !row->sock.talk.is_known};
}

/* The kernel still says goodbye. */
static void learn_talk(
	struct observer *observer, struct socktable_row *row, const struct netsock *sock)
{
	if (!sock->talk.is_known)
		return;
	row->sock.talk = sock->talk;
	observe_learn(observer, row);
}

bool observe_refresh(
	struct observer *observer, struct socktable_row *row, const struct netsock *sock)
{
	row->look = observer->looks;
	row->sock.inode = sock->inode;
	if (!row->at_release)
		row->then = sock->talk;
	if (row->role == ROLE_OTHER && row->was_inbound)
		learn_talk(observer, row, sock);
	if (!sock->closed || row->role == ROLE_OTHER)
		return row->is_doubtful || (row->is_late && sock->inode != 0) ||
		       (observer->seeks_heirs && observe_is_orphan(observer, row));
	/* Its program has closed it; that it is gone in the end too is no news any more. */
	row->sock.talk = sock->talk;
	struct socktable_row other = closed_row(row);
	other.look = observer->looks;
	other.is_late = false;
	observer->report.late += row->is_late;
	observe_close(observer, row);
	socktable_add(&observer->table, &other);
	return false;
}

/* True when there is something new that may be ours. */
static bool go_through_known(struct look *look)
{
	struct observer *observer = look->observer;
	const struct netsock_table *dump = &observer->app->sockets;
	bool found_new = false;

	for (size_t i = 0; i < dump->filled; i++) {
		struct socktable_row *row = socktable_find(&observer->table, dump->rows[i].cookie);
		if (row != NULL)
			found_new |= observe_refresh(observer, row, &dump->rows[i]);
		else if (!crowd_has(observer->crowd, dump->rows[i].cookie)) {
			look->has_strangers |= crowd_takes(&dump->rows[i]);
			found_new |= wants_owner(observer, &dump->rows[i]);
		}
	}
	return found_new;
}

void look_miss(struct look *look, enum observe_unseen why)
{
	look->is_complete = false;
	look->observer->report.unseen = why;
}

void look_add(struct look *look, struct socktable_row *row, enum socktable_role role)
{
	row->role = role;
	row->then = row->sock.talk;
	row->look = look->observer->looks;
	row->is_late = role == ROLE_INBOUND && row->sock.inode == 0 && !look->is_first &&
		       observe_is_late(look->observer);
	socktable_add(&look->observer->table, row);
	if (role == ROLE_INBOUND && !look->is_first)
		observe_arrival(look->observer, row->sock.inode != 0);
	if (role == ROLE_OUTBOUND)
		observe_take_back(look->observer);
}

static void add_listeners(struct look *look)
{
	struct observer *observer = look->observer;
	const struct netsock_table *dump = &observer->app->sockets;

	for (size_t i = 0; i < dump->count; i++) {
		struct socktable_row row = {.sock = dump->rows[i]};
		if (!row.sock.listening || socktable_find(&observer->table, row.sock.cookie) ||
			crowd_has(observer->crowd, row.sock.cookie) || !look_find_owner(look, &row))
			continue;
		if (!observe_add_port(observer, row.sock.local_port))
			look_miss(look, UNSEEN_PORTS);
		look_add(look, &row, observe_listener_role(observer, row.sock.local_port));
	}
	for (size_t i = 0; i < dump->count; i++)
		if (dump->rows[i].listening &&
			socktable_find(&observer->table, dump->rows[i].cookie) == NULL)
			observe_share_port(observer, dump->rows[i].local_port);
}

/* The port that the dyno was given is its own, even if nobody listens there any more: those whom it
 * has accepted show it. */
static void find_given_port(struct look *look)
{
	struct observer *observer = look->observer;
	const struct netsock_table *dump = &observer->app->sockets;
	uint16_t port = observer->subject.port;

	for (size_t i = 0; port != 0 && i < dump->count; i++) {
		struct socktable_row row = {.sock = dump->rows[i]};
		if (row.sock.local_port != port || !look_find_owner(look, &row))
			continue;
		if (!observe_add_port(observer, port))
			look_miss(look, UNSEEN_PORTS);
		return;
	}
}

/* The other end of an inbound connection; where somebody of ours has that, too, it is a connection
 * of the dyno with itself, and counts once. */
static bool is_client_of_ours(const struct observer *observer, const struct netsock *sock)
{
	bool shared;

	return observe_is_port(observer, sock->remote_port, &shared) && !shared &&
	       netsock_is_local(sock);
}

/* One that has come and was closed since the last look. */
static void add_closed(struct look *look, struct socktable_row *row)
{
	row->was_inbound = !row->sock.talk.is_known;
	look_add(look, row, ROLE_OTHER);
	observe_arrival(look->observer, true);
	observe_weigh(look->observer, row, false);
}

/* It is accepted, but by whom was not to be seen: the one process has given it to another just
 * then, or to somebody outside. Another look tells. */
static void doubt(struct look *look, struct socktable_row *row)
{
	row->is_doubtful = true;
	look->observer->must_look = true;
	look_add(look, row, ROLE_OTHER);
}

static void end_doubt(struct look *look, struct socktable_row *row)
{
	row->is_doubtful = false;
	if (!look_find_owner(look, row))
		return;
	socktable_set_role(&look->observer->table, row,
		observe_inbound_role(look->observer, row->sock.local_port));
	if (row->role == ROLE_INBOUND)
		observe_arrival(look->observer, true);
}

/* One that has waited was accepted, if not by somebody outside. */
static void end_wait(struct look *look, struct socktable_row *row)
{
	row->is_late = false;
	if (look_find_owner(look, row))
		look->observer->report.late++;
	else
		socktable_set_role(&look->observer->table, row, ROLE_OTHER);
}

/* Who had it has ended, and it is still there, so that was not its end. When none of ours is found
 * to have it, it is not known who closes it. */
static void find_heir(struct look *look, struct socktable_row *row)
{
	if (look_find_owner(look, row))
		return;
	row->owner = 0;
	row->shared = true;
}

/* A connection that nobody has accepted yet has no inode; it waits for us all the same when nobody
 * else listens there. Of what is none of ours the crowd knows; not of what waits for others, which
 * is looked at again. */
static void add_connection(struct look *look, const struct netsock *sock)
{
	struct socktable_row row = {.sock = *sock};
	bool shared;
	bool is_inbound = observe_is_port(look->observer, sock->local_port, &shared);
	bool is_alone = is_inbound && !shared;
	enum socktable_role inbound = observe_inbound_role(look->observer, sock->local_port);

	if (sock->closed && is_alone && inbound == ROLE_INBOUND && !look->is_first)
		add_closed(look, &row);
	else if (sock->closed || sock->listening || is_client_of_ours(look->observer, sock))
		return;
	else if (look_find_owner(look, &row))
		look_add(look, &row, is_inbound ? inbound : ROLE_OUTBOUND);
	else if (is_alone && (sock->inode == 0 || !look->has_scanned))
		look_add(look, &row, inbound);
	else if (is_alone)
		doubt(look, &row);
}

static void add_connections(struct look *look)
{
	struct observer *observer = look->observer;
	const struct netsock_table *dump = &observer->app->sockets;

	for (size_t i = 0; i < dump->filled; i++) {
		struct socktable_row *row = socktable_find(&observer->table, dump->rows[i].cookie);
		if (row == NULL && crowd_has(observer->crowd, dump->rows[i].cookie))
			continue;
		if (row == NULL)
			add_connection(look, &dump->rows[i]);
		else if (row->is_doubtful)
			end_doubt(look, row);
		else if (row->is_late && row->sock.inode != 0)
			end_wait(look, row);
		else if (observer->seeks_heirs && observe_is_orphan(observer, row))
			find_heir(look, row);
	}
}

/* It is not there any more, but the news of its close may be on their way. */
static void remember(struct observer *observer, const struct socktable_row *row)
{
	struct socktable_row other = closed_row(row);

	other.gone = clock_mono();
	socktable_add(&observer->table, &other);
}

static void forget_after_a_while(struct observer *observer, struct socktable_row *row)
{
	if (row->gone == 0)
		row->gone = clock_mono();
	else if (clock_mono() - row->gone > NEWS_DELAY_MAX)
		socktable_remove(&observer->table, row);
}

void observe_close_untold(struct observer *observer, struct socktable_row *row)
{
	struct socktable_row closed = *row;

	observe_close(observer, row);
	remember(observer, &closed);
}

/* What was not seen this time was closed without our hearing of it. */
static void drop_unseen(struct observer *observer)
{
	for (size_t i = observer->table.count; i-- > 0;) {
		struct socktable_row *row = &observer->table.rows[i];
		if (row->look == observer->looks || row->sock.family == AF_UNIX)
			continue;
		if (row->role == ROLE_OTHER)
			forget_after_a_while(observer, row);
		else
			observe_close_untold(observer, row);
	}
}

/* All who look at the same dump share it. */
static void remember_crowd(struct observer *observer, bool has_strangers)
{
	struct app *app = observer->app;

	if (!has_strangers)
		return;
	if (app->crowd == NULL || app->crowd->taken != app->sockets.taken) {
		crowd_release(app->crowd);
		app->crowd = crowd_new(&app->sockets);
	}
	crowd_release(observer->crowd);
	observer->crowd = crowd_use(app->crowd);
}

bool observe_look(struct observer *observer, bool closely)
{
	struct look look = {
		.observer = observer, .is_first = observer->looks == 0, .is_complete = true};

	if (!observe_dump(observer, closely)) {
		look_miss(&look, UNSEEN_KERNEL);
		return false;
	}
	observer->quiet = 0;
	observer->must_look = false;
	observer->counts = observer->app->counts;
	observer->looks++;
	if (!observer->app->sockets.is_whole)
		socktable_reserve(&observer->table, observer->app->sockets.filled);
	if (go_through_known(&look) || look.is_first)
		look_scan(&look);
	if (look.has_scanned)
		add_listeners(&look);
	if (look.is_first) {
		find_given_port(&look);
		observe_choose_door(observer);
	}
	add_connections(&look);
	remember_crowd(observer, look.is_first || look.has_strangers);
	observe_find_unix(&look);
	if (look.is_first)
		observe_spare_news(observer);
	drop_unseen(observer);
	procsock_release(&look.owned);
	if (observe_mark_missed(observer))
		observe_check_listeners(observer);
	observer->looked = observe_elapsed(observer);
	return look.is_complete;
}
