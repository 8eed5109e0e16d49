/* logsource: see the header. */
#include "logsource.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "logsince.h"
#include "xmalloc.h"

static const char nobody[] = "supervisor";

struct logsource *logsource_new(struct logstream *stream, const char *dyno, uint64_t launch)
{
	struct logsource *source = xcalloc(1, sizeof *source);

	source->stream = stream;
	source->dyno = dyno;
	source->launch = launch;
	return source;
}

static void drop_event(struct logsource *source)
{
	if (source->event != NULL)
		bson_destroy(source->event);
	source->event = NULL;
}

void logsource_free(struct logsource *source)
{
	if (source == NULL)
		return;
	drop_event(source);
	buf_release(&source->text);
	logstream_free(source->stream);
	free(source);
}

/* "web" is the beginning of "web.1", but not of "webber.1". */
static bool is_part(const char *dyno, const char *name)
{
	size_t len = strlen(name);

	return strncmp(dyno, name, len) == 0 && dyno[len] == '.';
}

static bool wants_all(const struct logview_query *query)
{
	return query->targets == NULL || query->targets->count == 0;
}

bool logview_wants(const struct logview_query *query, const char *dyno)
{
	if (wants_all(query))
		return true;
	for (size_t i = 0; i < query->targets->count; i++) {
		const char *target = query->targets->items[i];
		if (strcmp(dyno, target) == 0 || is_part(dyno, target))
			return true;
	}
	return false;
}

/* False when no text in a line of the journal begins so. */
static bool may_have(const struct logline *line, const char *word)
{
	char start[80];
	size_t len = (size_t)snprintf(start, sizeof start, "\"%s", word);

	return len >= sizeof start || memmem(line->text, line->len, start, len) != NULL;
}

/* False when a line of the journal cannot be of the kind, or about a dyno, asked for: much
 * cheaper than to parse it. */
static bool may_match(const struct logview_query *query, const struct logline *line)
{
	bool may = wants_all(query);

	if (query->kind != NULL && !may_have(line, query->kind))
		return false;
	for (size_t i = 0; !may && i < query->targets->count; i++) {
		const char *target = query->targets->items[i];
		may = strcmp(target, nobody) == 0 || may_have(line, target);
	}
	return may;
}

static const char *event_dyno(const bson_t *event)
{
	const char *dyno = event_get_str(event, "dyno");

	return dyno != NULL ? dyno : nobody;
}

/* What is left to ask once the document is there. */
static bool matches(const struct logview_query *query, const struct logview_line *line)
{
	const char *kind = event_get_str(line->event, "kind");

	if (query->kind != NULL && (kind == NULL || strcmp(kind, query->kind) != 0))
		return false;
	if (line->time <= 0 || (query->until > 0 && line->time >= query->until))
		return false;
	return logview_wants(query, line->dyno) &&
	       (query->accepts == NULL || query->accepts(query->accepts_arg, line->event));
}

/* The time from which on events are wanted. */
static nsec_t since(const struct logsource *source, const struct logview_query *query)
{
	return source->is_news ? 0 : query->since;
}

/* Makes a line of the journal the source's line. False when it is none or not one that is asked
 * for. */
static bool take_event(
	struct logsource *source, const struct logview_query *query, const struct logline *line)
{
	bson_error_t error;

	drop_event(source);
	if (line->len == 0 || line->text == NULL || !may_match(query, line) ||
		logsince_is_early(line, since(source, query)))
		return false;
	source->event = bson_new_from_json((const uint8_t *)line->text, (ssize_t)line->len, &error);
	if (source->event == NULL)
		return false;
	buf_reset(&source->text);
	source->line = (struct logview_line){
		.time = event_time(source->event),
		.dyno = event_dyno(source->event),
		.launch = (uint64_t)event_get_int(source->event, "launch"),
		.event = source->event,
	};
	return source->line.time >= since(source, query) && matches(query, &source->line) &&
	       (event_render(source->event, &source->text) || query->every_event);
}

static bool next_event(struct logsource *source, const struct logview_query *query)
{
	struct logline line;

	while (logstream_next(source->stream, &line)) {
		if (!take_event(source, query, &line))
			continue;
		source->line.text = source->text.len > 0 ? source->text.data : "";
		source->line.len = source->text.len;
		return true;
	}
	source->is_news = true;
	return false;
}

static bool next_output(struct logsource *source)
{
	struct logline line;

	if (!logstream_next(source->stream, &line))
		return false;
	source->line = (struct logview_line){
		.time = line.time,
		.dyno = source->dyno,
		.launch = source->launch,
		.text = line.text,
		.len = line.len,
	};
	return true;
}

bool logsource_next(struct logsource *source, const struct logview_query *query)
{
	source->has_line = source->dyno == NULL ? next_event(source, query) : next_output(source);
	source->key = source->line.time;
	return source->has_line;
}

static bool prev_event(struct logsource *source, const struct logview_query *query)
{
	struct logsince way = {.since = query->since};
	struct logline line;

	while (logstream_prev(source->stream, true, &line) && logsince_goes_on(&way, &line)) {
		if (!take_event(source, query, &line))
			continue;
		source->key = source->line.time;
		return true;
	}
	return false;
}

static bool prev_output(struct logsource *source)
{
	struct logline line;

	if (!logstream_prev(source->stream, false, &line))
		return false;
	source->key = line.time;
	return true;
}

bool logsource_prev(struct logsource *source, const struct logview_query *query)
{
	source->has_line = source->dyno == NULL ? prev_event(source, query) : prev_output(source);
	return source->has_line;
}

void logsource_seek_since(struct logsource *source, const struct logview_query *query)
{
	struct logsince way = {.since = query->since};
	struct logline line;

	if (source->dyno != NULL) {
		logstream_seek_time(source->stream, query->since);
		return;
	}
	/* The journal has no index. */
	logstream_seek_end(source->stream);
	while (logstream_prev(source->stream, true, &line) && logsince_goes_on(&way, &line))
		;
}

static int event_kind(const bson_t *event)
{
	const char *name = event_get_str(event, "kind");

	return name != NULL ? event_kind_find(name) : -1;
}

bool logsource_is_exit(const bson_t *event)
{
	int kind = event_kind(event);

	return kind == EVENT_EXIT || kind == EVENT_EXIT_UNKNOWN;
}

bool logsource_tells_exit(struct logsource *journal, const char *dyno, uint64_t launch)
{
	struct strlist one = STRLIST_INIT;
	const struct logview_query query = {.targets = &one};
	bool over = false, found = false;

	strlist_add(&one, dyno);
	while (!over && logsource_prev(journal, &query)) {
		if (journal->line.launch != launch || strcmp(journal->line.dyno, dyno) != 0)
			continue;
		found = logsource_is_exit(journal->event);
		over = found || event_kind(journal->event) == EVENT_LAUNCH;
	}
	strlist_release(&one);
	return found;
}
