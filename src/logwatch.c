/*
 * logwatch: the part of logcatalog that listens to inotify.
 *
 * Only directories are watched; they report what happens to the files in them. One watch for each
 * dyno, one for the log directory, one for the state directory with the journal.
 */
#include "logcatalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "fdio.h"
#include "journalfile.h"
#include "pieces.h"
#include "xmalloc.h"

enum {
	EVENTS_AT_ONCE = 16384
};

static int cannot_watch(const struct logcatalog *catalog, const char *what, struct cause *cause)
{
	const char *dir = catalog->query->state_dir;

	if (errno == ENOSPC)
		return cause_set(cause,
			"cannot watch %s in %s: too many watches; raise "
			"fs.inotify.max_user_watches",
			what, dir);
	return cause_errno(cause, "cannot watch %s in %s", what, dir);
}

static int watch(struct logcatalog *catalog, const char *below, uint32_t mask, struct cause *cause)
{
	char *path = xasprintf("%s%s", catalog->query->state_dir, below);
	int number = inotify_add_watch(catalog->inotify, path, mask | IN_ONLYDIR);

	free(path);
	return number >= 0 ? number : cannot_watch(catalog, below + (*below == '/'), cause);
}

int logwatch_open(struct logcatalog *catalog, struct cause *cause)
{
	catalog->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (catalog->inotify < 0 && errno == EMFILE)
		return cause_set(cause, "cannot follow the log: too many are being followed; raise "
					"fs.inotify.max_user_instances");
	if (catalog->inotify < 0)
		return cause_errno(cause, "cannot follow the log");
	catalog->state_watch =
		watch(catalog, "", IN_CREATE | IN_MODIFY | IN_DELETE | IN_DELETE_SELF, cause);
	return catalog->state_watch < 0 ? -1 : 0;
}

int logwatch_add_logs(struct logcatalog *catalog, struct cause *cause)
{
	if (catalog->inotify < 0 || catalog->log_watch >= 0)
		return 0;
	catalog->log_watch = watch(catalog, "/log", IN_CREATE | IN_MOVED_TO, cause);
	return catalog->log_watch < 0 ? -1 : 0;
}

/* A directory that is gone again is no error: nobody will write to it. */
int logwatch_add_dyno(struct logcatalog *catalog, struct logdyno *dyno, struct cause *cause)
{
	if (catalog->inotify < 0 || dyno->watch >= 0)
		return 0;
	char *below = xasprintf("/log/%s", dyno->name);
	errno = 0;
	dyno->watch = watch(catalog, below, IN_CREATE | IN_MODIFY | IN_MOVED_TO, cause);
	int error = errno;
	free(below);
	if (dyno->watch < 0)
		return error == ENOENT || error == ENOTDIR ? 0 : -1;
	size_t number = (size_t)dyno->watch;
	if (number >= catalog->watch_count) {
		catalog->by_watch =
			xreallocarray(catalog->by_watch, 2 * number + 1, sizeof(struct logdyno *));
		memset(catalog->by_watch + catalog->watch_count, 0,
			(2 * number + 1 - catalog->watch_count) * sizeof(struct logdyno *));
		catalog->watch_count = 2 * number + 1;
	}
	catalog->by_watch[number] = dyno;
	return 0;
}

void logwatch_close(struct logcatalog *catalog)
{
	free(catalog->by_watch);
	fdio_close(&catalog->inotify);
}

static void dyno_event(
	struct logcatalog *catalog, struct logdyno *dyno, const struct inotify_event *event)
{
	struct piece piece;

	if ((event->mask & IN_IGNORED) != 0) { /* its directory was removed; another may come */
		catalog->by_watch[dyno->watch] = NULL;
		dyno->watch = -1;
		return;
	}
	if (event->len == 0 || !piece_parse(event->name, "idx", &piece))
		return;
	struct logsource *known = logdyno_launch(dyno, piece.launch);
	if ((event->mask & IN_MODIFY) != 0 && known != NULL)
		logcatalog_mark(catalog, known);
	else
		logcatalog_scan_dyno(catalog, dyno);
}

static int state_event(
	struct logcatalog *catalog, const struct inotify_event *event, struct cause *cause)
{
	uint64_t number;

	if ((event->mask & (IN_DELETE_SELF | IN_IGNORED)) != 0)
		return cause_set(cause, "%s was removed", catalog->query->state_dir);
	if (event->len == 0)
		return 0;
	bool is_log = strcmp(event->name, "log") == 0;
	if (is_log && (event->mask & IN_DELETE) != 0)
		return cause_set(cause, "%s/log was removed", catalog->query->state_dir);
	if (journalfile_parse(event->name, &number)) {
		logstream_extend(catalog->journal->stream, number);
		logcatalog_mark(catalog, catalog->journal);
	}
	return is_log && catalog->log_dir < 0 ? logcatalog_scan(catalog, cause) : 0;
}

static int handle(
	struct logcatalog *catalog, const struct inotify_event *event, struct cause *cause)
{
	if ((event->mask & IN_Q_OVERFLOW) != 0) { /* events were lost: look at everything */
		logcatalog_scan_journal(catalog);
		logcatalog_mark_all(catalog);
		return logcatalog_scan(catalog, cause);
	}
	if (event->wd == catalog->state_watch)
		return state_event(catalog, event, cause);
	if (event->wd == catalog->log_watch)
		return event->len > 0 ? logcatalog_add_dyno(catalog, event->name, cause) : 0;
	if (event->wd >= 0 && (size_t)event->wd < catalog->watch_count &&
		catalog->by_watch[event->wd] != NULL)
		dyno_event(catalog, catalog->by_watch[event->wd], event);
	return 0;
}

int logcatalog_refresh(struct logcatalog *catalog, struct cause *cause)
{
	static char buffer[EVENTS_AT_ONCE]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	int count = 0;

	while (catalog->inotify >= 0) {
		ssize_t n = read(catalog->inotify, buffer, sizeof buffer);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (char *at = buffer; at < buffer + n; count++) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			if (handle(catalog, event, cause) < 0)
				return -1;
			at += sizeof *event + event->len;
		}
	}
	return count;
}
