/* observe: see the header. */
#include "observe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event.h"
#include "fdio.h"
#include "log.h"
#include "xmalloc.h"

#define LOOK_INTERVAL NSEC_PER_SEC
#define LATE_AFTER NSEC_PER_SEC

enum {
	OWNED_MAX = 16384,
	PEERS_MAX = 8
};

enum role {
	ROLE_LISTENER,
	ROLE_INBOUND,
	ROLE_OUTBOUND
};

/* A socket that is still open. */
struct observed {
	struct netsock sock;
	enum role role;
	pid_t owner; /* a process that has it open; 0: not accepted yet */
};

/* Which of our processes have which sockets open. */
struct owned {
	uint32_t inode;
	pid_t owner;
};

struct owned_list {
	struct owned items[OWNED_MAX];
	size_t count;
};

static nsec_t elapsed(const struct observer *observer)
{
	return clock_mono() - observer->began;
}

/* ---- the lines of the log ---- */

static void begin_event(const struct observer *observer, struct event *event, enum event_kind kind)
{
	event_begin(event, kind, clock_wall(), observer->dyno, observer->launch);
}

static void publish(struct observer *observer, struct event *event)
{
	app_publish(observer->app, event);
	event_release(event);
}

static void say_phase(struct observer *observer, enum event_kind kind, nsec_t after, unsigned count)
{
	char seconds[32];
	struct event event;

	snprintf(seconds, sizeof seconds, "%.2f", (double)after / (double)NSEC_PER_SEC);
	begin_event(observer, &event, kind);
	event_str(&event, "seconds", seconds);
	event_int(&event, "count", count);
	publish(observer, &event);
}

static void say_open(struct observer *observer)
{
	const struct observe_report *report = &observer->report;
	struct event event;

	if (report->inbound + report->outbound == 0)
		return;
	begin_event(observer, &event, EVENT_OPEN);
	event_int(&event, "inbound", report->inbound);
	event_int(&event, "outbound", report->outbound);
	event_str(&event, "peers", report->peers);
	publish(observer, &event);
}

/* ---- phases ---- */

/* Each phase is reached once; a connection that comes later takes "drained" back until it is gone
 * too. */
static void check_phases(struct observer *observer)
{
	struct observe_report *report = &observer->report;
	nsec_t now = elapsed(observer);

	if (report->not_accepting < 0 && report->listeners > 0 && observer->listeners == 0) {
		report->not_accepting = now;
		say_phase(observer, EVENT_NOT_ACCEPTING, now, report->listeners);
	}
	bool closed = report->listeners == 0 || observer->listeners == 0;
	unsigned all_inbound = report->inbound + report->accepted;
	if (report->drained < 0 && closed && observer->inbound == 0 && all_inbound > 0) {
		report->drained = now;
		say_phase(observer, EVENT_DRAINED, now, all_inbound);
	}
	if (report->released < 0 && report->outbound > 0 && observer->outbound == 0) {
		report->released = now;
		report->order_wrong = observer->inbound > 0;
		say_phase(observer, EVENT_RELEASED, now, report->outbound);
	}
}

static void add(struct observer *observer, const struct netsock *sock, enum role role, pid_t owner)
{
	observer->open = xreallocarray(observer->open, observer->count + 1, sizeof *observer->open);
	observer->open[observer->count++] =
		(struct observed){.sock = *sock, .role = role, .owner = owner};
	observer->listeners += role == ROLE_LISTENER;
	observer->inbound += role == ROLE_INBOUND;
	observer->outbound += role == ROLE_OUTBOUND;
}

/* Takes one out of the open ones; how it was closed is counted only while its owner may have done
 * it on purpose or not. */
static void closed(struct observer *observer, size_t at)
{
	struct observed *one = &observer->open[at];
	bool at_exit = one->owner != 0 && proc_is_ending(one->owner);

	observer->listeners -= one->role == ROLE_LISTENER;
	observer->inbound -= one->role == ROLE_INBOUND;
	observer->outbound -= one->role == ROLE_OUTBOUND;
	observer->report.in_at_exit += one->role == ROLE_INBOUND && at_exit;
	observer->report.out_at_exit += one->role == ROLE_OUTBOUND && at_exit;
	*one = observer->open[--observer->count];
}

