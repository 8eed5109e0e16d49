/* control: see the header. */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "conn.h"
#include "door.h"
#include "fdio.h"
#include "log.h"
#include "request.h"
#include "snapshot.h"
#include "timers.h"
#include "wire.h"
#include "xmalloc.h"

enum {
	CONNS_MAX = 512,
	ACCEPTS_A_TURN = 64,
	UNKNOWN_TOLD = 10 /* of the targets of one request */
};

/* How long one client may keep the others waiting with a question that takes a look at processes.
 */
#define WHY_LIMIT (200 * NSEC_PER_MSEC)

/* How long no client is accepted when descriptors have run out. */
static const double accept_pause = 1.;

struct control {
	struct supervisor *supervisor;
	struct door door;
	ev_io acceptor;
	ev_timer pause;
	ev_prepare end_of_turn;
	struct timer due; /* when a request should be checked again */
	struct conn_list conns;
	size_t count;
	bool is_full; /* clients wait for want of descriptors, and that was said */
	bool changed; /* some dyno has changed in this turn, or a request is due */
};

/* ---- progress ---- */

static void check_due(void *owner)
{
	((struct control *)owner)->changed = true;
}

/* One timer serves all: who is checked too early says once more when it is due. */
static void plan_check(struct control *control, nsec_t due)
{
	if (due != 0 && (!timer_is_set(&control->due) || due < control->due.due))
		timer_set(control->supervisor->loop, &control->due, due);
}

/* A request whose last dyno has got there is answered; what it says on the way is sent. */
static void check_request(struct conn *conn)
{
	struct request *request = conn->data;
	bool all_there = request_check(request, &conn->out);

	if (!all_there) {
		plan_check(conn->owner, request->due);
		if (conn->out.len > 0)
			conn_flush(conn);
		return;
	}
	answer_request(conn, request);
}

static void end_of_turn_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct control *control = watcher->data;
	struct conn *conn;

	(void)loop;
	(void)revents;
	if (!control->changed)
		return;
	control->changed = false;
	TAILQ_FOREACH (conn, &control->conns, link)
		if (conn->data != NULL && !conn->ending)
			check_request(conn);
}

static void place_changed(void *arg, struct place *place)
{
	struct control *control = arg;

	(void)place;
	control->changed = true;
}

static void send_event(struct conn *conn, const struct event *event)
{
	bson_t doc;

	wire_begin(&doc, "event");
	BSON_APPEND_DOCUMENT(&doc, "event", &event->doc);
	wire_add(&doc, &conn->out);
	conn_flush(conn);
}

static bool is_report(const struct event *event)
{
	return strcmp(event_get_str(&event->doc, "kind"), event_kind_name(EVENT_STOPPED)) == 0;
}

/* Every event goes to the clients that wait for its dyno and want to see; that the report of a stop
 * was lost, to all who wait for it. */
static void event_heard(void *arg, const struct event *event, const struct cause *lost)
{
	struct control *control = arg;
	const char *dyno = event_get_str(&event->doc, "dyno");
	bool report_lost = lost != NULL && is_report(event);
	struct conn *conn;

	TAILQ_FOREACH (conn, &control->conns, link) {
		struct request *request = conn->data;
		if (request == NULL || conn->ending || !(request->events || report_lost) ||
			dyno == NULL || !request_concerns(request, dyno))
			continue;
		if (report_lost)
			request_lose_report(request, lost);
		if (request->events)
			send_event(conn, event);
	}
}

/* ---- requests ---- */

/* Every target must name something. Returns false after answering the client. */
static bool check_targets(struct control *control, struct conn *conn, const struct strlist *targets)
{
	const struct formation *formation = &control->supervisor->formation;
	struct strlist unknown = STRLIST_INIT;

	for (size_t i = 0; i < targets->count && unknown.count < UNKNOWN_TOLD; i++)
		if (!formation_knows(formation, targets->items[i]))
			strlist_add(&unknown, targets->items[i]);
	bool all = unknown.count == 0;
	if (!all)
		answer_unknown(conn, formation, &unknown);
	strlist_release(&unknown);
	return all;
}

static void park(struct control *control, struct conn *conn, enum request_kind kind,
	const struct wire_request *wire)
{
	struct formation *formation = &control->supervisor->formation;
	struct request *request;

	if (!check_targets(control, conn, &wire->targets))
		return;
	if (kind != REQUEST_STOP && control->supervisor->ending.begun) {
		answer_ending(conn, formation);
		return;
	}
	/* It is in place before it begins, so that its client sees the first events too. */
	request = request_new(kind, formation, &wire->targets);
	request->events = wire->events;
	conn->data = request;
	if (wire->base != NULL)
		request_take_base(request, wire->base);
	answer_accepted(conn, &control->supervisor->app, request);
	/* Telling many dynos takes its time, so the client hears first that it was heard. */
	if (!conn_push(conn))
		return;
	if (kind == REQUEST_STOP && request->all)
		request->gentle = !ending_ask(&control->supervisor->ending);
	request_begin(request);
	check_request(conn);
}

