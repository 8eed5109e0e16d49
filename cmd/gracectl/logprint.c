/* logprint: see the header. */
#include "logprint.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "utf8.h"

enum {
	OUT_SIZE = 65536,
	NAMES_SHOWN = 20,
	DEFAULT_LINES = 100,
	LINES_MAX = 1000000000
};

/* ---- options ---- */

int logprint_query(
	const struct command *command, const struct logargs *args, struct logview_query *query)
{
	struct cause cause;
	long lines = args->since != NULL ? LOGVIEW_ALL : DEFAULT_LINES;

	if (args->dyno != NULL && args->type != NULL)
		return cli_usage_error(command, "give a dyno or a process type, not both");
	if (args->num != NULL && cli_number("--num", args->num, 0, LINES_MAX, &lines) < 0)
		return EXIT_USAGE;
	*query = (struct logview_query){
		.dyno = args->dyno, .type = args->type, .lines = lines, .follow = args->tail};
	if (args->since != NULL && time_parse(args->since, clock_wall(), &query->since, &cause) < 0)
		return cli_usage_error(command, "--since: %s", cause.text);
	if (args->until != NULL && time_parse(args->until, clock_wall(), &query->until, &cause) < 0)
		return cli_usage_error(command, "--until: %s", cause.text);
	if (args->until != NULL && args->tail)
		return cli_usage_error(command, "--until and --tail exclude each other");
	return 0;
}

/* ---- output ---- */

/* Ten colours; the first five belong to the names below. */
static const char *const colors[] = {
	"33", "32", "36", "35", "34", "1;32", "1;36", "1;35", "1;33", "1;34"};
static const char *const first_names[] = {"run", "router", "web", "postgres", "heroku-postgres"};

void logprint_color(struct logprint *print, const char *sgr)
{
	if (print->color)
		buf_addf(&print->out, "\033[%sm", sgr);
}

void logprint_plain(struct logprint *print)
{
	logprint_color(print, "0");
}

const char *logprint_color_of(struct logprint *print, const char *dyno)
{
	enum {
		COLORS = sizeof colors / sizeof *colors
	};
	size_t len = strcspn(dyno, ".");

	for (size_t i = 0; i < print->names.count; i++)
		if (strlen(print->names.items[i]) == len &&
			memcmp(print->names.items[i], dyno, len) == 0)
			return colors[i % COLORS];
	strlist_addf(&print->names, "%.*s", (int)len, dyno);
	return colors[(print->names.count - 1) % COLORS];
}

void logprint_text(struct logprint *print, const char *text, size_t len)
{
	if (!print->safe)
		buf_append(&print->out, text, len);
	else
		utf8_append_safe(&print->out, text, len);
}

void logprint_name(struct logprint *print, const char *dyno)
{
	enum {
		WIDTH = 10
	};
	size_t before = print->out.len;

	logprint_text(print, dyno, strlen(dyno));
	size_t len = print->out.len - before;
	buf_addf(&print->out, "%*s", len < WIDTH ? (int)(WIDTH - len) : 0, "");
}

static bool flush(void *arg)
{
	struct logprint *print = arg;

	if (print->out.len > 0 &&
		fdio_write_all(STDOUT_FILENO, print->out.data, print->out.len) < 0)
		print->error = errno;
	buf_reset(&print->out);
	return print->error == 0;
}

static bool print_line(void *arg, const struct logview_line *line)
{
	struct logprint *print = arg;

	print->format(print, line);
	print->lines++;
	return print->out.len < OUT_SIZE || flush(print);
}

/* ---- a run ---- */

/* Tells that there is no such dyno. */
static void tell_unknown(const struct logview_query *query, const struct strlist *names, bool wait)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "no log of a %s %s", query->dyno != NULL ? "dyno" : "process type",
		query->dyno != NULL ? query->dyno : query->type);
	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		buf_addf(&text, "%s%s", i == 0 ? "; there are: " : ", ", names->items[i]);
	if (names->count > NAMES_SHOWN)
		buf_addf(&text, " and %zu more", names->count - NAMES_SHOWN);
	cli_error("%s%s", text.data, wait ? "; waiting for it" : "");
	buf_release(&text);
}

/* True, after telling it, when a dyno was asked for that has never been there. */
static bool is_unknown(const struct logview_query *query, bool wait)
{
	struct strlist names = STRLIST_INIT;
	bool found = query->dyno == NULL && query->type == NULL;

	if (query->dyno != NULL && strcmp(query->dyno, "supervisor") == 0)
		found = true;
	logview_dynos(query->state_dir, &names);
	for (size_t i = 0; i < names.count && !found; i++)
		found = logview_wants(query, names.items[i]);
	if (!found)
		tell_unknown(query, &names, wait);
	strlist_release(&names);
	return !found;
}

bool logprint_is_unknown(const struct logview_query *query)
{
	return is_unknown(query, false);
}

/* Nothing is held that needs an orderly end, and a write to a stopped terminal must not delay one.
 */
static void end_now(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_DONE);
}

static int exit_code(const struct logprint *print, const struct logview_query *query)
{
	if (print->error != 0 && print->error != EPIPE) {
		cli_error("cannot write to stdout: %s", strerror(print->error));
		return EXIT_FAILED;
	}
	if (print->lines == 0 && print->error == 0 && query->lines != 0 && !query->follow &&
		is_unknown(query, false))
		return EXIT_FAILED;
	return EXIT_DONE;
}

static int run(struct logprint *print, const struct logview_query *query)
{
	struct logview_sink sink = {
		.line = print_line, .idle = flush, .out = STDOUT_FILENO, .arg = print};
	struct cause cause;

	signal(SIGPIPE, SIG_IGN);
	if (query->follow) {
		signal(SIGINT, end_now);
		signal(SIGTERM, end_now);
		is_unknown(query, true);
	}
	if (logview_run(query, &sink, &cause) < 0) {
		flush(print);
		cli_error("%s", cause.text);
		return EXIT_FAILED;
	}
	return exit_code(print, query);
}

int logprint_run(const struct cli *cli, struct logview_query *query, bool raw,
	void (*format)(struct logprint *print, const struct logview_line *line))
{
	struct logprint print = {
		.json = cli->json,
		.color = !cli->json && cli_color(cli),
		.safe = !raw && isatty(STDOUT_FILENO),
		.format = format,
	};
	struct config config;
	int result = cli_locate(cli, &config);

	if (result != EXIT_DONE)
		return result;
	cli_adopt(cli, &config);
	for (size_t i = 0; i < sizeof first_names / sizeof *first_names; i++)
		strlist_add(&print.names, first_names[i]);
	query->state_dir = config.state_dir;
	result = run(&print, query);
	strlist_release(&print.names);
	buf_release(&print.out);
	config_release(&config);
	return result;
}

struct logargs logprint_event_args;

void logprint_event_json(struct logprint *print, const struct logview_line *line)
{
	size_t len;
	char *json = bson_as_relaxed_extended_json(line->event, &len);

	buf_append(&print->out, json, len);
	buf_addc(&print->out, '\n');
	bson_free(json);
}