static bool is_our_port(const struct observer *observer, uint16_t port)
{
	for (size_t i = 0; i < observer->port_count; i++)
		if (observer->ports[i] == port)
			return true;
	return false;
}

static void count_accepted(struct observer *observer)
{
	observer->report.accepted++;
	observer->report.late += elapsed(observer) > LATE_AFTER;
}

static struct observed *find_open(struct observer *observer, uint64_t cookie)
{
	for (size_t i = 0; i < observer->count; i++)
		if (observer->open[i].sock.cookie == cookie)
			return &observer->open[i];
	return NULL;
}

/* A connection may come and go between two looks; then its close is all that is ever seen of it. */
static void hear_close(struct observer *observer, const struct netsock *sock)
{
	struct observed *one = find_open(observer, sock->cookie);

	if (one != NULL)
		closed(observer, (size_t)(one - observer->open));
	else if (!sock->listening && sock->remote_port != 0 &&
		 is_our_port(observer, sock->local_port))
		count_accepted(observer);
	else
		return;
	check_phases(observer);
}

/* ---- looking ---- */

static void own(void *arg, pid_t pid, uint32_t inode)
{
	struct owned_list *list = arg;

	if (list->count < OWNED_MAX)
		list->items[list->count++] = (struct owned){.inode = inode, .owner = pid};
}

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

static pid_t owner_of(const struct owned_list *list, uint32_t inode)
{
	struct owned key = {.inode = inode};
	const struct owned *found =
		bsearch(&key, list->items, list->count, sizeof key, compare_owned);

	return found != NULL ? found->owner : 0;
}

static void add_listeners(struct observer *observer, const struct owned_list *list)
{
	const struct netsock_table *table = &observer->app->sockets;

	for (size_t i = 0; i < table->count; i++) {
		const struct netsock *sock = &table->rows[i];
		pid_t owner = sock->listening ? owner_of(list, sock->inode) : 0;
		if (owner == 0 || find_open(observer, sock->cookie) != NULL)
			continue;
		add(observer, sock, ROLE_LISTENER, owner);
		if (!is_our_port(observer, sock->local_port) &&
			observer->port_count < sizeof observer->ports / sizeof *observer->ports)
			observer->ports[observer->port_count++] = sock->local_port;
	}
}

/* A connection on one of our ports that nobody has accepted yet has no inode; it waits for us all
 * the same. */
static void add_connections(struct observer *observer, const struct owned_list *list, bool first)
{
	const struct netsock_table *table = &observer->app->sockets;

	for (size_t i = 0; i < table->count; i++) {
		const struct netsock *sock = &table->rows[i];
		pid_t owner = owner_of(list, sock->inode);
		bool inbound = is_our_port(observer, sock->local_port);
		bool waiting = sock->inode == 0 && inbound;
		if (sock->listening || (owner == 0 && !waiting))
			continue;
		struct observed *known = find_open(observer, sock->cookie);
		if (known != NULL) {
			known->owner = owner;
			continue;
		}
		add(observer, sock, inbound ? ROLE_INBOUND : ROLE_OUTBOUND, owner);
		if (!first && inbound)
			count_accepted(observer);
	}
}

static bool is_in_table(const struct netsock_table *table, uint64_t cookie)
{
	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].cookie == cookie)
			return true;
	return false;
}

/* What is not in the table any more was closed without our hearing of it. */
static void drop_closed(struct observer *observer)
{
	for (size_t i = observer->count; i-- > 0;)
		if (!is_in_table(&observer->app->sockets, observer->open[i].sock.cookie))
			closed(observer, i);
}

/* All who look in the same turn share one dump. */
static bool look(struct observer *observer, bool first)
{
	static struct owned_list list;
	struct app *app = observer->app;

	if (app->sockets.taken < app->turn_began &&
		netsock_dump(app->net.fd, false, &app->sockets) < 0)
		return false;
	if (app->sockets.count == 0 && observer->count == 0)
		return true;
	list.count = 0;
	bool complete = tree_each_socket(observer->tree, own, &list);
	qsort(list.items, list.count, sizeof *list.items, compare_owned);
	add_listeners(observer, &list);
	add_connections(observer, &list, first);
	drop_closed(observer);
	return complete;
}

