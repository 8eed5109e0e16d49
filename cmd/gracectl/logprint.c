/* logprint: see the header. */
#include "logprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doc.h"
#include "utf8.h"

enum {
	OUT_SIZE = 65536
};

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

	if (print->out.len > 0)
		fwrite(print->out.data, 1, print->out.len, stdout);
	buf_reset(&print->out);
	/* What was too long for the buffer of the stream is not in it any more. */
	return fflush(stdout) == 0 && !ferror(stdout);
}

static bool print_line(void *arg, const struct logview_line *line)
{
	struct logprint *print = arg;

	print->format(print, line);
	return print->out.len < OUT_SIZE || flush(print);
}

/* ---- a run ---- */

static void complain(void *arg, const char *text)
{
	(void)arg;
	cli_error("%s", text);
}

static int run(struct logprint *print, const struct logview_query *query)
{
	struct logview_sink sink = {.line = print_line,
		.idle = flush,
		.trouble = complain,
		.out = STDOUT_FILENO,
		.arg = print};
	struct cause cause;

	if (logview_run(query, &sink, &cause) == 0)
		return EXIT_DONE;
	flush(print);
	cli_error("%s", cause.text);
	return EXIT_FAILED;
}

int logprint_run(const struct cli *cli, const struct logview_query *query, bool raw,
	void (*format)(struct logprint *print, const struct logview_line *line))
{
	struct logprint print = {
		.color = !cli->json && cli_color(cli),
		.safe = !raw && isatty(STDOUT_FILENO),
		.format = format,
	};

	for (size_t i = 0; i < sizeof first_names / sizeof *first_names; i++)
		strlist_add(&print.names, first_names[i]);
	int code = run(&print, query);
	strlist_release(&print.names);
	buf_release(&print.out);
	return code;
}

void logprint_event_json(struct logprint *print, const struct logview_line *line)
{
	doc_add_json(&print->out, line->event);
	buf_addc(&print->out, '\n');
}
