/* observe-lines: see observe-parts.h. */
#include <stdio.h>

#include "observe-parts.h"
#include "peers.h"

enum {
	PEERS_SHOWN = 8,
	LINE_PEERS = 256,
	SECONDS_TEXT = 32
};

static void begin_event(const struct observer *observer, struct event *event, enum event_kind kind)
{
	event_begin(event, kind, clock_wall(), observer->subject.dyno, observer->subject.launch);
}

static void publish(struct observer *observer, struct event *event)
{
	app_publish(observer->app, event);
	event_release(event);
}

static const char *seconds(nsec_t time, char text[static SECONDS_TEXT])
{
	snprintf(text, SECONDS_TEXT, "%.2f", (double)time / (double)NSEC_PER_SEC);
	return text;
}

void observe_say_phase(
	struct observer *observer, enum event_kind kind, nsec_t after, unsigned count)
{
	char text[SECONDS_TEXT];
	struct event event;

	begin_event(observer, &event, kind);
	event_str(&event, "seconds", seconds(after, text));
	event_int(&event, "count", count);
	publish(observer, &event);
}

void observe_say_open(struct observer *observer)
{
	const struct observe_report *report = &observer->report;
	char peers[LINE_PEERS];
	struct event event;

	if (report->inbound + report->outbound == 0)
		return;
	begin_event(observer, &event, EVENT_OPEN);
	event_int(&event, "inbound", report->inbound);
	event_int(&event, "outbound", report->outbound);
	observe_list_peers(observer, PEERS_SHOWN, peers, sizeof peers);
	event_str(&event, "peers", peers);
	event_str(&event, "other_ports", report->other_ports);
	event_int(&event, "beside", report->beside);
	publish(observer, &event);
}

static void say_count(struct observer *observer, enum event_kind kind, unsigned count)
{
	struct event event;

	if (count == 0)
		return;
	begin_event(observer, &event, kind);
	event_int(&event, "count", count);
	publish(observer, &event);
}

/* Those whom the stop has left without an answer. */
void observe_say_lost(struct observer *observer)
{
	say_count(observer, EVENT_RESET, observer->report.reset);
	say_count(observer, EVENT_UNANSWERED, observer->report.unanswered);
}

/* The main process has a line of its own, see EVENT_MAIN_EXIT and EVENT_EXIT. How many are left is
 * not known when not all are watched; then nobody's end is a line. */
void observe_say_end(struct observer *observer, const struct procwatch_item *item, nsec_t after)
{
	const struct procwatch *processes = &observer->processes;
	char text[SECONDS_TEXT];
	struct event event;

	if (item->id.pid == observer->subject.tree->main.pid || processes->count < 2 ||
		processes->watched < processes->count)
		return;
	begin_event(observer, &event, EVENT_PROCESS_EXIT);
	event_int(&event, "pid", item->id.pid);
	event_str(&event, "name", item->name);
	event_str(&event, "seconds", seconds(after, text));
	event_int(&event, "left", (int64_t)processes->left);
	publish(observer, &event);
}

static const char *peer_text(const struct socktable_row *row, char text[static PEERS_ADDRESS])
{
	char address[NETSOCK_TEXT];

	if (row->name != NULL)
		snprintf(text, PEERS_ADDRESS, "unix:%s", row->name);
	else
		snprintf(text, PEERS_ADDRESS, "%s", netsock_remote_text(&row->sock, address));
	return text;
}

void observe_list_peers(const struct observer *observer, unsigned shown, char *text, size_t size)
{
	static struct peers peers;
	char name[PEERS_ADDRESS];

	peers_clear(&peers);
	for (size_t i = 0; i < observer->table.count; i++)
		if (observer->table.rows[i].role == ROLE_OUTBOUND)
			peers_add(&peers, peer_text(&observer->table.rows[i], name));
	peers_list(&peers, shown, text, size);
}
