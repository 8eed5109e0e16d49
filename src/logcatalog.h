/*
 * logcatalog: which logs there are below a state directory, and which of them have news.
 *
 * Only dynos that the query asks for are in it. When it is to be followed, every directory is
 * watched (inotify) before it is listed, so nothing that appears in between is missed. The
 * supervisor writes an index entry after each batch; it is that write which wakes us, since writing
 * by splice() is silent before Linux 6.4.
 */
#ifndef GRACECTL_LOGCATALOG_H
#define GRACECTL_LOGCATALOG_H

#include "cause.h"
#include "logsource.h"

struct logdyno {
	char *name;
	int watch;		    /* inotify's number for its directory; -1: none */
	struct logsource **sources; /* by launch */
	size_t count;
};

struct logcatalog {
	const struct logview_query *query;
	int state_dir;
	int log_dir; /* -1 as long as there is none */
	int inotify; /* -1: not followed */
	int state_watch, log_watch;
	struct logsource *journal;
	struct logdyno **dynos;
	size_t count;
	struct logdyno **by_watch; /* a dyno, or NULL, for each of inotify's numbers */
	size_t watch_count;
	struct logsource **dirty; /* the sources that have news; not those in the heap */
	size_t dirty_count, dirty_room;
};

/* Lists what is there. Returns 0, or -1 with a sentence; to be released in both cases. */
int logcatalog_open(
	struct logcatalog *catalog, const struct logview_query *query, struct cause *cause);
void logcatalog_release(struct logcatalog *catalog);

/*
 * Takes in what inotify has to tell, without waiting: new dynos, launches and pieces come into the
 * catalog, and the sources with something new into `dirty`. Returns how many events there were, or
 * -1 with a sentence.
 */
int logcatalog_refresh(struct logcatalog *catalog, struct cause *cause);

/* Puts a source among those with news. */
void logcatalog_mark(struct logcatalog *catalog, struct logsource *source);
void logcatalog_mark_all(struct logcatalog *catalog);

/* A launch of a dyno, or NULL when it is not in the catalog. */
struct logsource *logdyno_launch(const struct logdyno *dyno, uint64_t launch);
struct logsource *logcatalog_find(
	const struct logcatalog *catalog, const char *dyno, uint64_t launch);

/* A second reader of the journal, at its end. To be freed. */
struct logsource *logcatalog_open_journal(const struct logcatalog *catalog);

/* ---- between logcatalog.c and logwatch.c ---- */

/* Lists the pieces of a dyno and adds what is not known yet. */
void logcatalog_scan_dyno(struct logcatalog *catalog, struct logdyno *dyno);

/* Lists the dynos and adds what is not known yet; opens the log directory if that has come into
 * being. */
int logcatalog_scan(struct logcatalog *catalog, struct cause *cause);
int logcatalog_add_dyno(struct logcatalog *catalog, const char *name, struct cause *cause);
void logcatalog_scan_journal(struct logcatalog *catalog);

/* Each watches one directory; without following they do nothing. They return 0, or -1 with a
 * sentence. */
int logwatch_open(struct logcatalog *catalog, struct cause *cause);
int logwatch_add_logs(struct logcatalog *catalog, struct cause *cause);
int logwatch_add_dyno(struct logcatalog *catalog, struct logdyno *dyno, struct cause *cause);
void logwatch_close(struct logcatalog *catalog);

#endif
