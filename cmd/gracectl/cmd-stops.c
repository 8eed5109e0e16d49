/* cmd-stops: the stops, one line each: how long every phase took, and a verdict with its evidence.
 */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "doc.h"
#include "event.h"
#include "logprint.h"

/* The phases in their order, and the fields that hold their times. */
static const struct {
	const char *key;
	const char *words;
} phases[] = {
	{"not_accepting_ms", "not accepting"},
	{"drained_ms", "drained"},
	{"released_ms", "released"},
	{"ms", "gone"},
};

static void add_phases(struct logprint *print, const bson_t *stop)
{
	const char *separator = "";

	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
		if (!bson_has_field(stop, phases[i].key))
			continue;
		buf_addf(&print->out, "%s%s %.2f", separator, phases[i].words,
			(double)doc_int(stop, phases[i].key) / 1000.);
		separator = ", ";
	}
}

/* "4 in, 10 out (127.0.0.1:27017 x10)": what was open at the signal. */
static void add_open(struct logprint *print, const bson_t *stop)
{
	const char *peers = doc_text(stop, "peers");

	if (doc_int(stop, "visible") == 0) {
		buf_adds(&print->out, "connections unknown");
		return;
	}
	buf_addf(&print->out, "%lld in, %lld out", (long long)doc_int(stop, "inbound"),
		(long long)doc_int(stop, "outbound"));
	if (peers[0] != '\0')
		buf_addf(&print->out, " (%s)", peers);
}

static void print_text(struct logprint *print, const struct logview_line *line)
{
	const bson_t *stop = line->event;
	const char *evidence = doc_text(stop, "evidence");
	char time[TIME_TEXT];

	logprint_color(print, logprint_color_of(print, line->dyno));
	buf_addf(&print->out, "%s %-10s", time_format_log(line->time, time), line->dyno);
	logprint_plain(print);
	buf_addf(&print->out, " %-12s ", doc_text(stop, "reason"));
	add_open(print, stop);
	buf_adds(&print->out, "; ");
	add_phases(print, stop);
	buf_addf(&print->out, "; %s", doc_text(stop, "verdict"));
	if (evidence[0] != '\0')
		buf_addf(&print->out, " (%s)", evidence);
	buf_addc(&print->out, '\n');
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct logview_query query;

	if (argc > 0)
		return cli_usage_error(
			&cmd_stops, "unexpected argument %s; use -d DYNO or -p TYPE", argv[0]);
	int result = logprint_query(&cmd_stops, &logprint_event_args, &query);
	if (result != 0)
		return result;
	query.events = query.every_event = true;
	query.kind = event_kind_name(EVENT_STOPPED);
	return logprint_run(cli, &query, false, cli->json ? logprint_event_json : print_text);
}

const struct command cmd_stops = {
	.name = "stops",
	.arguments = "",
	.summary = "show the stops: the time of each phase as seen from outside, and a verdict",
	.details = "Works without a running supervisor. Times are in seconds since the first "
		   "signal; what could\n"
		   "not be seen is not shown. With --json each line is the whole document.",
	.argument = ARG_NONE,
	.options = logprint_event_options,
	.run = run,
};
