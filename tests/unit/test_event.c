/* Unit tests of event: documents, and the lines made of them. */
#include <stdlib.h>

#include "event.h"
#include "tap.h"

#define NOW (INT64_C(1781021618) * NSEC_PER_SEC + 269578123)

static const char *render(struct event *event)
{
	static struct buf out;

	buf_reset(&out);
	bool has_line = event_render(&event->doc, &out);
	event_release(event);
	return has_line ? out.data : NULL;
}

/* One event of a kind with up to four fields: name and value in turn; a value of digits only is a
 * number. */
static const char *line(enum event_kind kind, const char *const fields[])
{
	struct event event;

	event_begin(&event, kind, NOW, "web.1", 7);
	for (; *fields != NULL; fields += 2) {
		char *end;
		long long number = strtoll(fields[1], &end, 10);
		if (*end == '\0' && *fields[1] != '\0')
			event_int(&event, fields[0], number);
		else
			event_str(&event, fields[0], fields[1]);
	}
	return render(&event);
}

#define LINE(kind, ...) line(kind, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL, NULL})

static void test_heroku_lines(void)
{
	is_str(LINE(EVENT_LAUNCH, "command", "npm start"),
		"Starting process with command `npm start`", "a launch reads as on Heroku");
	is_str(LINE(EVENT_STATE, "from", "starting", "to", "up", "why", "port"),
		"State changed from starting to up", "a change of state reads as on Heroku");
	is_str(LINE(EVENT_RESTART), "Restarting", "a restart reads as on Heroku");
	is_str(LINE(EVENT_CYCLE), "Cycling", "the daily cycle reads as on Heroku");
	is_str(LINE(EVENT_STOP, "signal", "SIGTERM", "processes", "3"),
		"Stopping all processes with SIGTERM", "a stop reads as on Heroku");
	is_str(LINE(EVENT_STOP_TIMEOUT, "seconds", "30", "signal", "SIGTERM"),
		"Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds "
		"of SIGTERM",
		"R12 reads as on Heroku");
	is_str(LINE(EVENT_STOP_KILL, "signal", "SIGKILL"),
		"Stopping remaining processes with SIGKILL", "the kill reads as on Heroku");
	is_str(LINE(EVENT_BOOT_TIMEOUT, "seconds", "60", "what", "bind to $PORT"),
		"Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds "
		"of launch",
		"R10 reads as on Heroku");
	is_str(LINE(EVENT_BOOT_KILL, "signal", "SIGKILL"), "Stopping process with SIGKILL",
		"the kill after R10 reads as on Heroku");
	is_str(LINE(EVENT_EXIT, "status", "143"), "Process exited with status 143",
		"an exit reads as on Heroku");
}

static void test_own_lines(void)
{
	is_str(LINE(EVENT_STOP_NEXT, "processes", "1", "signal", "SIGINT"),
		"Stopping 1 remaining process with SIGINT", "one process is not called processes");
	is_str(LINE(EVENT_STOP_NEXT, "processes", "2", "signal", "SIGINT"),
		"Stopping 2 remaining processes with SIGINT", "two processes are");
	is_str(LINE(EVENT_OPEN, "inbound", "1", "outbound", "2", "peers", "127.0.0.1:27017 x2"),
		"Open at the signal: 1 inbound connection, 2 outbound (127.0.0.1:27017 x2)",
		"what was open is told with the other ends");
	is_str(LINE(EVENT_OPEN, "inbound", "3", "outbound", "0", "peers", ""),
		"Open at the signal: 3 inbound connections, 0 outbound",
		"without other ends nothing stands in their place");
	is_str(LINE(EVENT_MAIN_EXIT, "status", "0", "left", "2", "names", "node, sh"),
		"Main process exited with status 0, waiting for 2 more: node, sh",
		"the end of the main process tells its status");
	is_str(LINE(EVENT_MAIN_EXIT, "reason", "unknown", "left", "1", "names", "node"),
		"Main process exited with status unknown, waiting for 1 more: node",
		"or the reason why that is not known");
	is_str(LINE(EVENT_NOTE, "text", "two\nlines {text} `x`"), "two lines {text} `x`",
		"a value cannot begin a new line, and is not a template");
	is_str(LINE(EVENT_EXIT), "Process exited with status ?", "a missing field is told as such");
}

static void test_every_kind(void)
{
	int unnamed = 0, unfound = 0, silent = 0;

	for (int kind = 0; kind < EVENT_KINDS; kind++) {
		const char *name = event_kind_name(kind);
		unnamed += name == NULL || *name == '\0';
		unfound += name == NULL || event_kind_find(name) != kind;
		silent += kind != EVENT_STOPPED && LINE(kind) == NULL;
	}
	is_int(unnamed, 0, "every kind has a name");
	is_int(unfound, 0, "every kind is found by its name");
	is_int(silent, 0, "every kind but the report of a stop has a line");
	is_str(event_kind_name(EVENT_STOP_TIMEOUT), "stop-timeout", "a name is in plain words");
	is_int(event_kind_find("earthquake"), -1, "an unknown name is no kind");
}

static void test_document(void)
{
	struct event event;
	bson_iter_t iter;

	event_begin(&event, EVENT_EXIT, NOW, "web.1", 7);
	event_str(&event, "reason", "");
	event_str(&event, "nothing", NULL);
	is_str(event_get_str(&event.doc, "time"), "2026-06-09T16:13:38.269578123Z",
		"the time is exact and in UTC");
	is_int(event_time(&event.doc), NOW, "and is read back the same");
	is_str(event_get_str(&event.doc, "kind"), "exit", "the kind stands there by name");
	is_str(event_get_str(&event.doc, "dyno"), "web.1", "the dyno stands there");
	is_int(event_get_int(&event.doc, "launch"), 7, "and its launch");
	is_str(event_get_str(&event.doc, "reason"), "", "an empty value is a value");
	ok(event_get_str(&event.doc, "nothing") == NULL, "NULL is none");
	ok(event_get_str(&event.doc, "launch") == NULL, "a number is not read as text");
	ok(bson_iter_init(&iter, &event.doc) && bson_iter_next(&iter) &&
			strcmp(bson_iter_key(&iter), "seq") == 0,
		"the number of the event comes first");
	event_release(&event);

	event_begin(&event, EVENT_SUPERVISOR_START, NOW, NULL, 0);
	ok(event_get_str(&event.doc, "dyno") == NULL, "an event of the supervisor names no dyno");
	event_release(&event);
}

static void test_strange_values(void)
{
	struct event event;
	char *text = malloc(100001);

	memset(text, '\x01', 100000);
	text[100000] = '\0';
	event_begin(&event, EVENT_LAUNCH_FAILED, NOW, "web.1", 1);
	event_str(&event, "command", "caf\xe9");
	event_str(&event, "reason", text);
	is_str(event_get_str(&event.doc, "command"), "caf\xef\xbf\xbd",
		"bytes that are not UTF-8 are replaced");
	ok(strlen(event_get_str(&event.doc, "reason")) < 10000, "a very long value is cut");
	size_t len = 0;
	char *json = bson_as_relaxed_extended_json(&event.doc, &len);
	ok(json != NULL && len < 65536, "so that every event has room in a line of the journal");
	bson_free(json);
	event_release(&event);
	free(text);
}

int main(void)
{
	test_heroku_lines();
	test_own_lines();
	test_every_kind();
	test_document();
	test_strange_values();
	return tap_done();
}
