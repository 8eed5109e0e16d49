/* logcatalog: see the header. */
#include "logcatalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "pieces.h"
#include "xmalloc.h"

/* ---- sources ---- */

void logcatalog_mark(struct logcatalog *catalog, struct logsource *source)
{
	if (source->dirty)
		return;
	source->dirty = true;
	if (catalog->dirty_count == catalog->dirty_room) {
		catalog->dirty_room = catalog->dirty_room == 0 ? 16 : 2 * catalog->dirty_room;
		catalog->dirty = xreallocarray(
			catalog->dirty, catalog->dirty_room, sizeof(struct logsource *));
	}
	catalog->dirty[catalog->dirty_count++] = source;
}

struct logsource *logdyno_launch(const struct logdyno *dyno, uint64_t launch)
{
	/* It is nearly always about the newest. */
	for (size_t i = dyno->count; i-- > 0;)
		if (dyno->sources[i]->launch == launch)
			return dyno->sources[i];
	return NULL;
}

/* A launch is known from its first piece on; the next ones make it longer. */
static void add_piece(struct logcatalog *catalog, struct logdyno *dyno, struct piece piece)
{
	struct logsource *source = logdyno_launch(dyno, piece.launch);

	if (source != NULL) {
		if (!logstream_extend(source->stream, piece.number))
			return;
	} else {
		struct logstream *stream =
			logstream_open_output(catalog->log_dir, dyno->name, piece.launch);
		logstream_extend(stream, piece.number);
		source = logsource_new(stream, dyno->name, piece.launch);
		dyno->sources =
			xreallocarray(dyno->sources, dyno->count + 1, sizeof(struct logsource *));
		dyno->sources[dyno->count++] = source;
	}
	logcatalog_mark(catalog, source);
}

/* With a third launch, nobody waits for the first one's incomplete line any longer. */
static void finish_old(struct logcatalog *catalog, struct logdyno *dyno)
{
	for (size_t i = 0; i + 2 < dyno->count; i++) {
		if (logstream_is_finished(dyno->sources[i]->stream))
			continue;
		logstream_finish(dyno->sources[i]->stream);
		logcatalog_mark(catalog, dyno->sources[i]);
	}
}

void logcatalog_scan_dyno(struct logcatalog *catalog, struct logdyno *dyno)
{
	struct pieces pieces;

	pieces_list(catalog->log_dir, dyno->name, &pieces);
	for (size_t i = 0; i < pieces.count; i++)
		add_piece(catalog, dyno, pieces.items[i]);
	pieces_release(&pieces);
	finish_old(catalog, dyno);
}

/* ---- dynos ---- */

static struct logdyno *find_dyno(const struct logcatalog *catalog, const char *name)
{
	for (size_t i = 0; i < catalog->count; i++)
		if (strcmp(catalog->dynos[i]->name, name) == 0)
			return catalog->dynos[i];
	return NULL;
}

int logcatalog_add_dyno(struct logcatalog *catalog, const char *name, struct cause *cause)
{
	struct logdyno *dyno = find_dyno(catalog, name);

	if (!dyno_name_is_valid(name) || !logview_wants(catalog->query, name))
		return 0;
	if (dyno == NULL) {
		dyno = xcalloc(1, sizeof *dyno);
		dyno->name = xstrdup(name);
		dyno->watch = -1;
		catalog->dynos =
			xreallocarray(catalog->dynos, catalog->count + 1, sizeof(struct logdyno *));
		catalog->dynos[catalog->count++] = dyno;
	}
	if (logwatch_add_dyno(catalog, dyno, cause) < 0)
		return -1;
	logcatalog_scan_dyno(catalog, dyno);
	return 0;
}

static int list_dynos(struct logcatalog *catalog, struct cause *cause)
{
	int result = 0;
	int fd = openat(catalog->log_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		fdio_close(&fd);
		return cause_errno(
			cause, "cannot list the logs in %s/log", catalog->query->state_dir);
	}
	for (struct dirent *entry; result == 0 && (entry = readdir(dir)) != NULL;)
		if (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
			result = logcatalog_add_dyno(catalog, entry->d_name, cause);
	closedir(dir);
	return result;
}

int logcatalog_scan(struct logcatalog *catalog, struct cause *cause)
{
	if (!catalog->query->output)
		return 0;
	if (catalog->log_dir < 0) {
		catalog->log_dir =
			openat(catalog->state_dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (catalog->log_dir < 0)
			return errno == ENOENT ? 0
					       : cause_errno(cause, "cannot open %s/log",
							 catalog->query->state_dir);
	}
	if (logwatch_add_logs(catalog, cause) < 0)
		return -1;
	return list_dynos(catalog, cause);
}

/* ---- the journal ---- */

struct logsource *logcatalog_open_journal(const struct logcatalog *catalog)
{
	struct logstream *stream = logstream_open_journal(catalog->state_dir);

	logstream_extend_journal(stream);
	logstream_seek_end(stream);
	return logsource_new(stream, NULL, 0);
}

void logcatalog_scan_journal(struct logcatalog *catalog)
{
	if (catalog->journal == NULL)
		return;
	logstream_extend_journal(catalog->journal->stream);
	logcatalog_mark(catalog, catalog->journal);
}

/* ---- all of it ---- */

void logcatalog_mark_all(struct logcatalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++)
		for (size_t j = 0; j < catalog->dynos[i]->count; j++)
			logcatalog_mark(catalog, catalog->dynos[i]->sources[j]);
	if (catalog->journal != NULL)
		logcatalog_mark(catalog, catalog->journal);
}

struct logsource *logcatalog_find(
	const struct logcatalog *catalog, const char *dyno, uint64_t launch)
{
	const struct logdyno *known = find_dyno(catalog, dyno);

	return known != NULL ? logdyno_launch(known, launch) : NULL;
}

int logcatalog_open(
	struct logcatalog *catalog, const struct logview_query *query, struct cause *cause)
{
	*catalog = (struct logcatalog){
		.query = query, .log_dir = -1, .inotify = -1, .state_watch = -1, .log_watch = -1};
	catalog->state_dir = open(query->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (catalog->state_dir < 0)
		return cause_errno(cause, "there is no log: cannot open %s", query->state_dir);
	if (query->follow && logwatch_open(catalog, cause) < 0)
		return -1;
	/* While following, the journal also tells which launches are over. */
	if (query->events || query->follow) {
		catalog->journal =
			logsource_new(logstream_open_journal(catalog->state_dir), NULL, 0);
		logcatalog_scan_journal(catalog);
	}
	return logcatalog_scan(catalog, cause);
}

static void free_dyno(struct logdyno *dyno)
{
	for (size_t i = 0; i < dyno->count; i++)
		logsource_free(dyno->sources[i]);
	free(dyno->sources);
	free(dyno->name);
	free(dyno);
}

void logcatalog_release(struct logcatalog *catalog)
{
	for (size_t i = 0; i < catalog->count; i++)
		free_dyno(catalog->dynos[i]);
	free(catalog->dynos);
	logsource_free(catalog->journal);
	free(catalog->dirty);
	logwatch_close(catalog);
	fdio_close(&catalog->log_dir);
	fdio_close(&catalog->state_dir);
}
