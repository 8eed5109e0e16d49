/* livework: see the header. */
#include "livework.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "ladder.h"
#include "xmalloc.h"

/* ---- the rows ---- */

void livework_expect(struct livework *work, const bson_t *base)
{
	bson_iter_t iter;
	bson_t doc;

	if (work->count > 0 || !bson_iter_init(&iter, base))
		return;
	work->rows = xcalloc(bson_count_keys(base) + 1, sizeof *work->rows);
	while (bson_iter_next(&iter)) {
		if (!doc_at(&iter, &doc))
			continue;
		struct live_row *row = &work->rows[work->count++];
		snprintf(row->dyno, sizeof row->dyno, "%s", doc_text(&doc, "dyno"));
		unsigned width = (unsigned)strlen(row->dyno);
		if (width > work->name_width)
			work->name_width = width;
	}
}

static struct live_row *find(struct livework *work, const char *dyno)
{
	for (size_t i = 0; i < work->count; i++) {
		size_t at = (work->hint + i) % work->count;
		if (strcmp(work->rows[at].dyno, dyno) != 0)
			continue;
		work->hint = at;
		return &work->rows[at];
	}
	return NULL;
}

static bool is_moving(const struct live_row *row)
{
	return row->stop.launch != 0 || row->boot.launch != 0;
}

size_t livework_pick(const struct livework *work, const struct live_row **out, size_t max)
{
	size_t count = 0;

	for (int moving = 1; moving >= 0; moving--)
		for (size_t i = 0; i < work->count && count < max; i++) {
			const struct live_row *row = &work->rows[i];
			if (!row->done && is_moving(row) == moving)
				out[count++] = row;
		}
	return count;
}

bool livework_is_curious(const struct live_row *row)
{
	return !row->done && (row->stop.launch != 0 || !row->seen);
}

const struct live_row *livework_result(struct livework *work, const char *dyno)
{
	struct live_row *row = find(work, dyno);

	if (row == NULL || row->done)
		return NULL;
	row->done = true;
	work->done++;
	return row;
}

void livework_release(struct livework *work)
{
	free(work->rows);
	*work = (struct livework){0};
}

/* ---- a stop ---- */

static const char *const phase_names[PHASES] = {
	[PHASE_UNSEEN] = "",
	[PHASE_ACCEPTING] = "accepting",
	[PHASE_DRAINING] = "draining",
	[PHASE_RELEASING] = "releasing",
	[PHASE_ENDING] = "ending",
};

static enum live_phase phase_find(const char *name)
{
	for (int i = 0; i < PHASES; i++)
		if (strcmp(phase_names[i], name) == 0)
			return (enum live_phase)i;
	return PHASE_UNSEEN;
}

static unsigned count_of(const bson_t *doc, const char *key)
{
	int64_t value = doc_int(doc, key);

	return value > 0 && value < INT32_MAX ? (unsigned)value : 0;
}

static void set_signal(struct live_stop *stop, const bson_t *doc)
{
	snprintf(stop->signal, sizeof stop->signal, "%s", doc_text(doc, "signal"));
	stop->killed = strcmp(stop->signal, "SIGKILL") == 0;
}

void live_stop_read(struct live_stop *stop, const bson_t *doc, nsec_t now)
{
	set_signal(stop, doc);
	stop->began = now - doc_int(doc, "elapsed_ms") * NSEC_PER_MSEC;
	if (bson_has_field(doc, "kill_in_ms"))
		stop->kill_at = now + doc_int(doc, "kill_in_ms") * NSEC_PER_MSEC;
	else if (!stop->killed) /* once it is out, the time that there was is still worth showing */
		stop->kill_at = 0;
	stop->phase = phase_find(doc_text(doc, "phase"));
	stop->processes = count_of(doc, "processes");
	stop->inbound = count_of(doc, "inbound");
	stop->outbound = count_of(doc, "outbound");
}

/* What is left of it: connections, or, where none are counted, processes, of which one is usual. */
void live_stop_text(const struct live_stop *stop, bool brief, struct buf *out)
{
	static const char *const words[PHASES] = {
		"stopping", "accepting", "draining", "releasing", "ending"};
	bool sockets =
		!stop->killed && stop->phase >= PHASE_ACCEPTING && stop->phase <= PHASE_RELEASING;
	bool object = sockets && stop->phase != PHASE_ACCEPTING;
	unsigned left = !sockets			 ? stop->processes
			: stop->phase == PHASE_RELEASING ? stop->outbound
							 : stop->inbound;

	if (stop->killed)
		buf_adds(out, brief ? "killed" : "SIGKILL sent");
	else
		buf_adds(out, words[stop->phase]);
	if (left < (sockets ? 1 : 2) || (brief && !sockets))
		return;
	buf_addf(out, "%s%u", brief || object ? " " : ", ", left);
	if (!brief && sockets)
		buf_adds(out, left == 1 ? " connection" : " connections");
	else if (!brief)
		buf_adds(out, " processes");
}

