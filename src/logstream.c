/*
 * logstream: see the header.
 *
 * The writer ends one file before it begins the next. So the end of a file is final if it is found
 * when the next file is known already; that is why files are made known by logstream_extend(), and
 * never looked for on the way.
 */
#include "logstream.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "journalfile.h"
#include "logchunk.h"
#include "pieces.h"
#include "xmalloc.h"

struct position {
	uint64_t number; /* of the file */
	uint64_t offset;
};

struct logstream {
	int dir;
	char *dyno; /* NULL: the journal */
	uint64_t launch;
	uint64_t *files; /* the numbers of those that there are, in order; owned */
	size_t count;
	int error;	 /* errno of the first that may not be read */
	uint64_t failed; /* its number */
	bool finished;
	struct position stop; /* where a frozen stream ends; number 0: not frozen */
	struct position
		at; /* forwards: the next byte; backwards: the beginning of the line stepped over */
	struct logchunk chunk;
	struct buf line;  /* a line that is spread over several chunks */
	bool handed_out;  /* line was returned, and is to be emptied */
	nsec_t line_time; /* of the last byte in line */
};

struct logstream *logstream_open_output(int logdir, const char *dyno, uint64_t launch)
{
	struct logstream *stream = logstream_open_journal(logdir);

	stream->dyno = xstrdup(dyno);
	stream->launch = launch;
	return stream;
}

struct logstream *logstream_open_journal(int state_dir)
{
	struct logstream *stream = xcalloc(1, sizeof *stream);

	stream->dir = state_dir;
	return stream;
}

void logstream_free(struct logstream *stream)
{
	if (stream == NULL)
		return;
	logchunk_release(&stream->chunk);
	buf_release(&stream->line);
	free(stream->files);
	free(stream->dyno);
	free(stream);
}

/* Its number; 0: there is none. */
static uint64_t last_file(const struct logstream *stream)
{
	return stream->count > 0 ? stream->files[stream->count - 1] : 0;
}

static uint64_t file_before(const struct logstream *stream, uint64_t number)
{
	size_t i = stream->count;

	while (i > 0 && stream->files[i - 1] >= number)
		i--;
	return i > 0 ? stream->files[i - 1] : 0;
}

static uint64_t file_after(const struct logstream *stream, uint64_t number)
{
	size_t i = stream->count;

	while (i > 0 && stream->files[i - 1] > number)
		i--;
	return i < stream->count ? stream->files[i] : 0;
}

bool logstream_extend(struct logstream *stream, uint64_t number)
{
	uint64_t last = last_file(stream);

	if (number <= last || (stream->dyno == NULL && !journalfile_follows(last, number)))
		return false;
	stream->files = xreallocarray(stream->files, stream->count + 1, sizeof *stream->files);
	stream->files[stream->count++] = number;
	if (last == 0)
		stream->at.number = number;
	return true;
}

int logstream_extend_journal(struct logstream *stream)
{
	struct journalfiles files;
	int result = journalfile_list(stream->dir, &files);

	for (size_t i = 0; i < files.count; i++)
		logstream_extend(stream, files.numbers[i]);
	journalfile_release(&files);
	return result;
}

void logstream_finish(struct logstream *stream)
{
	stream->finished = true;
}

bool logstream_is_finished(const struct logstream *stream)
{
	return stream->finished;
}

/* The file of a number, in a form that lives as long as the caller's struct. */
struct path {
	char log[PIECE_NAME], idx[PIECE_NAME];
	struct logfile file;
};

static const struct logfile *locate(
	const struct logstream *stream, uint64_t number, struct path *path)
{
	struct piece piece = {stream->launch, number};

	path->file = (struct logfile){.dir = stream->dir, .name = path->log};
	if (stream->dyno == NULL) {
		journalfile_name(path->log, number);
		return &path->file;
	}
	piece_name(path->log, stream->dyno, piece, "log");
	path->file.idx = piece_name(path->idx, stream->dyno, piece, "idx");
	path->file.stamped = number == last_file(stream) && !stream->finished;
	return &path->file;
}

static uint64_t file_end(const struct logstream *stream, uint64_t number)
{
	struct path path;
	uint64_t end = logfile_end(locate(stream, number, &path), NULL);

	return number == stream->stop.number && stream->stop.offset < end ? stream->stop.offset
									  : end;
}

void logstream_freeze(struct logstream *stream)
{
	stream->finished = true;
	stream->stop = (struct position){last_file(stream), file_end(stream, last_file(stream))};
}

