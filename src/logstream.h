/*
 * logstream: one launch's output, or the journal, as lines.
 *
 * A stream is a row of numbered files. A line of output may begin in one file and end in the next;
 * its time is that of its last byte, which for a whole line is the newline. Lines are read
 * forwards, with their text, or stepped over backwards from the end, to find where to begin.
 *
 * The last line is incomplete as long as it has no newline. It is kept back until it is complete,
 * or until the stream is closed by logstream_finish(): nobody is going to write to it any more, or
 * nobody is going to wait.
 */
#ifndef GRACECTL_LOGSTREAM_H
#define GRACECTL_LOGSTREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cause.h"
#include "clock.h"

/* A line longer than this is handed out in parts. */
enum {
	LOGSTREAM_LINE_MAX = 16 * 1024 * 1024
};

struct logline {
	nsec_t time;	  /* 0 in the journal, whose lines carry their time themselves */
	const char *text; /* without newline; valid until the next call with this stream */
	size_t len;
};

struct logstream;

/* The output of one launch of a dyno below logdir, and the journal in a state directory; no file of
 * them is known yet. */
struct logstream *logstream_open_output(int logdir, const char *dyno, uint64_t launch);
struct logstream *logstream_open_journal(int state_dir);

void logstream_free(struct logstream *stream);

/* There is a file of this number now. Returns true when that is news: it comes after those that are
 * known. */
bool logstream_extend(struct logstream *stream, uint64_t number);

/* The same with each file of the journal. Returns 0, or -1 with errno. */
int logstream_extend_journal(struct logstream *stream);

/* What is there is all there will be: an incomplete last line is complete. */
void logstream_finish(struct logstream *stream);

/* The same, and whatever is written from now on is not seen. */
void logstream_freeze(struct logstream *stream);
bool logstream_is_finished(const struct logstream *stream);

/* True when the last line has no newline yet. */
bool logstream_is_torn(struct logstream *stream);

/* No line is earlier, no line is later: cheap to ask, without reading any of them. The times in the
 * journal are not known so. */
nsec_t logstream_not_before(struct logstream *stream);
nsec_t logstream_not_after(struct logstream *stream);

/* A file that may not be read is passed over. Returns 0, or -1 with a sentence when there was one;
 * state_dir stands in it. */
int logstream_check(const struct logstream *stream, const char *state_dir, struct cause *cause);

/* Reading goes on at the first line, behind the last complete one, or at the first that is not
 * before `since`. */
void logstream_seek_begin(struct logstream *stream);
void logstream_seek_end(struct logstream *stream);
void logstream_seek_time(struct logstream *stream, nsec_t since);

/* The next line. False when there is none now (or none any more); then the stream keeps no memory
 * but that of an incomplete line. */
bool logstream_next(struct logstream *stream, struct logline *line);

/*
 * Steps back over one line, so that logstream_next() would return it. False at the beginning. The
 * text is set only with want_text.
 */
bool logstream_prev(struct logstream *stream, bool want_text, struct logline *line);

#endif