static void do_start(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	park(control, conn, REQUEST_START, wire);
}

static void do_stop(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	park(control, conn, REQUEST_STOP, wire);
}

static void do_restart(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	park(control, conn, REQUEST_RESTART, wire);
}

static void do_ping(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	(void)wire;
	answer_alive(conn, &control->supervisor->app, control->supervisor->ending.begun);
	answer_done(conn, WIRE_DONE, "");
}

/* Nobody named: everybody. */
static bool is_meant(const struct place *place, const struct strlist *targets)
{
	bool meant = targets->count == 0;

	for (size_t i = 0; i < targets->count && !meant; i++)
		meant = place_matches(place, targets->items[i]);
	return meant;
}

static void do_ps(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	struct formation *formation = &control->supervisor->formation;
	bson_t doc;

	if (!check_targets(control, conn, &wire->targets))
		return;
	for (size_t i = 0; i < formation->count; i++) {
		struct place *place = &formation->places[i];
		if (!is_meant(place, &wire->targets))
			continue;
		wire_begin(&doc, "dyno");
		snapshot_place(place, wire->long_listing, &doc);
		wire_add(&doc, &conn->out);
	}
	answer_done(conn, WIRE_DONE, "");
}

static bool is_old(const struct dyno *dyno, const struct instance *instance)
{
	return instance != dyno->current && instance != dyno->next;
}

/* What `stops --why` asks about a dyno: each of its instances, or only those that are stopping. */
static void explain_place(struct conn *conn, struct place *place, bool named)
{
	static struct why why;
	struct runner *runner;
	bool any = false;
	bson_t doc;

	TAILQ_FOREACH (runner, &place->runners, link) {
		bool stopping = runner->instance.state == INSTANCE_STOPPING;
		if (!named && !stopping)
			continue;
		runner_why(runner, &why);
		wire_begin(&doc, "why");
		why_put(&why, &doc);
		BSON_APPEND_BOOL(&doc, "old", is_old(&place->dyno, &runner->instance));
		wire_add(&doc, &conn->out);
		any = true;
	}
	if (!named || any)
		return;
	wire_begin(&doc, "why");
	BSON_APPEND_UTF8(&doc, "dyno", place->dyno.name);
	BSON_APPEND_UTF8(&doc, "state", dyno_state_names[place->dyno.state]);
	wire_add(&doc, &conn->out);
}

/* To look at many processes takes time, in which nobody else is served, so it has a limit. */
static void do_why(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	struct formation *formation = &control->supervisor->formation;
	nsec_t end = clock_cpu() + WHY_LIMIT;
	unsigned unseen = 0;
	char text[96] = "";

	if (!check_targets(control, conn, &wire->targets))
		return;
	for (size_t i = 0; i < formation->count; i++) {
		struct place *place = &formation->places[i];
		if (!is_meant(place, &wire->targets))
			continue;
		if (clock_cpu() < end)
			explain_place(conn, place, wire->targets.count > 0);
		else
			unseen++;
	}
	if (unseen > 0)
		snprintf(text, sizeof text,
			"%u more dynos were not looked at, to save time; name those that are meant",
			unseen);
	answer_done(conn, WIRE_DONE, text);
}

static void do_upgrade(struct control *control, struct conn *conn, const struct wire_request *wire)
{
	(void)wire;
	if (control->supervisor->ending.begun) {
		answer_done(
			conn, WIRE_FAILED, "the supervisor is ending; there is nothing to upgrade");
		return;
	}
	answer_alive(conn, &control->supervisor->app, control->supervisor->ending.begun);
	answer_done(conn, WIRE_DONE, "");
	supervisor_upgrade(control->supervisor);
}

static const struct {
	const char *cmd;
	void (*run)(struct control *, struct conn *, const struct wire_request *);
} commands[] = {
	{"start", do_start},
	{"stop", do_stop},
	{"restart", do_restart},
	{"ps", do_ps},
	{"why", do_why},
	{"ping", do_ping},
	{"upgrade", do_upgrade},
};

static void frame_heard(struct conn *conn, const void *frame, size_t len)
{
	struct control *control = conn->owner;
	struct wire_request wire;
	struct cause cause;

	if (wire_read_request(frame, len, &wire, &cause) < 0) {
		answer_done(conn, WIRE_USAGE, cause.text);
		return;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].cmd, wire.cmd) == 0) {
			commands[i].run(control, conn, &wire);
			wire_request_release(&wire);
			return;
		}
	wire_request_release(&wire);
	cause_set(&cause,
		"the supervisor (version %s) does not know this command; use the same gracectl for "
		"both",
		GRACECTL_VERSION);
	answer_done(conn, WIRE_USAGE, cause.text);
}

