/*
 * logview: see the header.
 *
 * First every source is put where reading shall begin: with a number of lines, by walking back from
 * the latest line of all to the one before it and so on, until there are enough. Then one merge
 * leads forwards through all of them; following is the same merge, woken up again and again.
 */
#include "logview.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdio.h"
#include "logcatalog.h"
#include "logheap.h"
#include "pieces.h"
#include "xmalloc.h"

struct logview {
	const struct logview_query *query;
	const struct logview_sink *sink;
	struct logcatalog catalog;
	struct logheap heap; /* the sources that have something to read */
	bool enough;	     /* the sink wants no more */
	bool is_told;	     /* that something cannot be read, while following */
	nsec_t held;	     /* the key of the line that was not due in the last turn; 0: none */
};

typedef void each_source(struct logview *view, struct logsource *source);

/* The journal comes first: an exit that is told after its end was marked will be followed. */
static void for_each(struct logview *view, each_source *do_it)
{
	struct logcatalog *catalog = &view->catalog;

	if (catalog->journal != NULL)
		do_it(view, catalog->journal);
	for (size_t i = 0; i < catalog->count; i++)
		for (size_t j = 0; j < catalog->dynos[i]->count; j++)
			do_it(view, catalog->dynos[i]->sources[j]);
}

/* ---- where to begin ---- */

static bool has_exited(struct logview *view, const struct logsource *source)
{
	struct logsource *journal = logcatalog_open_journal(&view->catalog);
	bool result = logsource_tells_exit(journal, source->dyno, source->launch);

	logsource_free(journal);
	return result;
}

/*
 * Marks the end of what is there now. Without following it is the end for good; with it, everything
 * behind is what will be followed, so this must happen before any line is chosen.
 */
static void settle(struct logview *view, struct logsource *source)
{
	if (!view->query->follow)
		logstream_freeze(source->stream);
	else if (source->dyno != NULL && !logstream_is_finished(source->stream) &&
		 logstream_is_torn(source->stream) && has_exited(view, source))
		logstream_finish(source->stream);
	logstream_seek_end(source->stream);
}

static void rewind_source(struct logview *view, struct logsource *source)
{
	if (source->dyno == NULL && !view->query->events)
		return;
	if (view->query->since <= 0)
		logstream_seek_begin(source->stream);
	else if (logstream_not_after(source->stream) >= view->query->since)
		logsource_seek_since(source, view->query);
}

static void queue_backwards(struct logview *view, struct logsource *source)
{
	source->has_line = false;
	source->key = logstream_not_after(source->stream);
	if (source->dyno == NULL && !view->query->events)
		return;
	if (source->key >= view->query->since)
		logheap_push(&view->heap, source);
}

/* The line on top of the heap was stepped over. It is kept, or it is too old: then this source has
 * no more to give. */
static bool is_wanted(const struct logview *view, const struct logsource *source)
{
	return source->has_line && source->key >= view->query->since;
}

/*
 * Walks back over the last lines of all sources. A source has always stepped over one line more
 * than was taken, its candidate; the latest candidate is taken. In the end the candidates that are
 * left are given back by a step forwards.
 */
static void choose_last(struct logview *view)
{
	struct logline line;
	struct logsource *source;
	long taken = 0;

	view->heap.latest_first = true;
	for_each(view, queue_backwards);
	while (taken < view->query->lines && (source = logheap_top(&view->heap)) != NULL) {
		bool was_candidate = source->has_line;
		taken += was_candidate;
		logsource_prev(source, view->query);
		if (is_wanted(view, source)) {
			logheap_sink(&view->heap);
			continue;
		}
		if (source->has_line)
			logstream_next(source->stream, &line);
		logheap_pop(&view->heap);
	}
	while ((source = logheap_top(&view->heap)) != NULL) {
		if (source->has_line)
			logstream_next(source->stream, &line);
		logheap_pop(&view->heap);
	}
	view->heap.latest_first = false;
}

/* ---- forwards ---- */

static void queue(struct logview *view, struct logsource *source, nsec_t key)
{
	source->dirty = false;
	if (source->queued)
		return;
	source->has_line = false;
	source->key = key;
	logheap_push(&view->heap, source);
}

/* A source is read when its first file's first line may be due, not before. */
static void queue_when_due(struct logview *view, struct logsource *source)
{
	queue(view, source, source->dyno != NULL ? logstream_not_before(source->stream) : 0);
}

/* Those with news are read at once. */
static void queue_dirty(struct logview *view)
{
	struct logcatalog *catalog = &view->catalog;

	for (size_t i = 0; i < catalog->dirty_count; i++)
		queue(view, catalog->dirty[i], 0);
	catalog->dirty_count = 0;
}