static void look_fired(void *owner)
{
	struct observer *observer = owner;

	look(observer, false);
	check_phases(observer);
	timer_set(observer->app->loop, &observer->look, clock_mono() + LOOK_INTERVAL);
}

/* ---- the news, for all observers ---- */

static void hear_news(void *arg, const struct netsock *sock)
{
	struct app *app = arg;
	struct observer *observer;

	TAILQ_FOREACH (observer, &app->observers, link)
		hear_close(observer, sock);
}

static void news_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct app *app = watcher->data;

	(void)loop;
	(void)revents;
	if (netsock_read_news(app->news, hear_news, app) < 0)
		log_debug("some closes were not told; the next look finds them");
}

/* The kernel tells only while somebody observes. */
static void listen_to_news(struct app *app)
{
	if (app->news >= 0)
		return;
	app->news = netsock_open_news();
	if (app->news < 0) {
		log_debug("closes are not told: %s; a look once a second must do", strerror(errno));
		return;
	}
	ev_io_init(&app->news_watcher, news_cb, app->news, EV_READ);
	app->news_watcher.data = app;
	ev_io_start(app->loop, &app->news_watcher);
}

static void forget_news(struct app *app)
{
	if (!TAILQ_EMPTY(&app->observers) || app->news < 0)
		return;
	ev_io_stop(app->loop, &app->news_watcher);
	fdio_close(&app->news);
}

/* ---- beginning and end ---- */

/* "127.0.0.1:27017 x10, 10.0.0.1:6379" */
static void list_peers(struct observer *observer)
{
	char names[PEERS_MAX][NETSOCK_TEXT], text[NETSOCK_TEXT];
	unsigned counts[PEERS_MAX] = {0};
	size_t known = 0, len = 0;

	for (size_t i = 0; i < observer->count; i++) {
		size_t at = 0;
		if (observer->open[i].role != ROLE_OUTBOUND)
			continue;
		netsock_remote_text(&observer->open[i].sock, text);
		while (at < known && strcmp(names[at], text) != 0)
			at++;
		if (at == PEERS_MAX)
			continue;
		if (at == known)
			memcpy(names[known++], text, sizeof text);
		counts[at]++;
	}
	for (size_t i = 0; i < known && len < sizeof observer->report.peers; i++)
		len += (size_t)snprintf(observer->report.peers + len,
			sizeof observer->report.peers - len, counts[i] > 1 ? "%s%s x%u" : "%s%s",
			i > 0 ? ", " : "", names[i], counts[i]);
}

static void begin_report(struct observer *observer)
{
	struct observe_report *report = &observer->report;

	*report = (struct observe_report){.not_accepting = -1, .drained = -1, .released = -1};
	report->visible = look(observer, true);
	report->listeners = observer->listeners;
	report->inbound = observer->inbound;
	report->outbound = observer->outbound;
	list_peers(observer);
}

void observe_begin(struct observer *observer, struct app *app, struct tree *tree, const char *dyno,
	uint64_t launch)
{
	*observer = (struct observer){
		.app = app, .tree = tree, .dyno = dyno, .launch = launch, .began = clock_mono()};
	timer_init(&observer->look, look_fired, observer);
	begin_report(observer);
	TAILQ_INSERT_TAIL(&app->observers, observer, link);
	if (observer->count == 0)
		return;
	listen_to_news(app);
	timer_set(app->loop, &observer->look, clock_mono() + LOOK_INTERVAL);
	say_open(observer);
}

void observe_stop(struct observer *observer)
{
	struct app *app = observer->app;

	if (app == NULL)
		return;
	timer_stop(app->loop, &observer->look);
	TAILQ_REMOVE(&app->observers, observer, link);
	free(observer->open);
	observer->open = NULL;
	observer->count = 0;
	observer->app = NULL;
	forget_news(app);
}

void observe_end(struct observer *observer)
{
	if (observer->app == NULL)
		return;
	if (observer->count > 0 && observer->app->news >= 0)
		netsock_read_news(observer->app->news, hear_news, observer->app);
	if (observer->count > 0) {
		/* Its processes are gone, so every socket that only they had is closed. */
		if (netsock_dump(observer->app->net.fd, false, &observer->app->sockets) == 0)
			drop_closed(observer);
		check_phases(observer);
	}
	observe_stop(observer);
}