static void conn_closed(struct conn *conn)
{
	struct control *control = conn->owner;

	if (conn->data != NULL)
		request_free(conn->data);
	TAILQ_REMOVE(&control->conns, conn, link);
	control->count--;
}

static const struct conn_ops control_conn_ops = {.frame = frame_heard, .closed = conn_closed};

/* ---- accepting ---- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

/* Else they wait in the queue. */
static bool has_room(void)
{
	int fd = dup(STDERR_FILENO);
	bool has_room = fd >= 0 && !fdio_is_spare(fd, FDIO_FOR_LOOKS);

	fdio_close(&fd);
	errno = EMFILE;
	return has_room;
}

static void pause_accepting(struct control *control)
{
	ev_io_stop(control->supervisor->loop, &control->acceptor);
	ev_timer_set(&control->pause, accept_pause, 0.);
	ev_timer_start(control->supervisor->loop, &control->pause);
}

static void hold_off(struct control *control, int error)
{
	if (!control->is_full)
		log_warn("clients must wait: %s", strerror(error));
	control->is_full = true;
	pause_accepting(control);
}

static void pause_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct control *control = watcher->data;

	(void)revents;
	ev_io_start(loop, &control->acceptor);
}

static void accept_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct control *control = watcher->data;

	(void)revents;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = has_room() ? accept4(control->door.fd, NULL, NULL,
					      SOCK_CLOEXEC | SOCK_NONBLOCK)
				    : -1;
		if (fd < 0 &&
			(errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
			hold_off(control, errno);
		if (fd < 0)
			return;
		control->is_full = false;
		if (!is_allowed(fd) || control->count >= CONNS_MAX) {
			close(fd);
			continue;
		}
		struct conn *conn = conn_new(loop, fd, &control_conn_ops, control);
		TAILQ_INSERT_TAIL(&control->conns, conn, link);
		control->count++;
	}
}

/* ---- life ---- */

/* The supervisor ends only when its clients have read their answers, or were too slow. */
static bool may_end(void *arg)
{
	struct control *control = arg;
	struct conn *conn;

	if (control->changed)
		return false;
	TAILQ_FOREACH (conn, &control->conns, link)
		if (conn->ending)
			return false;
	return true;
}

static void door_renewed(void *arg)
{
	struct control *control = arg;

	ev_io_stop(control->supervisor->loop, &control->acceptor);
	ev_io_set(&control->acceptor, control->door.fd, EV_READ);
	ev_io_start(control->supervisor->loop, &control->acceptor);
	supervisor_keep(control->supervisor);
}

static void door_ousted(void *arg)
{
	supervisor_give_way(((struct control *)arg)->supervisor);
}

static const struct door_ops door_ops = {.renewed = door_renewed, .ousted = door_ousted};

struct control *control_open(struct supervisor *supervisor, struct cause *cause)
{
	struct control *control = xcalloc(1, sizeof *control);

	control->supervisor = supervisor;
	TAILQ_INIT(&control->conns);
	if (door_open(&control->door, &supervisor->app, &door_ops, control, cause) < 0) {
		free(control);
		return NULL;
	}
	ev_io_init(&control->acceptor, accept_cb, control->door.fd, EV_READ);
	ev_init(&control->pause, pause_cb);
	timer_init(&control->due, check_due, control);
	ev_prepare_init(&control->end_of_turn, end_of_turn_cb);
	ev_set_priority(&control->end_of_turn, EV_MAXPRI);
	control->acceptor.data = control->pause.data = control->end_of_turn.data = control;
	ev_io_start(supervisor->loop, &control->acceptor);
	ev_prepare_start(supervisor->loop, &control->end_of_turn);
	supervisor->app.listener = event_heard;
	supervisor->app.listener_arg = control;
	supervisor->formation.changed = place_changed;
	supervisor->formation.changed_arg = control;
	supervisor->may_end = may_end;
	supervisor->may_end_arg = control;
	return control;
}

void control_close(struct control *control)
{
	struct supervisor *supervisor = control->supervisor;
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&control->conns)) != NULL)
		conn_close(conn);
	ev_io_stop(supervisor->loop, &control->acceptor);
	ev_timer_stop(supervisor->loop, &control->pause);
	timer_stop(supervisor->loop, &control->due);
	ev_prepare_stop(supervisor->loop, &control->end_of_turn);
	supervisor->app.listener = NULL;
	supervisor->formation.changed = NULL;
	door_close(&control->door);
	free(control);
}
