/*
 * event: see the header.
 *
 * The lines below are the whole translation from documents to the log. In a template, {field} is
 * the value of that field, {a|b} that of the first one which the event has, {field:one:many} a
 * word that follows its number, and {field?text} a text, with the value in the place of its *, if
 * the event has that field and it is not empty. The lines that Heroku has are Heroku's, byte for
 * byte.
 */
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* A value longer than this is cut; even with every byte escaped, a line of the journal then has
 * room for it. */
enum {
	VALUE_MAX = 8192,
	FIELD_MAX = 64
};

static const struct {
	const char *name;
	const char *line; /* NULL: not in the log */
} kinds[EVENT_KINDS] = {
	[EVENT_SUPERVISOR_START] = {"supervisor-start",
		"Supervisor {version} started with pid {pid}"},
	[EVENT_SUPERVISOR_STOP] = {"supervisor-stop", "Supervisor is ending: {reason}"},
	[EVENT_LAUNCH] = {"launch", "Starting process with command `{command}`"},
	[EVENT_LAUNCH_FAILED] = {"launch-failed", "Cannot start `{command}`: {reason}"},
	[EVENT_STATE] = {"state", "State changed from {from} to {to}"},
	[EVENT_RESTART] = {"restart", "Restarting"},
	[EVENT_CYCLE] = {"cycle", "Cycling"},
	[EVENT_BOOT_TIMEOUT] = {"boot-timeout",
		"Error R10 (Boot timeout) -> Web process failed to {what} within {seconds} seconds "
		"of launch"},
	[EVENT_BOOT_KILL] = {"boot-kill", "Stopping process with {signal}"},
	[EVENT_STOP] = {"stop", "Stopping all processes with {signal}"},
	[EVENT_STOP_MAIN] = {"stop-main", "Stopping main process with {signal}"},
	[EVENT_STOP_NEXT] = {"stop-next",
		"Stopping {processes} remaining {processes:process:processes} with {signal}"},
	[EVENT_STOP_TIMEOUT] = {"stop-timeout",
		"Error R12 (Exit timeout) -> At least one process failed to exit within {seconds} "
		"seconds of {signal}"},
	[EVENT_STOP_KILL] = {"stop-kill", "Stopping remaining processes with {signal}"},
	[EVENT_REFUSED] = {"refused",
		"{processes} {processes:process:processes} may not be signalled by the supervisor: "
		"{names}; whoever may can end {processes:it:them}"},
	[EVENT_LEFT] = {"left",
		"Killed {processes} {processes:process:processes} that did not end after {signal}: "
		"{names}"},
	[EVENT_WHY] = {"why", "Still stopping after {after}: {processes} "
			      "{processes:process:processes} left{more}"},
	[EVENT_WHY_PROCESS] = {"why-process", "  pid {pid} {command}: {text}"},
	[EVENT_OPEN] = {"open", "Open at the signal: {inbound} inbound "
				"{inbound:connection:connections}, {outbound} "
				"outbound{peers? (*)}{other_ports?; also listening on *}"},
	[EVENT_NOT_ACCEPTING] = {"not-accepting", "Not accepting any more after {seconds} s"},
	[EVENT_DRAINED] = {"drained",
		"Drained after {seconds} s: {count} inbound {count:connection:connections} closed"},
	[EVENT_RELEASED] = {"released",
		"Released after {seconds} s: {count} outbound {count:connection:connections} "
		"closed"},
	[EVENT_UNANSWERED] = {"unanswered",
		"{count} {count:connection:connections} had sent something and got no byte of "
		"answer"},
	[EVENT_RESET] = {"reset", "{count} {count:connection:connections} that nobody had accepted "
				  "dropped with the listener"},
	[EVENT_PROCESS_EXIT] = {"process-exit",
		"Process {pid} ({name}) ended after {seconds} s, {left} left"},
	[EVENT_STOPPED] = {"stopped", NULL},
	[EVENT_MAIN_EXIT] = {"main-exit",
		"Main process exited with status {status|reason}, waiting for {left} more: "
		"{names}"},
	[EVENT_EXIT] = {"exit", "Process exited with status {status}"},
	[EVENT_EXIT_UNKNOWN] = {"exit-unknown", "Process exited with unknown status: {reason}"},
	[EVENT_COOLING] = {"cooling",
		"Crashed {crashes} {crashes:time:times} in a row, next try in {pause}"},
	[EVENT_OUTPUT_DROPPED] = {"output-dropped",
		"Dropped {bytes} {bytes:byte:bytes} of output: {reason}"},
	[EVENT_NOTE] = {"note", "{text}"},
};

const char *event_kind_name(enum event_kind kind)
{
	return kinds[kind].name;
}