/* The phase that its counts stand for once its listeners are closed. */
static enum live_phase closed_phase(const struct live_stop *stop)
{
	return stop->inbound > 0    ? PHASE_DRAINING
	       : stop->outbound > 0 ? PHASE_RELEASING
				    : PHASE_ENDING;
}

/* ---- events ---- */

/*
 * The stop that an event is about, or NULL when it is about another than the one that is shown: two
 * restarts in a row leave two old instances. What was open is told just before the signal, and who
 * comes late to a stop learns of it by what happens next.
 */
static struct live_stop *stop_of(struct live_row *row, const bson_t *event, nsec_t now)
{
	uint64_t launch = (uint64_t)event_get_int(event, "launch");

	if (launch == row->report.launch)
		return NULL;
	if (row->stop.launch == 0)
		row->stop = (struct live_stop){.launch = launch, .began = now};
	return row->stop.launch == launch ? &row->stop : NULL;
}

static void hear_signal(struct live_stop *stop, const bson_t *event)
{
	set_signal(stop, event);
}

static void hear_process_exit(struct live_stop *stop, const bson_t *event)
{
	stop->processes = count_of(event, "left");
}

static void hear_open(struct live_stop *stop, const bson_t *event)
{
	stop->inbound = count_of(event, "inbound");
	stop->outbound = count_of(event, "outbound");
}

static void hear_not_accepting(struct live_stop *stop, const bson_t *event)
{
	(void)event;
	stop->phase = closed_phase(stop);
}

static void hear_drained(struct live_stop *stop, const bson_t *event)
{
	(void)event;
	stop->inbound = 0;
	stop->phase = closed_phase(stop);
}

static void hear_released(struct live_stop *stop, const bson_t *event)
{
	(void)event;
	stop->outbound = 0;
	if (stop->inbound == 0)
		stop->phase = PHASE_ENDING;
}

static void hear_stop(struct live_row *row, const bson_t *event, nsec_t now)
{
	uint64_t launch = (uint64_t)event_get_int(event, "launch");
	struct live_stop *stop = &row->stop;
	struct ladder ladder;
	struct cause cause;

	if (stop->launch != launch)
		*stop = (struct live_stop){.launch = launch};
	stop->began = now;
	row->told = launch;
	set_signal(stop, event);
	stop->processes = count_of(event, "processes");
	if (ladder_parse(doc_text(event, "ladder"), &ladder, &cause) < 0)
		return;
	nsec_t grace = ladder_grace(&ladder);
	bool kills = ladder.rung[ladder.count - 1].signo == signal_number("KILL");
	stop->kill_at = kills && grace != LADDER_FOREVER ? stop->began + grace : 0;
}

static void hear_left(struct live_row *row, const bson_t *event, nsec_t now)
{
	(void)now;
	snprintf(row->report.killed, sizeof row->report.killed, "%s", doc_text(event, "names"));
}

static nsec_t time_of(const bson_t *report, const char *key)
{
	return bson_has_field(report, key) ? doc_int(report, key) * NSEC_PER_MSEC : -1;
}

/* A verdict that is only about the status says nothing that the status does not. */
static bool is_remarkable(const char *verdict)
{
	return verdict[0] != '\0' && strcmp(verdict, "clean") != 0 &&
	       strncmp(verdict, "status", strlen("status")) != 0;
}

static void read_report(struct live_report *report, const bson_t *event)
{
	report->took = doc_int(event, "ms") * NSEC_PER_MSEC;
	report->drained = time_of(event, "drained_ms");
	report->released = time_of(event, "released_ms");
	if (doc_int(event, "visible") == 0)
		report->drained = report->released = -1;
	report->status = bson_has_field(event, "status") ? (int)doc_int(event, "status") : -1;
	report->remarkable = is_remarkable(doc_text(event, "verdict"));
	snprintf(report->evidence, sizeof report->evidence, "%s", doc_text(event, "evidence"));
}

/* A stop that was told when it began had begun a moment before: who waits for several hears of them
 * when all are under way. The whole is not shorter than that part of it. */
static void begin_before(struct live_row *row, nsec_t began)
{
	if (row->began > began)
		row->began = began;
}

/* Of an old instance and a new one that does not come up, the end of the old one is worth more. */
static void hear_stopped(struct live_row *row, const bson_t *event, nsec_t now)
{
	uint64_t launch = (uint64_t)event_get_int(event, "launch");
	bool is_new = row->boot.launch == launch;

	if (!is_new || row->report.launch == 0) {
		row->report.launch = launch;
		row->report.is_new = is_new;
		read_report(&row->report, event);
	}
	if (row->told == launch)
		begin_before(row, now - doc_int(event, "ms") * NSEC_PER_MSEC);
	if (is_new)
		row->boot.launch = 0;
	if (row->stop.launch != launch)
		return;
	row->stop.launch = 0;
	row->seen = false; /* there may be another one that is being stopped */
}

