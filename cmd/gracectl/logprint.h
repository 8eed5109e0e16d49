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
	bool color;
	bool safe; /* nothing but text goes out */
	void (*format)(struct logprint *print, const struct logview_line *line);
};

/* Runs a query and prints what it finds in the given format. Returns the exit code. */
int logprint_run(const struct cli *cli, const struct logview_query *query, bool raw,
	void (*format)(struct logprint *print, const struct logview_line *line));

/* Appends text, as it may go out. */
void logprint_text(struct logprint *print, const char *text, size_t len);

/* The same for the name of a dyno, with blanks behind it up to the width of a column. */
void logprint_name(struct logprint *print, const char *dyno);

/* Begins and ends a colour, given as the parameters of SGR ("1;31"); nothing without colours. */
void logprint_color(struct logprint *print, const char *sgr);
void logprint_plain(struct logprint *print);

/* The colour of a dyno's process type. */
const char *logprint_color_of(struct logprint *print, const char *dyno);

/* An event as JSON. */
void logprint_event_json(struct logprint *print, const struct logview_line *line);

#endif