static void load(struct logstream *stream, uint64_t number, uint64_t start, uint64_t end)
{
	struct path path;
	const struct logfile *file = locate(stream, number, &path);

	if (logchunk_load(&stream->chunk, file, number, start, end) == 0 || stream->error != 0)
		return;
	stream->error = errno;
	stream->failed = number;
}

int logstream_check(const struct logstream *stream, const char *state_dir, struct cause *cause)
{
	struct path path;

	if (stream->error == 0)
		return 0;
	locate(stream, stream->failed, &path);
	errno = stream->error;
	return cause_errno(cause, "cannot read %s/%s%s", state_dir,
		stream->dyno != NULL ? "log/" : "", path.log);
}

nsec_t logstream_not_before(struct logstream *stream)
{
	struct path path;

	return logfile_first_time(locate(stream, stream->at.number, &path));
}

nsec_t logstream_not_after(struct logstream *stream)
{
	struct path path;
	nsec_t changed = 0;

	if (stream->dyno == NULL)
		return INT64_MAX;
	logfile_end(locate(stream, last_file(stream), &path), &changed);
	/* A file's time is that of the last tick of the kernel's clock: it lags behind a little. */
	return changed + NSEC_PER_SEC;
}

void logstream_seek_begin(struct logstream *stream)
{
	stream->at = (struct position){stream->count > 0 ? stream->files[0] : 0, 0};
}

/* ---- forwards ---- */

static bool append_chunk(struct logstream *stream, const char *from, size_t len)
{
	buf_append(&stream->line, from, len);
	stream->at.offset += len;
	stream->line_time = logchunk_time(&stream->chunk, stream->at.offset - 1);
	return stream->line.len >= LOGSTREAM_LINE_MAX;
}

static bool hand_out(struct logstream *stream, const char *text, size_t len, struct logline *line)
{
	line->text = text != NULL ? text : "";
	line->len = len;
	line->time = stream->line_time;
	return true;
}

/* Takes what the chunk has of the present line. True when that completes it. */
static bool take_from_chunk(struct logstream *stream, struct logline *line)
{
	size_t skip = (size_t)(stream->at.offset - stream->chunk.start);
	const char *from = stream->chunk.bytes.data + skip;
	size_t rest = stream->chunk.bytes.len - skip;
	const char *newline = memchr(from, '\n', rest);

	if (newline == NULL) {
		if (!append_chunk(stream, from, rest))
			return false;
		stream->handed_out = true;
		return hand_out(stream, stream->line.data, stream->line.len, line);
	}
	size_t len = (size_t)(newline - from);
	stream->line_time = logchunk_time(&stream->chunk, stream->at.offset + len);
	stream->at.offset += len + 1;
	if (stream->line.len == 0)
		return hand_out(stream, from, len, line);
	buf_append(&stream->line, from, len);
	stream->handed_out = true;
	return hand_out(stream, stream->line.data, stream->line.len, line);
}

/*
 * At the end of what is there: an incomplete line is the last one of a finished stream; else it
 * stays in memory until its rest comes. Not so in the journal, whose next writer cuts such a line:
 * it is read anew.
 */
static bool at_end(struct logstream *stream, struct logline *line)
{
	logchunk_release(&stream->chunk);
	if (stream->line.len == 0)
		return false;
	if (stream->finished) {
		stream->handed_out = true;
		return hand_out(stream, stream->line.data, stream->line.len, line);
	}
	if (stream->dyno == NULL) {
		stream->at.offset -=
			stream->line.len < stream->at.offset ? stream->line.len : stream->at.offset;
		buf_release(&stream->line);
	}
	return false;
}

/* A line of output goes on there; one of the journal that was torn does not. False: there is none.
 */
static bool begin_next_file(struct logstream *stream)
{
	uint64_t next = file_after(stream, stream->at.number);

	if (next == 0)
		return false;
	stream->at = (struct position){next, 0};
	if (stream->dyno == NULL)
		buf_release(&stream->line);
	return true;
}

bool logstream_next(struct logstream *stream, struct logline *line)
{
	if (stream->handed_out) {
		stream->handed_out = false;
		buf_release(&stream->line);
	}
	while (stream->at.number != 0) {
		if (!logchunk_has(&stream->chunk, stream->at.number, stream->at.offset))
			load(stream, stream->at.number, stream->at.offset,
				file_end(stream, stream->at.number));
		if (stream->chunk.bytes.len > 0) {
			if (take_from_chunk(stream, line))
				return true;
		} else if (!begin_next_file(stream)) {
			break;
		}
	}
	return at_end(stream, line);
}

/* ---- backwards ---- */