static void hear_launch(struct live_row *row, const bson_t *event, nsec_t now)
{
	row->boot = (struct live_boot){
		.launch = (uint64_t)event_get_int(event, "launch"),
		.began = now,
		.pid = (int)doc_int(event, "pid"),
		.port = (int)doc_int(event, "port"),
	};
	row->seen = false;
}

static void hear_state(struct live_row *row, const bson_t *event, nsec_t now)
{
	if (strcmp(doc_text(event, "to"), "up") == 0 && row->boot.launch != 0)
		row->boot.up_at = now;
}

/* What the kinds of events tell: of the dyno, or of the stop of one of its instances. */
static const struct {
	enum event_kind kind;
	void (*row)(struct live_row *row, const bson_t *event, nsec_t now);
	void (*stop)(struct live_stop *stop, const bson_t *event);
} ears[] = {
	{EVENT_STATE, .row = hear_state},
	{EVENT_LAUNCH, .row = hear_launch},
	{EVENT_STOP, .row = hear_stop},
	{EVENT_STOP_MAIN, .row = hear_stop},
	{EVENT_STOP_NEXT, .stop = hear_signal},
	{EVENT_STOP_KILL, .stop = hear_signal},
	{EVENT_BOOT_KILL, .stop = hear_signal},
	{EVENT_PROCESS_EXIT, .stop = hear_process_exit},
	{EVENT_OPEN, .stop = hear_open},
	{EVENT_NOT_ACCEPTING, .stop = hear_not_accepting},
	{EVENT_DRAINED, .stop = hear_drained},
	{EVENT_RELEASED, .stop = hear_released},
	{EVENT_LEFT, .row = hear_left},
	{EVENT_STOPPED, .row = hear_stopped},
};

static void tell(struct live_row *row, size_t ear, const bson_t *event, nsec_t now)
{
	if (ears[ear].row != NULL) {
		ears[ear].row(row, event, now);
		return;
	}
	struct live_stop *stop = stop_of(row, event, now);
	if (stop != NULL)
		ears[ear].stop(stop, event);
}

void livework_event(struct livework *work, const bson_t *event, nsec_t now)
{
	struct live_row *row = find(work, doc_text(event, "dyno"));
	int kind = event_kind_find(doc_text(event, "kind"));

	if (row == NULL || row->done)
		return;
	if (row->began == 0)
		row->began = now;
	row->heard = now;
	for (size_t i = 0; i < sizeof ears / sizeof *ears; i++)
		if ((int)ears[i].kind == kind)
			tell(row, i, event, now);
}

/* ---- answers to ps ---- */

/* The answer may be older than the last event: an instance whose end was reported does not come
 * back. */
static void look_at_stop(struct live_row *row, const bson_t *instance, nsec_t now)
{
	uint64_t launch = (uint64_t)doc_int(instance, "launch");
	bson_t doc;

	if (!doc_child(instance, "stop", &doc))
		return;
	if (row->report.launch == launch) {
		row->seen = false;
		return;
	}
	if (row->stop.launch == 0)
		row->stop = (struct live_stop){.launch = launch};
	if (row->stop.launch == launch)
		live_stop_read(&row->stop, &doc, now);
}

static void look_at_boot(struct live_row *row, const bson_t *instance, nsec_t now)
{
	struct live_boot *boot = &row->boot;
	uint64_t launch = (uint64_t)doc_int(instance, "launch");
	bson_t doc;

	if (!doc_child(instance, "boot", &doc) || boot->launch > launch)
		return;
	if (boot->launch < launch)
		*boot = (struct live_boot){.launch = launch,
			.pid = (int)doc_int(instance, "pid"),
			.port = (int)doc_int(instance, "port")};
	boot->began = now - doc_int(&doc, "elapsed_ms") * NSEC_PER_MSEC;
	if (bson_has_field(&doc, "kill_in_ms"))
		boot->due = now + doc_int(&doc, "kill_in_ms") * NSEC_PER_MSEC;
}

/* An answer that may be older than the last event is worth nothing: the next one comes soon. */
void livework_snapshot(struct livework *work, const bson_t *dyno, nsec_t asked, nsec_t now)
{
	struct live_row *row = find(work, doc_text(dyno, "name"));
	bson_t list, instance;
	bson_iter_t iter;

	if (row == NULL || row->done || row->heard > asked)
		return;
	row->seen = true;
	if (!doc_child(dyno, "instances", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter))
		if (doc_at(&iter, &instance)) {
			look_at_stop(row, &instance, now);
			look_at_boot(row, &instance, now);
		}
}
