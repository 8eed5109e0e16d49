/*
 * logview: the log as it is read: everybody's output and the journal in one row, by time.
 *
 * Needs no supervisor: it reads the files of the state directory. Filters come first, then the last
 * N of what is left. While following it sleeps in inotify until something is written; between
 * history and what follows nothing is lost or doubled, since both are the same walk through the
 * same files.
 *
 * Order: by time; at the same time output comes before events. The time of a line is that of the
 * batch that brought its newline. A line without newline at the end of a launch's output is held
 * back while following, until its rest has come or the journal tells of the exit (or two newer
 * launches exist); without following it is shown at once.
 */
#ifndef GRACECTL_LOGVIEW_H
#define GRACECTL_LOGVIEW_H

#include <bson/bson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cause.h"
#include "clock.h"
#include "strlist.h"

enum {
	LOGVIEW_ALL = -1
};

struct logview_query {
	const char *state_dir;
	bool output;	  /* what the dynos print */
	bool events;	  /* the journal */
	bool every_event; /* also events that have no line in the log; their text is empty */
	const char *kind; /* only events of this kind, "stopped"; NULL: all */
	const struct strlist *targets; /* each "web.1", or "web" for all that begin with "web.";
					  "supervisor": events without dyno. None or NULL: all */
	nsec_t since; /* 0: no matter. Output is taken to be in the order of its times; for events
			 see logsince.h */
	nsec_t until; /* only events before it; 0: no matter */
	bool (*accepts)(const void *arg, const bson_t *event); /* only such events; NULL: all */
	const void *accepts_arg;
	long lines; /* the last so many, or LOGVIEW_ALL */
	bool follow;
};

struct logview_line {
	nsec_t time;
	const char *dyno; /* "supervisor" for an event without one */
	uint64_t launch;  /* 0 where there is none */
	const char *text; /* may hold any byte but newline; not terminated */
	size_t len;
	const bson_t *event; /* the document, or NULL for output */
};

/* Who receives the lines. */
struct logview_sink {
	bool (*line)(void *arg, const struct logview_line *line); /* false: no more, please */
	bool (*idle)(void *arg); /* nothing more for now: time to flush; false as above */
	/* While following: why something cannot be read. Told once; the rest is read on. May be
	 * NULL. */
	void (*trouble)(void *arg, const char *text);
	int out; /* when the other end of this descriptor goes away while following, that is the
		    end; or -1 */
	void *arg;
};

/* Hands out what the query asks for. Returns 0 at the end (also when the sink has had enough), or
 * -1 with a sentence, also when there was something that may not be read. */
int logview_run(
	const struct logview_query *query, const struct logview_sink *sink, struct cause *cause);

/* The dynos that have a record or output below a state directory, sorted. An empty list when there
 * is none. */
void logview_dynos(const char *state_dir, struct strlist *names);

/* True when a dyno of that name is one that the query asks for. */
bool logview_wants(const struct logview_query *query, const char *dyno);

#endif
