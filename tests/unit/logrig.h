/*
 * logrig: a state directory made by hand, for tests of those who read logs. Output goes through the
 * real segment and events through the real journal, at times of the test's choice.
 */
#ifndef GRACECTL_LOGRIG_H
#define GRACECTL_LOGRIG_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "journal.h"
#include "segment.h"
#include "strlist.h"

struct logrig {
	char dir[200];
	int log_dir;
	uint64_t piece; /* size of a piece */
};

static inline void logrig_init(struct logrig *rig)
{
	struct cause cause;
	char path[256];

	strcpy(rig->dir, "/tmp/logrig.XXXXXX");
	rig->piece = 1 << 20;
	rig->log_dir = -1;
	if (mkdtemp(rig->dir) == NULL)
		exit(1);
	snprintf(path, sizeof path, "%s/log", rig->dir);
	if (fdio_make_dirs(path, &cause) == 0)
		rig->log_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static inline void logrig_release(struct logrig *rig)
{
	char *command = NULL;

	close(rig->log_dir);
	if (asprintf(&command, "rm -rf '%s'", rig->dir) < 0 || system(command) != 0)
		exit(1);
	free(command);
}

/* One batch of output of a launch at a time. */
static inline void logrig_output_bytes(struct logrig *rig, const char *dyno, uint64_t launch,
	nsec_t wall, const char *text, size_t len)
{
	struct segment_limits limits = {rig->piece, UINT64_C(1) << 40};
	struct segment *segment = segment_open(rig->log_dir, dyno, launch, limits);
	struct segment_batch batch;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		exit(1);
	while (len > 0) {
		ssize_t n = write(ends[1], text, len < 65536 ? len : 65536);
		if (n <= 0)
			exit(1);
		text += n;
		len -= (size_t)n;
		while (segment_move(segment, ends[0], wall, &batch) == SEGMENT_MOVED)
			;
	}
	close(ends[0]);
	close(ends[1]);
	segment_close(segment);
}

static inline void logrig_output(
	struct logrig *rig, const char *dyno, uint64_t launch, nsec_t wall, const char *text)
{
	logrig_output_bytes(rig, dyno, launch, wall, text, strlen(text));
}

/* An event of a kind; text, if any, becomes the fields "text" and "status" alike. */
static inline void logrig_event(struct logrig *rig, enum event_kind kind, const char *dyno,
	uint64_t launch, nsec_t wall, const char *text)
{
	struct cause cause;
	struct event event;
	struct journal *journal = journal_open(rig->dir, &cause);

	if (journal == NULL)
		exit(1);
	event_begin(&event, kind, wall, dyno, launch);
	event_str(&event, "text", text);
	event_str(&event, "status", text);
	event_str(&event, "command", text);
	journal_write(journal, &event, &cause);
	event_release(&event);
	journal_close(journal);
}

#endif
