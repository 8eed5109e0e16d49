/* why-report: what is said about a look at the processes of an instance: in the log, in an answer.
 */
#include <signal.h>
#include <stdio.h>

#include "doc.h"
#include "ladder.h"
#include "why.h"

/* ---- a process ---- */

/* Of a process that could not be looked at in whole there are that many, and perhaps others. */
static void add_peers(struct buf *out, const struct why_process *process, unsigned count,
	const char *what, const char *peers)
{
	if (count > 0)
		buf_addf(out, "; %s%u %s (%s)", process->visible ? "" : "at least ", count, what,
			peers);
}

void why_describe(const struct why_process *process, struct buf *out)
{
	bool held = procstate_is_held(&process->now);

	/* What keeps it from acting at all explains more than what it would do. */
	if (!held && process->signals[0] != '\0')
		buf_addf(out, "%s; ", process->signals);
	procstate_describe(&process->now, process->pid, out);
	if (held && process->signals[0] != '\0')
		buf_addf(out, "; %s", process->signals);
	if (process->listening[0] != '\0')
		buf_addf(out, "; listening on %s", process->listening);
	add_peers(out, process, process->inbound, "inbound", process->inbound_peers);
	add_peers(out, process, process->outbound, "outbound", process->outbound_peers);
	if (process->elsewhere)
		buf_adds(out, "; its sockets are in another network namespace and cannot be seen");
	else if (!process->visible)
		buf_adds(out, "; not all of its sockets could be seen");
	if (process->children[0] != '\0')
		buf_addf(out, "; children: %s", process->children);
}

static void put_text(bson_t *doc, const char *key, const char *text)
{
	if (text[0] != '\0')
		doc_put_text(doc, key, text);
}

/* The fields of a process, in an event as in an answer. */
static void put_process(const struct why_process *process, bson_t *doc)
{
	struct buf text = BUF_INIT;

	BSON_APPEND_INT64(doc, "pid", process->pid);
	BSON_APPEND_INT64(doc, "parent", process->parent);
	put_text(doc, "command", process->now.command);
	put_text(doc, "state", procstate_word(&process->now));
	put_text(doc, "wait_channel", process->now.channel);
	put_text(doc, "signals", process->signals);
	put_text(doc, "listening", process->listening);
	if (process->visible) {
		BSON_APPEND_INT64(doc, "inbound", process->inbound);
		BSON_APPEND_INT64(doc, "outbound", process->outbound);
	}
	put_text(doc, "inbound_peers", process->inbound_peers);
	put_text(doc, "outbound_peers", process->outbound_peers);
	put_text(doc, "children", process->children);
	why_describe(process, &text);
	put_text(doc, "text", text.data);
	buf_release(&text);
}

/* "30 s", "2.5 s", "30m"; with tenths also "15.0 s". */
static const char *format_time(nsec_t time, bool tenths, char text[static DURATION_TEXT])
{
	const nsec_t grain = NSEC_PER_SEC / 10;

	time = (time + grain / 2) / grain * grain;
	if (time < 2 * NSEC_PER_MIN)
		snprintf(text, DURATION_TEXT,
			tenths || time % NSEC_PER_SEC != 0 ? "%.1f s" : "%.0f s",
			(double)time / (double)NSEC_PER_SEC);
	else
		duration_format(time - time % NSEC_PER_SEC, text);
	return text;
}

int why_signal(const struct instance *instance)
{
	return instance->boot_forced ? SIGKILL
				     : instance->config->stop.rung[instance->rung - 1].signo;
}

/* What there is before SIGKILL, 0 when that does not come by itself: what the ladder allows, which
 * counts from the signal itself, unless somebody was in a hurry. */
static nsec_t allowed(const struct instance *instance)
{
	nsec_t kill_time = instance_kill_time(instance);

	if (kill_time == 0)
		return 0;
	return instance->hurried ? kill_time - instance->stop_began
				 : ladder_grace(&instance->config->stop);
}

static void publish(struct app *app, struct event *event)
{
	app_publish(app, event);
	event_release(event);
}

static void publish_head(const struct why *why, struct app *app)
{
	const struct instance *instance = why->instance;
	nsec_t elapsed = why->taken - instance->stop_began, all = allowed(instance);
	char after[DURATION_TEXT], of[DURATION_TEXT], text[3 * DURATION_TEXT];
	struct event event;

	event_begin(&event, EVENT_WHY, clock_wall(), instance->dyno, instance->launch);
	event_int(&event, "ms", elapsed / NSEC_PER_MSEC);
	if (all > 0)
		event_int(&event, "allowed_ms", all / NSEC_PER_MSEC);
	event_int(&event, "processes", why->count);
	format_time(elapsed, true, after);
	if (all > 0)
		snprintf(text, sizeof text, "%s of %s", after, format_time(all, false, of));
	else
		snprintf(text, sizeof text, "%s, %s", after,
			why_signal(instance) == SIGKILL ? "SIGKILL was sent"
							: "no SIGKILL to come");
	event_str(&event, "after", text);
	text[0] = '\0';
	if (why->shown < why->count)
		snprintf(text, sizeof text, ", %u of them shown", why->shown);
	event_str(&event, "more", text);
	publish(app, &event);
}

void why_publish(const struct why *why, struct app *app)
{
	const struct instance *instance = why->instance;
	struct event event;

	if (why->count == 0)
		return;
	publish_head(why, app);
	for (unsigned i = 0; i < why->shown; i++) {
		event_begin(
			&event, EVENT_WHY_PROCESS, clock_wall(), instance->dyno, instance->launch);
		put_process(&why->processes[i], &event.doc);
		publish(app, &event);
	}
}

static void put_stop(const struct why *why, bson_t *doc)
{
	const struct instance *instance = why->instance;
	nsec_t kill_time = instance_kill_time(instance);

	put_text(doc, "signal", signal_name(why_signal(instance)));
	BSON_APPEND_INT64(doc, "elapsed_ms", (why->taken - instance->stop_began) / NSEC_PER_MSEC);
	if (kill_time > 0)
		BSON_APPEND_INT64(doc, "kill_in_ms",
			kill_time > why->taken ? (kill_time - why->taken) / NSEC_PER_MSEC : 0);
}

void why_put(const struct why *why, bson_t *doc)
{
	const struct instance *instance = why->instance;
	char ladder[LADDER_TEXT], key[16];
	const char *name;
	bson_t list, item;

	put_text(doc, "dyno", instance->dyno);
	BSON_APPEND_INT64(doc, "launch", (int64_t)instance->launch);
	put_text(doc, "state", instance_state_names[instance->state]);
	if (instance->rung > 0)
		put_stop(why, doc);
	put_text(doc, "ladder", ladder_format(&instance->config->stop, ladder));
	BSON_APPEND_INT64(doc, "processes", why->count);
	bson_append_array_begin(doc, "held_by", -1, &list);
	for (uint32_t i = 0; i < why->shown; i++) {
		bson_uint32_to_string(i, &name, key, sizeof key);
		bson_append_document_begin(&list, name, -1, &item);
		put_process(&why->processes[i], &item);
		bson_append_document_end(&list, &item);
	}
	bson_append_array_end(doc, &list);
}