/* The exit is in the journal: an incomplete last line of that launch is due, and older than the
 * exit. */
static void note_exit(struct logview *view, const struct logview_line *line)
{
	struct logsource *source = logcatalog_find(&view->catalog, line->dyno, line->launch);

	if (source == NULL || logstream_is_finished(source->stream))
		return;
	logstream_finish(source->stream);
	queue(view, source, 0);
}

/* Reads the next line of the source on top of the heap. */
static void advance(struct logview *view, struct logsource *source)
{
	bool found = logsource_next(source, view->query);
	bool is_exit = found && source->event != NULL && view->query->follow &&
		       logsource_is_exit(source->event);

	if (found)
		logheap_sink(&view->heap);
	else
		logheap_pop(&view->heap);
	if (is_exit)
		note_exit(view, &source->line);
}

/* Hands out all lines before a time. */
static void hand_out(struct logview *view, nsec_t before)
{
	struct logsource *source;

	while (!view->enough && (source = logheap_top(&view->heap)) != NULL &&
		source->key < before) {
		bool silent = source->dyno == NULL && !view->query->events;
		if (source->has_line && !silent)
			view->enough = !view->sink->line(view->sink->arg, &source->line);
		advance(view, source);
	}
}

/* Sleeps until something is written. */
static void wait_for_news(struct logview *view)
{
	struct pollfd fds[] = {
		{.fd = view->catalog.inotify, .events = POLLIN},
		{.fd = view->sink->out, .events = 0}, /* only whether the other end is gone */
	};

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if ((fds[1].revents & (POLLERR | POLLHUP)) != 0)
		view->enough = true;
}

/* Whether all could be read. */
static int check(const struct logview *view, struct cause *cause)
{
	const struct logcatalog *catalog = &view->catalog;
	const char *dir = view->query->state_dir;

	if (catalog->journal != NULL && logstream_check(catalog->journal->stream, dir, cause) < 0)
		return -1;
	for (size_t i = 0; i < catalog->count; i++)
		for (size_t j = 0; j < catalog->dynos[i]->count; j++)
			if (logstream_check(catalog->dynos[i]->sources[j]->stream, dir, cause) < 0)
				return -1;
	return 0;
}

static void tell_trouble(struct logview *view)
{
	struct cause cause;

	if (view->is_told || view->sink->trouble == NULL || check(view, &cause) == 0)
		return;
	view->sink->trouble(view->sink->arg, cause.text);
	view->is_told = true;
}

/*
 * One turn of following. Only lines from before it began are handed out: whatever came before them
 * has been told by inotify by then, so the order holds over all sources. A later line waits for the
 * next turn, which follows at once. When nothing new has come and it still is not due, its time is
 * from another clock; it waits no longer.
 */
static int follow_once(struct logview *view, struct cause *cause)
{
	nsec_t begin = clock_wall();
	int news = logcatalog_refresh(&view->catalog, cause);

	if (news < 0)
		return -1;
	queue_dirty(view);
	hand_out(view, begin);
	const struct logsource *top = logheap_top(&view->heap);
	if (top != NULL) {
		nsec_t held = view->held;
		view->held = top->key;
		if (news == 0 && held == top->key)
			hand_out(view, held + 1);
		return 0;
	}
	view->held = 0;
	if (!view->enough && !view->sink->idle(view->sink->arg))
		view->enough = true;
	tell_trouble(view);
	if (!view->enough && news == 0)
		wait_for_news(view);
	return 0;
}

static int run(struct logview *view, struct cause *cause)
{
	if (logcatalog_open(&view->catalog, view->query, cause) < 0)
		return -1;
	for_each(view, settle);
	if (view->query->lines == LOGVIEW_ALL)
		for_each(view, rewind_source);
	else
		choose_last(view);
	for_each(view, queue_when_due);
	view->catalog.dirty_count = 0;
	if (!view->query->follow) {
		hand_out(view, INT64_MAX);
		view->sink->idle(view->sink->arg);
		return check(view, cause);
	}
	while (!view->enough)
		if (follow_once(view, cause) < 0)
			return -1;
	return 0;
}

int logview_run(
	const struct logview_query *query, const struct logview_sink *sink, struct cause *cause)
{
	struct logview view = {.query = query, .sink = sink};
	int result = run(&view, cause);

	logheap_release(&view.heap);
	logcatalog_release(&view.catalog);
	return result;
}

void logview_dynos(const char *state_dir, struct strlist *names)
{
	char *path = xasprintf("%s/log", state_dir);

	fdio_list(path, "", dyno_name_is_valid, names);
	fdio_list(state_dir, ".state", dyno_name_is_valid, names);
	free(path);
	strlist_sort_unique(names);
}
