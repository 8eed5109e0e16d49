/* cmd-events: the journal, event by event with all its fields. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "doc.h"
#include "event.h"
#include "logask.h"
#include "logprint.h"

/* What stands in the columns, or is no news to a reader. */
static bool is_column(const char *key)
{
	return strcmp(key, "seq") == 0 || strcmp(key, "time") == 0 || strcmp(key, "kind") == 0 ||
	       strcmp(key, "dyno") == 0;
}

/* A list within an event, as JSON. */
static bool add_nested(struct logprint *print, const bson_iter_t *iter)
{
	bson_t nested;

	if (!doc_at(iter, &nested))
		return false;
	char *json = BSON_ITER_HOLDS_ARRAY(iter) ? bson_array_as_json(&nested, NULL)
						 : bson_as_relaxed_extended_json(&nested, NULL);
	if (json != NULL)
		logprint_text(print, json, strlen(json));
	bson_free(json);
	return true;
}

static void add_value(struct logprint *print, const bson_iter_t *iter)
{
	if (add_nested(print, iter))
		return;
	if (!BSON_ITER_HOLDS_UTF8(iter)) {
		buf_addf(&print->out, "%lld", (long long)bson_iter_as_int64(iter));
		return;
	}
	uint32_t len;
	const char *value = bson_iter_utf8(iter, &len);
	bool is_word = len > 0 && strcspn(value, " \t\n\"") == len;
	if (is_word) {
		logprint_text(print, value, len);
		return;
	}
	buf_addc(&print->out, '"');
	while (len > 0) { /* an event is one line */
		size_t part = strcspn(value, "\n");
		logprint_text(print, value, part);
		if (part < len)
			buf_addc(&print->out, ' ');
		value += part < len ? part + 1 : part;
		len -= (uint32_t)(part < len ? part + 1 : part);
	}
	buf_addc(&print->out, '"');
}

/* 2026-06-09T16:13:38.269578+00:00 web.1      exit          launch=3 status=143 */
static void print_text(struct logprint *print, const struct logview_line *line)
{
	char time[TIME_TEXT];
	bson_iter_t iter;
	const char *kind = event_get_str(line->event, "kind");

	logprint_color(print, logprint_color_of(print, line->dyno));
	buf_addf(&print->out, "%s ", time_format_log(line->time, time));
	logprint_name(print, line->dyno);
	logprint_plain(print);
	buf_addf(&print->out, " %-15s", kind != NULL ? kind : "?");
	if (bson_iter_init(&iter, line->event))
		while (bson_iter_next(&iter)) {
			if (is_column(bson_iter_key(&iter)))
				continue;
			buf_addf(&print->out, " %s=", bson_iter_key(&iter));
			add_value(print, &iter);
		}
	buf_addc(&print->out, '\n');
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct logask ask;

	int code = logask_open(cli, &cmd_events, &logask_event_args, argc, argv, &ask);
	if (code != EXIT_DONE)
		return code;
	ask.query.events = ask.query.every_event = true;
	code = logprint_run(cli, &ask.query, false, cli->json ? logprint_event_json : print_text);
	logask_close(&ask);
	return code;
}

static const struct cli_option options[] = {
	LOGASK_EVENT_OPTIONS(
		"how many (100; all with --since)", "follow the journal until interrupted"),
	{0},
};

const struct command cmd_events = {
	.name = "events",
	.arguments = "[TARGET...]",
	.summary = "show the journal: every event with all its fields",
	.details =
		"Works without a running supervisor. With --json each line is the whole document.",
	.argument = ARG_TARGET,
	.options = options,
	.run = run,
};
