/*
 * cmd-stops: the history of the stops: a line each, their percentiles, one of them as a picture, or
 * why one does not come to its end.
 *
 * The list is a view of the journal like `events`; everything else reads the journal backwards and
 * takes what it needs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "cmd-why.h"
#include "event.h"
#include "logask.h"
#include "logprint.h"
#include "outfile.h"
#include "stopdoc.h"
#include "stopline.h"
#include "stoplog.h"
#include "stopplot.h"
#include "stopstats.h"

static bool summary, plot, why;
static struct stopfilter filter;

/* ---- the list ---- */

static bool accepts(const void *arg, const bson_t *stop)
{
	return stopfilter_accepts(arg, stop);
}

static int run_list(const struct cli *cli, struct logview_query *query)
{
	query->events = query->every_event = true;
	query->kind = event_kind_name(EVENT_STOPPED);
	query->accepts = accepts;
	query->accepts_arg = &filter;
	return logprint_run(cli, query, false, cli->json ? logprint_event_json : stopline_print);
}

/* ---- the newest ones ---- */

/* What a walk through the journal looks for. */
struct search {
	const struct logview_query *query;
	struct stopstats stats;
	bson_t *found;	 /* the newest one, owned */
	size_t unbooted; /* stops of dynos that did not boot */
};

static bool wants(void *arg, const char *dyno, size_t len)
{
	const struct search *search = arg;
	char name[128];

	if (snprintf(name, sizeof name, "%.*s", (int)len, dyno) >= (int)sizeof name)
		return true;
	return logview_wants(search->query, name) &&
	       !stopstats_is_full(&search->stats, dyno, stopdoc_type_len(name));
}

static bool is_chosen(const struct search *search, const bson_t *stop)
{
	return (search->query->until == 0 || event_time(stop) < search->query->until) &&
	       logview_wants(search->query, doc_text(stop, "dyno")) &&
	       stopfilter_accepts(&filter, stop);
}

static bool count_stop(void *arg, const bson_t *stop)
{
	struct search *search = arg;

	if (!is_chosen(search, stop))
		return true;
	if (filter.reason == NULL && !stopstats_counts(stop))
		search->unbooted++;
	else
		stopstats_add(&search->stats, stop);
	return true;
}

/* Looks through the journal. Returns 0, or an exit code after telling why. */
static int look(const struct search *search, const struct stoplog_sink *sink)
{
	struct cause cause;

	if (stoplog_walk(search->query->state_dir, 0, sink, &cause) == 0)
		return EXIT_DONE;
	cli_error("%s", cause.text);
	return EXIT_FAILED;
}

/* ---- the summary ---- */

