/* cmd-logs: what the dynos print and what happens to them, as on Heroku. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "doc.h"
#include "event.h"
#include "logask.h"
#include "logprint.h"

#define RED "31"
#define GREEN "32"
#define YELLOW "33"
#define TEAL "36"
#define CODE "1;36"

static struct logargs args;
static const char *source;
static bool raw;

/* How the line of an event is coloured: all of it, or the values of some fields, each by its word.
 */
static const struct {
	const char *whole;
	const char *fields[2];
} paint[EVENT_KINDS] = {
	[EVENT_LAUNCH] = {.fields = {"command"}},
	[EVENT_LAUNCH_FAILED] = {.whole = RED},
	[EVENT_STATE] = {.fields = {"from", "to"}},
	[EVENT_RESTART] = {.whole = YELLOW},
	[EVENT_CYCLE] = {.whole = YELLOW},
	[EVENT_BOOT_TIMEOUT] = {.whole = RED},
	[EVENT_BOOT_KILL] = {.whole = RED},
	[EVENT_STOP] = {.whole = RED},
	[EVENT_STOP_MAIN] = {.whole = RED},
	[EVENT_STOP_NEXT] = {.whole = RED},
	[EVENT_STOP_TIMEOUT] = {.whole = RED},
	[EVENT_STOP_KILL] = {.whole = RED},
	[EVENT_LEFT] = {.whole = RED},
	[EVENT_EXIT] = {.fields = {"status"}},
	[EVENT_EXIT_UNKNOWN] = {.whole = RED},
	[EVENT_COOLING] = {.whole = YELLOW},
	[EVENT_OUTPUT_DROPPED] = {.whole = RED},
};

static const struct {
	const char *word, *color;
} words[] = {
	{"up", GREEN},
	{"complete", GREEN},
	{"0", GREEN}, /* a status */
	{"starting", TEAL},
	{"down", RED},
	{"crashed", RED},
};

static const char *word_color(const char *field, const char *word)
{
	if (strcmp(field, "command") == 0)
		return CODE;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i].word, word) == 0)
			return words[i].color;
	return strcmp(field, "status") == 0 ? RED : "0";
}

static void add_colored(struct logprint *print, const char *color, const char *text, size_t len)
{
	logprint_color(print, color);
	logprint_text(print, text, len);
	logprint_plain(print);
}

/* Adds text with the value of a field in its colour. Returns what is behind it. */
static const char *add_field(
	struct logprint *print, const bson_t *event, const char *field, const char *text)
{
	char number[24];
	const char *value = event_get_str(event, field);

	if (value == NULL) {
		snprintf(number, sizeof number, "%lld", (long long)event_get_int(event, field));
		value = number;
	}
	const char *at = strstr(text, value);
	if (at == NULL)
		return text;
	logprint_text(print, text, (size_t)(at - text));
	add_colored(print, word_color(field, value), at, strlen(value));
	return at + strlen(value);
}

static void add_event(struct logprint *print, const struct logview_line *line)
{
	const char *name = event_get_str(line->event, "kind");
	int kind = name != NULL ? event_kind_find(name) : -1;
	const char *rest = line->text;

	if (kind >= 0 && paint[kind].whole != NULL) {
		add_colored(print, paint[kind].whole, rest, line->len);
		return;
	}
	for (size_t i = 0; kind >= 0 && i < 2 && paint[kind].fields[i] != NULL; i++)
		rest = add_field(print, line->event, paint[kind].fields[i], rest);
	logprint_text(print, rest, line->len - (size_t)(rest - line->text));
}

static void add_message(struct logprint *print, const struct logview_line *line)
{
	size_t len = line->len;

	/* A program that ends its lines with CR LF means no more by it. */
	if (print->safe && len > 0 && line->text[len - 1] == '\r')
		len--;
	if (line->event != NULL && print->color)
		add_event(print, line);
	else
		logprint_text(print, line->text, len);
}

static const char *source_name(const struct logview_line *line)
{
	return line->event != NULL ? "heroku" : "app";
}

/* 2026-06-09T16:13:38.269578+00:00 app[web.1]: text */
static void print_text(struct logprint *print, const struct logview_line *line)
{
	char time[TIME_TEXT];

	logprint_color(print, logprint_color_of(print, line->dyno));
	buf_addf(&print->out, "%s %s[", time_format_log(line->time, time), source_name(line));
	logprint_text(print, line->dyno, strlen(line->dyno));
	buf_adds(&print->out, "]:");
	logprint_plain(print);
	buf_addc(&print->out, ' ');
	add_message(print, line);
	buf_addc(&print->out, '\n');
}

static void print_json(struct logprint *print, const struct logview_line *line)
{
	char time[TIME_TEXT];
	bson_t doc = BSON_INITIALIZER;

	BSON_APPEND_UTF8(&doc, "time", time_format_exact(line->time, time));
	BSON_APPEND_UTF8(&doc, "source", source_name(line));
	doc_put_text(&doc, "dyno", line->dyno);
	if (line->launch > 0)
		BSON_APPEND_INT64(&doc, "launch", (int64_t)line->launch);
	doc_put_bytes(&doc, "message", line->text, line->len);
	doc_add_json(&print->out, &doc);
	buf_addc(&print->out, '\n');
	bson_destroy(&doc);
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct logask ask;

	if (source != NULL && strcmp(source, "app") != 0 && strcmp(source, "heroku") != 0)
		return cli_usage_error(&cmd_logs, "--source is app or heroku, not \"%s\"", source);
	if (raw && cli->json)
		return cli_usage_error(&cmd_logs, "--raw and --json exclude each other");
	int code = logask_open(cli, &cmd_logs, &args, argc, argv, &ask);
	if (code != EXIT_DONE)
		return code;
	ask.query.output = source == NULL || strcmp(source, "app") == 0;
	ask.query.events = source == NULL || strcmp(source, "heroku") == 0;
	code = logprint_run(cli, &ask.query, raw, cli->json ? print_json : print_text);
	logask_close(&ask);
	return code;
}

static const struct cli_option options[] = {
	{'n', "num", "N", ARG_NUMBER, "how many lines (100; all with --since)", NULL, &args.num},
	{'t', "tail", NULL, ARG_NONE, "follow the log until interrupted", &args.tail, NULL},
	{'s', "source", "SOURCE", ARG_SOURCE, "only app (output) or heroku (events)", NULL,
		&source},
	CLI_TARGET_OPTIONS,
	{0, "since", "TIME", ARG_TIME, "only from this time on: 10m, 14:30, 2026-06-09T16:13:38Z",
		NULL, &args.since},
	{0, "raw", NULL, ARG_NONE, "bytes as they are, also on a terminal", &raw, NULL},
	{0},
};

const struct command cmd_logs = {
	.name = "logs",
	.arguments = "[TARGET...]",
	.summary = "show the output of the dynos and what happened to them",
	.details =
		"Works without a running supervisor. Filters come first, then the last N lines.\n"
		"On a terminal, control characters are shown as \\x1b; elsewhere, and with --raw,\n"
		"output is passed on byte by byte.",
	.argument = ARG_TARGET,
	.options = options,
	.run = run,
};
