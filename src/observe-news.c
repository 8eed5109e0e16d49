/* observe-news: see observe-parts.h. */
#include <poll.h>
#include <string.h>

#include "crowd.h"
#include "log.h"
#include "observe-parts.h"

/* So long they are waited for in the end, when nothing else can be done about the stop. */
#define NEWS_PATIENCE (20 * NSEC_PER_MSEC)

/* What was closed in the middle of a look was found, but not whose it was: it was of ours, since
 * nobody else listens there. */
static void forget_row(
	struct observer *observer, struct socktable_row *row, const struct netsock *sock)
{
	bool was_ours =
		row->is_doubtful && observe_elapsed(observer) < observer->looked + NEWS_DELAY;

	if (was_ours && row->look > 1)
		observe_arrival(observer, true);
	row->sock.talk = sock->talk;
	if (row->was_inbound && row->sock.inode == 0 && sock->talk.was_dropped)
		observe_drop(observer);
	else
		observer->report.late += row->is_late;
	if (was_ours || row->was_inbound)
		observe_learn(observer, row);
	socktable_remove(&observer->table, row);
}

static void close_row(
	struct observer *observer, struct socktable_row *row, const struct netsock *sock)
{
	row->sock.talk = sock->talk;
	if (row->role == ROLE_INBOUND && row->sock.inode == 0 && sock->talk.was_dropped)
		observe_drop(observer);
	else if (row->is_late)
		observer->report.late++;
	observe_close(observer, row);
}

/* Somebody's connection to where our last outbound one led has come and gone since that was closed.
 * If it was one of ours, that was not the last one. */
static bool may_be_outbound(const struct observer *observer, const struct netsock *sock)
{
	const struct netsock *last = &observer->last_outbound;

	return observer->report.released >= 0 && last->remote_port != 0 &&
	       sock->remote_port == last->remote_port &&
	       memcmp(sock->remote, last->remote, sizeof last->remote) == 0 &&
	       observe_elapsed(observer) > observer->report.released + NEWS_DELAY;
}

static void doubt_order(struct observer *observer)
{
	observer->is_unsure = true;
	observer->report.order_wrong = false;
}

static void come_and_go(struct observer *observer, const struct netsock *sock)
{
	const struct socktable_row row = {.sock = *sock};

	observe_arrival(observer, !sock->talk.was_dropped);
	if (sock->talk.was_dropped)
		observe_drop(observer);
	observe_weigh(observer, &row, false);
	if (observer->emptied >= 0)
		observer->emptied = observe_elapsed(observer);
}

/* A connection may come and go between two looks; then its close is all that is ever seen of it.
 * But the close of one that was gone before the first look may be told after it. */
static void hear_close(struct observer *observer, const struct netsock *sock, bool is_known)
{
	struct socktable_row *row = socktable_find(&observer->table, sock->cookie);
	bool shared;

	if (row != NULL && row->role == ROLE_OTHER)
		forget_row(observer, row, sock);
	else if (row != NULL)
		close_row(observer, row, sock);
	else if (crowd_has(observer->crowd, sock->cookie))
		return;
	else if (!is_known && may_be_outbound(observer, sock))
		doubt_order(observer);
	else if (!sock->listening && (sock->remote_port != 0 || sock->talk.was_dropped) &&
		 observe_may_come(observer) &&
		 observe_inbound_role(observer, sock->local_port) == ROLE_INBOUND &&
		 observe_is_port(observer, sock->local_port, &shared) && !shared &&
		 observe_elapsed(observer) >= NEWS_DELAY)
		come_and_go(observer, sock);
}

struct hearing {
	struct app *app;
	bool heard;
};

static void hear_news(void *arg, const struct netsock *sock)
{
	struct hearing *hearing = arg;
	const struct crowd *crowd = NULL;
	struct observer *observer;

	bool is_known = false;

	hearing->heard = true;
	if (app_has_sockets(hearing->app))
		netsock_forget(&hearing->app->sockets, sock->cookie);
	TAILQ_FOREACH (observer, &hearing->app->observers, link) {
		is_known |= socktable_find(&observer->table, sock->cookie) != NULL ||
			    (observer->crowd != crowd && crowd_has(observer->crowd, sock->cookie));
		crowd = observer->crowd;
	}
	TAILQ_FOREACH (observer, &hearing->app->observers, link)
		if (observer->report.visible)
			hear_close(observer, sock, is_known);
}

static void look_all(struct app *app)
{
	struct observer *observer;

	log_debug("some closes were not told; a look finds them");
	TAILQ_FOREACH (observer, &app->observers, link) {
		observer->must_look = observer->is_deaf = true;
		observer->due = 0;
		if (timer_is_set(&observer->look))
			timer_set(app->loop, &observer->look, clock_mono());
	}
}

/* As a rule there are none, and then not even those who observe are gone through. */
void observe_read_news(void *owner)
{
	struct hearing hearing = {.app = owner};
	struct observer *observer;

	if (newsfeed_read(&hearing.app->news, hear_news, &hearing) < 0)
		look_all(hearing.app);
	if (!hearing.heard)
		return;
	TAILQ_FOREACH (observer, &hearing.app->observers, link)
		if (observer->closing_count > 0 || observer->has_dropped)
			observe_settle(observer);
}

bool observe_has_untold(const struct observer *observer)
{
	const struct socktable *table = &observer->table;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].was_inbound)
			return true;
	return false;
}

/* What the end of its processes has closed is told a moment later, with what had been said on it,
 * which the look did not find any more. All who wait in a turn share its patience. */
void observe_await_news(struct observer *observer)
{
	struct app *app = observer->app;
	struct pollfd news = {.fd = app->news.fd, .events = POLLIN};
	nsec_t began = clock_mono(), limit = began + NEWS_PATIENCE - app->turn_waited, left;

	while (news.fd >= 0 && !observer->is_deaf && observe_has_untold(observer) &&
		(left = limit - clock_mono()) > 0 &&
		poll(&news, 1, (int)(left / NSEC_PER_MSEC) + 1) > 0)
		observe_read_news(app);
	app->turn_waited += clock_mono() - began;
}
