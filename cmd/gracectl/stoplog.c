/* stoplog: see the header. */
#include "stoplog.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "doc.h"
#include "event.h"
#include "fdio.h"
#include "logsince.h"

/* Every event begins with its number, time, kind and dyno, so a look at the beginning of its line
 * tells enough. */
static bool may_be_wanted(const struct stoplog_sink *sink, const struct logline *line)
{
	enum {
		BEGINNING = 512
	};
	static const char word[] = "\"stopped\"", unseen[] = "\"ms_at_most\"";
	size_t len = line->len < BEGINNING ? line->len : BEGINNING;
	const char *dyno;

	if (line->text == NULL || memmem(line->text, len, word, sizeof word - 1) == NULL)
		return false;
	if (logsince_is_early(line, sink->since) ||
		(sink->seen && memmem(line->text, line->len, unseen, sizeof unseen - 1) != NULL))
		return false;
	return sink->wants == NULL || !event_peek_dyno(line->text, line->len, &dyno, &len) ||
	       sink->wants(sink->arg, dyno, len);
}

static bool has_name(const char *member, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len + 2 && member[0] == '"' && memcmp(member + 1, name, name_len) == 0 &&
	       member[name_len + 1] == '"';
}

/* Appends "name" : value when it is one of those that are wanted. */
static bool add_member(struct buf *out, const char *member, size_t len, const char *const *names)
{
	while (len > 0 && *member == ' ') {
		member++;
		len--;
	}
	while (*names != NULL && !has_name(member, len, *names))
		names++;
	if (*names == NULL)
		return false;
	buf_addc(out, out->len == 0 ? '{' : ',');
	buf_append(out, member, len);
	return true;
}

static size_t count_names(const char *const *names)
{
	size_t count = 0;

	while (names[count] != NULL)
		count++;
	return count;
}

/* Copies some members of an object of JSON, and looks no further than until it has them. The others
 * may be anything. Nothing is copied of an object that was torn off. */
static void add_some(struct buf *out, const char *text, size_t len, const char *const *names)
{
	size_t missing = count_names(names), from = 0;
	unsigned depth = 0;
	bool in_string = false;

	for (size_t at = 0; at < len && missing > 0; at++) {
		char c = text[at];
		if (c == '"') {
			in_string = !in_string;
		} else if (in_string) {
			at += c == '\\';
		} else if ((c == '{' || c == '[') && depth++ == 0) {
			from = at + 1;
		} else if (depth == 1 && (c == ',' || c == '}')) {
			missing -= add_member(out, text + from, at - from, names);
			from = at + 1;
			depth -= c == '}';
		} else if (depth > 1 && (c == '}' || c == ']')) {
			depth--;
		}
	}
	if (out->len > 0)
		buf_addc(out, '}');
	if (text[len - 1] != '}' || (missing > 0 && depth > 0))
		buf_reset(out);
}

static bson_t *parse(const char *text, size_t len)
{
	return bson_new_from_json((const uint8_t *)text, (ssize_t)len, NULL);
}

static bson_t *read_stop(const struct stoplog_sink *sink, const struct logline *line)
{
	struct buf some = BUF_INIT;
	bson_t *stop = NULL;

	if (sink->fields == NULL)
		return parse(line->text, line->len);
	add_some(&some, line->text, line->len, sink->fields);
	if (some.len > 0)
		stop = parse(some.data, some.len);
	buf_release(&some);
	return stop;
}

/* Returns false when the sink has had enough. */
static bool hand_out(const struct stoplog_sink *sink, const struct logline *line)
{
	bson_t *event = read_stop(sink, line);
	bool go_on = true;

	if (event == NULL)
		return true;
	if (strcmp(doc_text(event, "kind"), event_kind_name(EVENT_STOPPED)) == 0 &&
		event_time(event) > 0 && event_time(event) >= sink->since)
		go_on = sink->stop(sink->arg, event);
	bson_destroy(event);
	return go_on;
}

static void walk(struct logstream *stream, size_t bytes, const struct stoplog_sink *sink)
{
	struct logsince way = {.since = sink->since};
	struct logline line;
	size_t passed = 0;

	logstream_freeze(stream);
	logstream_seek_end(stream);
	while ((bytes == 0 || passed < bytes) && logstream_prev(stream, true, &line) &&
		logsince_goes_on(&way, &line)) {
		passed += line.len + 1;
		if (may_be_wanted(sink, &line) && !hand_out(sink, &line))
			break;
	}
}

int stoplog_walk(
	const char *state_dir, size_t bytes, const struct stoplog_sink *sink, struct cause *cause)
{
	int result = 0;
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct logstream *stream = logstream_open_journal(dir);

	if (dir >= 0 && logstream_extend_journal(stream) == 0) {
		walk(stream, bytes, sink);
		result = logstream_check(stream, state_dir, cause);
	} else if (errno != ENOENT) {
		result = cause_errno(cause, "cannot read the journal in %s", state_dir);
	}
	logstream_free(stream);
	fdio_close(&dir);
	return result;
}