static int print_summary(const struct cli *cli, struct search *search)
{
	struct buf out = BUF_INIT;
	char text[STOPSTATS_TEXT];

	stopstats_finish(&search->stats);
	if (cli->json)
		stopstats_json(&search->stats, &out);
	else
		stopstats_text(&search->stats, cli_color(cli), &out);
	for (size_t i = 0; i < search->stats.count && !cli->json; i++)
		if (stopstats_is_slow(&search->stats.types[i]))
			buf_addf(&out, "%s\n", stopstats_warning(&search->stats.types[i], text));
	if (search->unbooted > 0 && !cli->json)
		buf_addf(&out, "without %zu that did not boot; --reason boot shows %s\n",
			search->unbooted, search->unbooted == 1 ? "it" : "them");
	if (search->stats.unseen > 0 && !cli->json)
		buf_addf(&out, "without %zu whose end nobody saw\n", search->stats.unseen);
	if (out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	return EXIT_DONE;
}

static int run_summary(const struct cli *cli, const struct logview_query *query)
{
	struct search search = {
		.query = query,
		.stats.last = query->lines == LOGVIEW_ALL ? SIZE_MAX : (size_t)query->lines,
	};
	const struct stoplog_sink sink = {.wants = wants,
		.stop = count_stop,
		.arg = &search,
		.since = query->since,
		.fields = stopstats_fields};
	int result = look(&search, &sink);

	if (result == EXIT_DONE)
		result = print_summary(cli, &search);
	stopstats_release(&search.stats);
	return result;
}

/* ---- a picture ---- */

static bool keep_stop(void *arg, const bson_t *stop)
{
	struct search *search = arg;

	if (is_chosen(search, stop))
		search->found = bson_copy(stop);
	return search->found == NULL;
}

static unsigned screen_width(void)
{
	enum {
		WIDTH = 80
	};
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH;
	return size.ws_col;
}

static int write_file(const char *path, const struct buf *svg)
{
	if (outfile_write(path, svg->data, svg->len) == 0)
		return EXIT_DONE;
	cli_error("cannot write %s: %s", path, strerror(errno));
	return EXIT_FAILED;
}

/* In fewer columns the rows would be broken, and nothing could be seen. */
static int refuse_narrow(unsigned width)
{
	cli_error("the picture needs %d columns, and the terminal has %u; make it wider, or draw "
		  "into a file: `gracectl stops --plot stop.svg`",
		STOPPLOT_WIDTH_MIN, width);
	return EXIT_FAILED;
}

static int draw(const struct cli *cli, const bson_t *stop, const char *path)
{
	static struct stopplot picture;
	struct buf out = BUF_INIT;
	int result = EXIT_DONE;

	stopplot_init(&picture, stop);
	if (path != NULL) {
		stopplot_svg(&picture, &out);
	} else {
		const struct stopplot_screen screen = {
			.width = screen_width(), .utf8 = cli_utf8(), .color = cli_color(cli)};
		if (screen.width < STOPPLOT_WIDTH_MIN)
			return refuse_narrow(screen.width);
		stopplot_text(&picture, &screen, &out);
	}
	if (path != NULL && strcmp(path, "-") != 0)
		result = write_file(path, &out);
	else
		fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
	return result;
}

static int run_plot(const struct cli *cli, const struct logview_query *query, const char *path)
{
	struct search search = {.query = query};
	const struct stoplog_sink sink = {
		.wants = wants, .stop = keep_stop, .arg = &search, .since = query->since};
	int result = look(&search, &sink);

	if (result != EXIT_DONE)
		return result;
	if (search.found == NULL) {
		cli_error("there is no such stop in the journal; `gracectl stops` shows those that "
			  "there are");
		return EXIT_FAILED;
	}
	result = draw(cli, search.found, path);
	bson_destroy(search.found);
	return result;
}

/* ---- what holds them up ---- */

static int run_why(const struct cli *cli, int argc, char **argv)
{
	struct strlist targets = STRLIST_INIT;

	cli_targets(argc, argv, &targets);
	int result = why_run(cli, &targets);
	strlist_release(&targets);
	return result;
}

/* ---- the command ---- */

static bool is_picture(const char *path)
{
	size_t len = strlen(path);

	return strcmp(path, "-") == 0 || (len > 4 && strcasecmp(path + len - 4, ".svg") == 0);
}

/* "stop.png" or "pictures/stop", and neither "web" nor "web.1". */
static bool is_path(const char *word)
{
	const char *dot = strchr(word, '.');

	return strchr(word, '/') != NULL ||
	       (dot != NULL && strspn(dot + 1, "0123456789") != strlen(dot + 1));
}

/* What can only be a file is told to be the wrong one. */
static int refuse_file(const char *path)
{
	if (!plot)
		return cli_usage_error(
			&cmd_stops, "%s is no dyno or process type; --plot draws into it", path);
	if (strcasecmp(path, ".svg") == 0)
		return cli_usage_error(&cmd_stops,
			"%s is no name for the picture; stop.svg is one (and - is stdout)", path);
	return cli_usage_error(&cmd_stops,
		"the picture is an SVG, so %s should end in .svg (or be - for stdout)", path);
}

/* The file of --plot may stand before, between and behind the targets; it is taken from among them.
 */
static int take_picture(int *argc, char **argv, const char **path)
{
	int targets = 0;

	*path = NULL;
	for (int i = 0; i < *argc; i++) {
		bool is_file = is_picture(argv[i]);
		if (is_file ? !plot : is_path(argv[i]))
			return refuse_file(argv[i]);
		if (is_file && *path != NULL)
			return cli_usage_error(&cmd_stops,
				"--plot draws one picture, not %s and %s", *path, argv[i]);
		if (is_file)
			*path = argv[i];
		else
			argv[targets++] = argv[i];
	}
	*argc = targets;
	return 0;
}

/* --why asks the supervisor and not the journal, so what chooses in the journal would do nothing.
 */
static int check_why(void)
{
	const struct logargs *args = &logask_event_args;

	if (args->num != NULL || args->since != NULL || args->until != NULL ||
		filter.reason != NULL || filter.verdict != NULL || filter.not_clean)
		return cli_usage_error(&cmd_stops,
			"--why is about the stops that are going on, and the options --num, "
			"--since, --until, --reason, --verdict and --not-clean about those that "
			"are over; name a TARGET, or use -d DYNO or -p TYPE");
	return 0;
}

static int check_use(const struct cli *cli)
{
	struct cause cause;

	if (summary + plot + why > 1)
		return cli_usage_error(
			&cmd_stops, "--summary, --plot and --why exclude each other");
	if (stopfilter_check(&filter, &cause) < 0)
		return cli_usage_error(&cmd_stops, "%s", cause.text);
	if (plot && cli->json)
		return cli_usage_error(&cmd_stops, "--plot and --json exclude each other");
	if ((summary || plot || why) && logask_event_args.tail)
		return cli_usage_error(&cmd_stops, "--tail is for the list only");
	if (plot && logask_event_args.num != NULL)
		return cli_usage_error(&cmd_stops,
			"--plot draws the newest stop alone, so --num would do nothing");
	return 0;
}

static int run_past(const struct cli *cli, int argc, char **argv, const char *picture)
{
	struct logask ask;

	int code = logask_open(cli, &cmd_stops, &logask_event_args, argc, argv, &ask);
	if (code != EXIT_DONE)
		return code;
	code = plot	 ? run_plot(cli, &ask.query, picture)
	       : summary ? run_summary(cli, &ask.query)
			 : run_list(cli, &ask.query);
	logask_close(&ask);
	return code;
}

static int run(const struct cli *cli, int argc, char **argv)
{
	const char *picture;
	int code = check_use(cli);

	if (code == 0)
		code = take_picture(&argc, argv, &picture);
	if (code == 0 && why)
		code = check_why();
	if (code != 0)
		return code;
	return why ? run_why(cli, argc, argv) : run_past(cli, argc, argv, picture);
}

static const struct cli_option options[] = {
	LOGASK_EVENT_OPTIONS("how many (100; all with --since); with --summary: of each type",
		"follow the journal until interrupted"),
	{0, "reason", "REASON", ARG_REASON,
		"only these: stop, restart, manual (both), cycle, crash, config, \"boot timeout\"",
		NULL, &filter.reason},
	{0, "verdict", "VERDICT", ARG_VERDICT,
		"only these: clean, forced, refused, cut, leaked, unanswered, reset, late, order, "
		"status",
		NULL, &filter.verdict},
	{0, "not-clean", NULL, ARG_NONE, "all but those whose verdict is clean", &filter.not_clean,
		NULL},
	{0, "summary", NULL, ARG_NONE, "percentiles of the time they took, for each type", &summary,
		NULL},
	{0, "plot", NULL, ARG_SVG,
		"draw the newest one on the terminal, or into FILE.svg (-: stdout)", &plot, NULL},
	{0, "why", NULL, ARG_NONE, "what holds up the stops that are going on, or those of TARGET",
		&why, NULL},
	{0},
};

const struct command cmd_stops = {
	.name = "stops",
	.arguments = "[TARGET...] [FILE.svg]",
	.summary = "show the stops: the time of each phase as seen from outside, and a verdict",
	.details =
		"Works without a running supervisor, but for --why. The time is that of the end. "
		"What could\n"
		"not be seen is not shown. With --json each line is the whole document.",
	.argument = ARG_TARGET,
	.options = options,
	.run = run,
};