int event_kind_find(const char *name)
{
	for (int i = 0; i < EVENT_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return i;
	return -1;
}

void event_begin(
	struct event *event, enum event_kind kind, nsec_t wall, const char *dyno, uint64_t launch)
{
	char time[TIME_TEXT];

	bson_init(&event->doc);
	event_int(event, "seq",
		0); /* in the first place from the beginning; the journal fills it in */
	event_str(event, "time", time_format_exact(wall, time));
	event_str(event, "kind", event_kind_name(kind));
	if (dyno == NULL)
		return;
	event_str(event, "dyno", dyno);
	event_int(event, "launch", (int64_t)launch);
}

void event_str(struct event *event, const char *key, const char *value)
{
	struct buf text = BUF_INIT;

	if (value == NULL) /* the same as a missing field, for the reader too */
		return;
	size_t len = strnlen(value, VALUE_MAX);
	utf8_append_valid(&text, value, len);
	if (value[len] != '\0')
		buf_adds(&text, "...");
	bson_append_utf8(&event->doc, key, -1, text.len > 0 ? text.data : "", (int)text.len);
	buf_release(&text);
}

void event_int(struct event *event, const char *key, int64_t value)
{
	bson_append_int64(&event->doc, key, -1, value);
}

void event_list(struct event *event, const char *key, size_t count,
	void (*fill)(const void *arg, size_t at, struct event *row), const void *arg)
{
	bson_t list;
	char text[16];
	const char *name;

	bson_append_array_begin(&event->doc, key, -1, &list);
	for (size_t i = 0; i < count; i++) {
		struct event row;
		bson_uint32_to_string((uint32_t)i, &name, text, sizeof text);
		bson_append_document_begin(&list, name, -1, &row.doc);
		fill(arg, i, &row);
		bson_append_document_end(&list, &row.doc);
	}
	bson_append_array_end(&event->doc, &list);
}

void event_release(struct event *event)
{
	bson_destroy(&event->doc);
}

const char *event_get_str(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	if (!bson_iter_init_find(&iter, doc, key) || !BSON_ITER_HOLDS_UTF8(&iter))
		return NULL;
	return bson_iter_utf8(&iter, NULL);
}

int64_t event_get_int(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) ? bson_iter_as_int64(&iter) : 0;
}

nsec_t event_time(const bson_t *doc)
{
	const char *text = event_get_str(doc, "time");
	struct cause cause;
	nsec_t wall;

	return text != NULL && time_parse(text, 0, &wall, &cause) == 0 ? wall : 0;
}

/* The text behind a name, which is in quotation marks. */
static bool peek(
	const char *line, size_t len, const char *name, const char **text, size_t *text_len)
{
	enum {
		BEGINNING = 512
	};
	const char *end = line + (len < BEGINNING ? len : BEGINNING);
	const char *at = memmem(line, (size_t)(end - line), name, strlen(name));

	if (at == NULL)
		return false;
	for (at += strlen(name); at < end && (*at == ' ' || *at == ':'); at++)
		;
	const char *quote =
		at < end && *at == '"' ? memchr(at + 1, '"', (size_t)(end - at - 1)) : NULL;
	if (quote == NULL)
		return false;
	*text = at + 1;
	*text_len = (size_t)(quote - at - 1);
	return true;
}

bool event_peek_dyno(const char *line, size_t len, const char **dyno, size_t *dyno_len)
{
	return peek(line, len, "\"dyno\"", dyno, dyno_len);
}

nsec_t event_peek_time(const char *line, size_t len)
{
	char time[TIME_TEXT];
	struct cause cause;
	const char *text;
	size_t text_len;
	nsec_t wall;

	if (!peek(line, len, "\"time\"", &text, &text_len) || text_len >= sizeof time)
		return 0;
	memcpy(time, text, text_len);
	time[text_len] = '\0';
	return time_parse(time, 0, &wall, &cause) == 0 ? wall : 0;
}

/* A line of the log is one line, whatever a value holds. */
static void add_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		buf_addc(out, (unsigned char)*text < ' ' ? ' ' : *text);
}

static bool add_value(const bson_t *doc, const char *key, struct buf *out)
{
	bson_iter_t iter;

	if (!bson_iter_init_find(&iter, doc, key))
		return false;
	if (BSON_ITER_HOLDS_UTF8(&iter))
		add_text(out, bson_iter_utf8(&iter, NULL));
	else
		buf_addf(out, "%lld", (long long)bson_iter_as_int64(&iter));
	return true;
}

static void add_if(const char *value, const char *text, struct buf *out)
{
	if (value == NULL || value[0] == '\0')
		return;
	for (; *text != '\0'; text++)
		if (*text == '*')
			add_text(out, value);
		else
			buf_addc(out, *text);
}

/* Appends what stands for {field}, which is cut up on the way. */
static void add_field(const bson_t *doc, char *field, struct buf *out)
{
	char *one = strchr(field, ':'), *text = strchr(field, '?');

	if (text != NULL) {
		*text++ = '\0';
		add_if(event_get_str(doc, field), text, out);
		return;
	}
	if (one != NULL) {
		*one++ = '\0';
		char *many = strchr(one, ':');
		*many++ = '\0';
		buf_adds(out, event_get_int(doc, field) == 1 ? one : many);
		return;
	}
	char *rest = field;
	for (char *key; (key = strsep(&rest, "|")) != NULL;)
		if (add_value(doc, key, out))
			return;
	buf_adds(out, "?");
}

bool event_render(const bson_t *doc, struct buf *out)
{
	const char *name = event_get_str(doc, "kind");
	int kind = name != NULL ? event_kind_find(name) : -1;

	if (kind < 0 || kinds[kind].line == NULL)
		return false;
	const char *at = kinds[kind].line;
	for (const char *open; (open = strchr(at, '{')) != NULL;) {
		char field[FIELD_MAX];
		const char *close = strchr(open, '}');
		buf_append(out, at, (size_t)(open - at));
		snprintf(field, sizeof field, "%.*s", (int)(close - open - 1), open + 1);
		add_field(doc, field, out);
		at = close + 1;
	}
	buf_adds(out, at);
	return true;
}