/* Moves to the end of an earlier file from the beginning of one. False at that of the stream. */
static bool to_earlier_file(const struct logstream *stream, struct position *at)
{
	while (at->offset == 0) {
		uint64_t before = file_before(stream, at->number);
		if (before == 0)
			return false;
		*at = (struct position){before, file_end(stream, before)};
	}
	return true;
}

/*
 * Loads the chunk that ends at `at`, which moves to the end of an earlier file when it stands at
 * the beginning of one, and over what cannot be read, or is not there any more. False at the
 * beginning of the stream.
 */
static bool load_before(struct logstream *stream, struct position *at)
{
	while (to_earlier_file(stream, at)) {
		if (logchunk_has(&stream->chunk, at->number, at->offset - 1))
			return true;
		uint64_t start = at->offset > LOGCHUNK_SIZE ? at->offset - LOGCHUNK_SIZE : 0;
		load(stream, at->number, start, at->offset);
		if (stream->chunk.bytes.len == 0)
			start = 0;
		at->offset = start + stream->chunk.bytes.len;
	}
	return false;
}

/* The byte before `at`, which is loaded. */
static char byte_before(const struct logstream *stream, struct position at)
{
	return stream->chunk.bytes.data[at.offset - 1 - stream->chunk.start];
}

/* A line of output may begin in an earlier file, one of the journal never does. */
static bool may_begin_earlier(const struct logstream *stream, struct position at)
{
	return stream->dyno != NULL || at.offset > 0;
}

/* Moves `at` back to behind the last newline before it, or to the beginning. */
static void line_start(struct logstream *stream, struct position *at)
{
	struct position from = *at;

	while (may_begin_earlier(stream, from) && load_before(stream, &from)) {
		const char *bytes = stream->chunk.bytes.data;
		size_t len = (size_t)(from.offset - stream->chunk.start);
		const char *newline = memrchr(bytes, '\n', len);
		if (newline != NULL) {
			at->number = from.number;
			at->offset = stream->chunk.start + (uint64_t)(newline - bytes) + 1;
			return;
		}
		from.offset = stream->chunk.start;
		*at = from;
	}
}

bool logstream_is_torn(struct logstream *stream)
{
	struct position at = {last_file(stream), file_end(stream, last_file(stream))};

	return load_before(stream, &at) && byte_before(stream, at) != '\n';
}

void logstream_seek_end(struct logstream *stream)
{
	stream->at = (struct position){last_file(stream), file_end(stream, last_file(stream))};
	if (!stream->finished && logstream_is_torn(stream))
		line_start(stream, &stream->at);
	logchunk_release(&stream->chunk);
}

void logstream_seek_time(struct logstream *stream, nsec_t since)
{
	struct path path;
	size_t i = 0;

	/* The last file that begins before that time; the files of a launch are few. */
	while (i + 1 < stream->count &&
		logfile_first_time(locate(stream, stream->files[i + 1], &path)) < since)
		i++;
	uint64_t number = stream->files[i];
	stream->at = (struct position){number, logfile_seek(locate(stream, number, &path), since)};
	line_start(stream, &stream->at);
}

/* Points to the text between two places of one file: in the chunk, if it is there. */
static const char *text_between(struct logstream *stream, struct position from, size_t len)
{
	uint64_t end = from.offset + len;

	if (len == 0)
		return "";
	if (logchunk_has(&stream->chunk, from.number, from.offset) &&
		logchunk_has(&stream->chunk, from.number, end - 1))
		return stream->chunk.bytes.data + (from.offset - stream->chunk.start);
	buf_reset(&stream->line);
	for (uint64_t at = from.offset; at < end; at += stream->chunk.bytes.len) {
		load(stream, from.number, at, end);
		if (stream->chunk.bytes.len == 0)
			break;
		buf_append(&stream->line, stream->chunk.bytes.data, stream->chunk.bytes.len);
	}
	stream->handed_out = true;
	return stream->line.len == len ? stream->line.data : NULL;
}

bool logstream_prev(struct logstream *stream, bool want_text, struct logline *line)
{
	struct position end = stream->at;

	if (!load_before(stream, &end))
		return false;
	line->time = logchunk_time(&stream->chunk, end.offset - 1);
	if (byte_before(stream, end) == '\n')
		end.offset--;
	stream->at = end;
	line_start(stream, &stream->at);
	line->text = NULL;
	line->len = 0;
	if (want_text && stream->at.number == end.number) {
		line->len = (size_t)(end.offset - stream->at.offset);
		line->text = text_between(stream, stream->at, line->len);
	}
	return true;
}
