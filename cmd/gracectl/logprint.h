/*
 * logprint: lines of the log on stdout, for `logs`, `events` and `stops`.
 *
 * On a terminal a line has colours and cannot do anything to the terminal: control characters and
 * bytes that are no text are shown as \x1b. Anywhere else, and with --raw, the bytes are as the
 * program wrote them.
 */
#ifndef GRACECTL_LOGPRINT_H
#define GRACECTL_LOGPRINT_H

#include <stdbool.h>

#include "buf.h"
#include "cli.h"
#include "logview.h"
#include "strlist.h"

struct logprint {
	struct buf out;
	struct strlist names; /* of process types, in the order in which they got a colour */
	bool json, color;
	bool safe; /* nothing but text goes out */
	unsigned long lines;
	int error; /* errno of a write that failed */
	void (*format)(struct logprint *print, const struct logview_line *line);
};

/* The options of logs, events and stops that say which lines are meant; set by the option tables.
 */
struct logargs {
	const char *num, *dyno, *type, *since, *until;
	bool tail;
};

/*
 * Turns options into a query (without state_dir). Returns 0, or EXIT_USAGE after telling why.
 */
int logprint_query(
	const struct command *command, const struct logargs *args, struct logview_query *query);

/* Runs a query and prints what it finds in the given format. Returns the exit code. */
int logprint_run(const struct cli *cli, struct logview_query *query, bool raw,
	void (*format)(struct logprint *print, const struct logview_line *line));

/* For a query that found nothing: true, after telling it with the names that there are, when the
 * dyno or the type that was asked for has never been there. */
bool logprint_is_unknown(const struct logview_query *query);

/* Appends text, as it may go out. */
void logprint_text(struct logprint *print, const char *text, size_t len);

/* The same for the name of a dyno, with blanks behind it up to the width of a column. */
void logprint_name(struct logprint *print, const char *dyno);

/* Begins and ends a colour, given as the parameters of SGR ("1;31"); nothing without colours. */
void logprint_color(struct logprint *print, const char *sgr);
void logprint_plain(struct logprint *print);

/* The colour of a dyno's process type. */
const char *logprint_color_of(struct logprint *print, const char *dyno);

/* What `events` and `stops` have in common: their options (the rows of a table), the values of
 * these, and an event as JSON. */
extern struct logargs logprint_event_args;
#define LOGPRINT_EVENT_OPTIONS(many, follow)                                                       \
	{'n', "num", "N", ARG_NUMBER, many, NULL, &logprint_event_args.num},                       \
		{'t', "tail", NULL, ARG_NONE, follow, &logprint_event_args.tail, NULL},            \
		{'d', "dyno-name", "DYNO", ARG_DYNO, "only this dyno", NULL,                       \
			&logprint_event_args.dyno},                                                \
		{0, "dyno", "DYNO", ARG_DYNO, "the same", NULL, &logprint_event_args.dyno},        \
		{'p', "process-type", "TYPE", ARG_TYPE, "only dynos of this type", NULL,           \
			&logprint_event_args.type},                                                \
		{0, "ps", "TYPE", ARG_TYPE, "the same", NULL, &logprint_event_args.type},          \
		{0, "since", "TIME", ARG_TIME,                                                     \
			"only from this time on: 10m, 14:30, 2026-06-09T16:13:38Z", NULL,          \
			&logprint_event_args.since},                                               \
	{                                                                                          \
		0, "until", "TIME", ARG_TIME, "only before this time", NULL,                       \
			&logprint_event_args.until                                                 \
	}
void logprint_event_json(struct logprint *print, const struct logview_line *line);

#endif
