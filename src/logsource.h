/*
 * logsource: a stream of lines as logview merges it: filtered, with time and name.
 *
 * The journal and the output of each launch look alike from here on.
 */
#ifndef GRACECTL_LOGSOURCE_H
#define GRACECTL_LOGSOURCE_H

#include "buf.h"
#include "logstream.h"
#include "logview.h"

struct logsource {
	struct logstream *stream;
	const char *dyno; /* NULL: the journal; owned by the catalog */
	uint64_t launch;
	nsec_t key;    /* by which it is sorted: the time of its line, or a bound of it */
	bool has_line; /* key and line are real */
	bool queued;   /* it is in the heap */
	bool dirty;    /* something was written since it was last read to its end */
	bool is_news;  /* its end was reached: what comes is shown whatever its time is */
	struct logview_line line;
	bson_t *event;	 /* the document of line */
	struct buf text; /* what it says */
};

/* Takes over the stream. dyno must live as long as the source. */
struct logsource *logsource_new(struct logstream *stream, const char *dyno, uint64_t launch);
void logsource_free(struct logsource *source);

/* Reads the next line that the query asks for. False when there is none now. */
bool logsource_next(struct logsource *source, const struct logview_query *query);

/* Steps back over a line that the query asks for; key is then its time. False at the beginning; in
 * the journal also where logsince.h says that the way ends. */
bool logsource_prev(struct logsource *source, const struct logview_query *query);

/* Goes to where the first line is that is not before query->since, or to one before it. */
void logsource_seek_since(struct logsource *source, const struct logview_query *query);

/* True when the journal, read backwards, tells that this launch of the dyno is gone. */
bool logsource_tells_exit(struct logsource *journal, const char *dyno, uint64_t launch);

/* True for the events after which a launch writes no more. */
bool logsource_is_exit(const bson_t *event);

#endif
