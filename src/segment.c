/*
 * segment: see the header.
 *
 * Nothing is opened before the first byte is there: a silent instance costs neither descriptor nor
 * file. To learn what stands in the pipe without taking it out, tee() copies a little of it into a
 * scratch pipe; that happens only at the seams (first byte, end of a piece, return from a full
 * disk), never on the way.
 */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "pieces.h"
#include "segtrim.h"
#include "xmalloc.h"

/* How long a file that could not be written is left alone. */
#define RETRY_PAUSE NSEC_PER_SEC

/* How long a batch may gather while output is pouring. */
#define POURING_PAUSE (NSEC_PER_MSEC / 2)

enum {
	POURING = 4096,		/* a batch larger than this: there is more to come */
	LOOK_MAX = 65536,	/* how far ahead the end of a line is looked for */
	PIPE_FULL = 32 * 1024,	/* a batch as large as this: the pipe is too small for its writer */
	PIPE_WIDE = 256 * 1024, /* then it gets this size */
};

struct segment {
	int logdir; /* not ours */
	int log_fd; /* -1 while no piece is open */
	int idx_fd;
	struct piece piece; /* the open piece, or the last one; number 0 before the first */
	uint64_t size;	    /* of the open piece */
	uint64_t stamps;    /* entries in its index */
	uint64_t others;    /* bytes of this dyno's other pieces, when they were last counted */
	struct segment_limits limits;
	int error;     /* errno since which output is dropped; 0: it is written */
	nsec_t retry;  /* monotonic: when writing is tried again */
	bool midline;  /* what was dropped last did not end with a newline */
	int pipe_size; /* what the pipe holds; 0: not known yet */
	char dyno[];   /* its name */
};

/* For looking ahead and for dropping. One thread, never in use across a call. */
static char scratch[LOOK_MAX];

static void close_piece(struct segment *segment)
{
	fdio_close(&segment->log_fd);
	fdio_close(&segment->idx_fd);
}

void segment_close(struct segment *segment)
{
	if (segment == NULL)
		return;
	close_piece(segment);
	free(segment);
}

static int open_file(const struct segment *segment, const char *suffix)
{
	char name[PIECE_NAME];

	return openat(segment->logdir, piece_name(name, segment->dyno, segment->piece, suffix),
		O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Adds an entry to the index. A failure costs no output, only a time: the next entry covers these
 * bytes too. */
static void add_stamp(struct segment *segment, nsec_t wall)
{
	struct stamp stamp = {.end = segment->size, .wall = (uint64_t)wall};
	off_t at = (off_t)(segment->stamps * sizeof stamp);

	if (pwrite(segment->idx_fd, &stamp, sizeof stamp, at) == (ssize_t)sizeof stamp)
		segment->stamps++;
}

/*
 * Takes over the index of a piece that somebody else has begun. Bytes that he moved but did not
 * stamp any more get the time of the last change; an entry that he wrote by half is written over.
 */
static int continue_index(struct segment *segment, const struct stat *log)
{
	struct stamp last = {0};
	struct stat idx;

	if (fstat(segment->idx_fd, &idx) < 0)
		return -1;
	segment->stamps = (uint64_t)idx.st_size / sizeof last;
	if (segment->stamps > 0 && pread(segment->idx_fd, &last, sizeof last,
					   (off_t)((segment->stamps - 1) * sizeof last)) < 0)
		return -1;
	if (last.end > segment->size) { /* the log was cut by somebody: no entry fits any more */
		if (ftruncate(segment->idx_fd, 0) < 0)
			return -1;
		segment->stamps = last.end = 0;
	}
	if (last.end < segment->size)
		add_stamp(segment, log->st_mtim.tv_sec * NSEC_PER_SEC + log->st_mtim.tv_nsec);
	return 0;
}

static int open_piece(struct segment *segment)
{
	struct stat st;

	segment->log_fd = open_file(segment, "log");
	if (segment->log_fd < 0 && errno == ENOENT) {
		if (mkdirat(segment->logdir, segment->dyno, 0700) < 0 && errno != EEXIST)
			return -1;
		segment->log_fd = open_file(segment, "log");
	}
	if (segment->log_fd < 0 || fstat(segment->log_fd, &st) < 0)
		return -1;
	segment->size = (uint64_t)st.st_size;
	segment->idx_fd = open_file(segment, "idx");
	return segment->idx_fd < 0 ? -1 : continue_index(segment, &st);
}

/* Output is dropped from now on, and the file tried again after a pause. */
static void fail(struct segment *segment, int error)
{
	segment->error = error;
	segment->retry = clock_mono() + RETRY_PAUSE;
}

static uint64_t weight(const struct segment *segment)
{
	return segment->size + segment->stamps * sizeof(struct stamp);
}

static void keep_budget(struct segment *segment)
{
	uint64_t own = weight(segment), keep = segment->limits.keep;

	segment->others = segtrim(segment->logdir, segment->dyno, segment->piece,
		keep > own ? keep - own : 0, SEGMENT_PIECES_MAX);
}

/* Opens the piece that segment->piece names. On failure nothing is open. */
static bool begin_piece(struct segment *segment)
{
	if (open_piece(segment) < 0) {
		fail(segment, errno);
		close_piece(segment);
		return false;
	}
	keep_budget(segment);
	return true;
}

struct segment *segment_open(
	int logdir, const char *dyno, uint64_t launch, struct segment_limits limits)
{
	size_t name_size = strlen(dyno) + 1;
	struct segment *segment = xcalloc(1, sizeof *segment + name_size);
	struct pieces pieces;

	segment->logdir = logdir;
	segment->log_fd = segment->idx_fd = -1;
	segment->piece.launch = launch;
	segment->limits = limits;
	memcpy(segment->dyno, dyno, name_size);

	pieces_list(logdir, dyno, &pieces);
	for (size_t i = 0; i < pieces.count; i++)
		if (pieces.items[i].launch == launch)
			segment->piece.number = pieces.items[i].number;
	pieces_release(&pieces);
	/* Begun by another supervisor: what it left without a time must not wait for the next
	 * output to get one. */
	if (segment->piece.number > 0)
		begin_piece(segment);
	return segment;
}

/*
 * Copies what stands at the front of the pipe into scratch and leaves it there. Returns the number
 * of bytes, 0 at the end, or -1 with errno (EAGAIN: nothing there).
 */
static ssize_t look(int pipe_fd, size_t max)
{
	int copy[2];

	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	ssize_t n = tee(pipe_fd, copy[1], max, SPLICE_F_NONBLOCK);
	int saved = errno;
	if (n > 0)
		n = read(copy[0], scratch, (size_t)n);
	close(copy[0]);
	close(copy[1]);
	errno = saved;
	return n;
}

/* What a failed or empty read of the pipe means. */
static enum segment_result nothing_read(ssize_t n)
{
	if (n == 0)
		return SEGMENT_EOF;
	return errno == EAGAIN || errno == EINTR ? SEGMENT_EMPTY : SEGMENT_FAILED;
}

/* Takes at most max bytes out of the pipe and throws them away. */
static enum segment_result drop(
	struct segment *segment, int pipe_fd, size_t max, struct segment_batch *batch)
{
	ssize_t n = read(pipe_fd, scratch, max);

	if (n <= 0)
		return nothing_read(n);
	segment->midline = scratch[n - 1] != '\n';
	batch->dropped = (size_t)n;
	batch->error = segment->error;
	return SEGMENT_MOVED;
}

/* How many of the bytes in scratch belong to the first line. */
static size_t first_line(size_t len)
{
	const char *newline = memchr(scratch, '\n', len);

	return newline != NULL ? (size_t)(newline - scratch) + 1 : len;
}

static bool ends_with_newline(const struct segment *segment)
{
	char last = '\n';

	if (segment->size > 0 && pread(segment->log_fd, &last, 1, (off_t)segment->size - 1) < 0)
		return false;
	return last == '\n';
}

/* A line of which only the beginning could be written gets its end, so that the next one is not
 * taken for its rest. */
static bool end_torn_line(struct segment *segment, nsec_t now)
{
	if (ends_with_newline(segment))
		return true;
	if (pwrite(segment->log_fd, "\n", 1, (off_t)segment->size) != 1)
		return false;
	segment->size++;
	add_stamp(segment, now);
	return true;
}

/* Somebody removed the open file, or cut it. */
static bool piece_is_spoiled(const struct segment *segment)
{
	struct stat st;

	return fstat(segment->log_fd, &st) == 0 &&
	       (st.st_nlink == 0 || (uint64_t)st.st_size < segment->size);
}

/* The piece has its size. An index may grow as large, when the output comes byte by byte. */
static bool piece_is_full(const struct segment *segment, uint64_t limit)
{
	return segment->size >= limit || segment->stamps * sizeof(struct stamp) >= limit;
}

static bool piece_is_over(const struct segment *segment)
{
	uint64_t limit = segment->limits.piece;

	return piece_is_full(segment, 2 * limit) ||
	       (piece_is_full(segment, limit) && ends_with_newline(segment)) ||
	       piece_is_spoiled(segment);
}

/* Sees to it that the right piece is open. */
static bool have_piece(struct segment *segment)
{
	if (segment->log_fd >= 0 && !piece_is_over(segment))
		return true;
	if (segment->log_fd >= 0 || segment->piece.number == 0) {
		close_piece(segment);
		segment->piece.number++;
		segment->size = segment->stamps = 0;
	}
	return begin_piece(segment);
}

/* How much may be moved now, so that the piece ends with a line. 0: nothing is there. */
static size_t next_length(const struct segment *segment, int pipe_fd)
{
	uint64_t limit = segment->limits.piece;

	if (!piece_is_full(segment, limit)) {
		uint64_t room = limit - segment->size;
		return room < SEGMENT_BATCH ? (size_t)room : SEGMENT_BATCH;
	}
	ssize_t n = look(pipe_fd, sizeof scratch);
	return n > 0 ? first_line((size_t)n) : 1;
}

/* Tried once: an ordinary user may have used up what he is allowed. */
static void enlarge_pipe(struct segment *segment, int pipe_fd)
{
	segment->pipe_size = fcntl(pipe_fd, F_SETPIPE_SZ, PIPE_WIDE);
	if (segment->pipe_size < 0)
		segment->pipe_size = fcntl(pipe_fd, F_GETPIPE_SZ);
}

nsec_t segment_pause(const struct segment *segment, const struct segment_batch *batch)
{
	size_t full = segment->pipe_size > 0 ? (size_t)segment->pipe_size : SIZE_MAX;

	return batch->moved > POURING && batch->moved < full ? POURING_PAUSE : 0;
}

static enum segment_result write_batch(
	struct segment *segment, int pipe_fd, nsec_t now, struct segment_batch *batch)
{
	off_t at = (off_t)segment->size;
	ssize_t n = splice(pipe_fd, NULL, segment->log_fd, &at, next_length(segment, pipe_fd),
		SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		fail(segment, errno);
		return drop(segment, pipe_fd, sizeof scratch, batch);
	}
	if (n <= 0)
		return nothing_read(n);
	segment->size += (uint64_t)n;
	add_stamp(segment, now);
	batch->moved = (size_t)n;
	if (segment->others > 0 && segment->others + weight(segment) > segment->limits.keep)
		keep_budget(segment);
	if (n >= PIPE_FULL && segment->pipe_size == 0)
		enlarge_pipe(segment, pipe_fd);
	return SEGMENT_MOVED;
}

/*
 * After a failure: nothing before the pause is over; then first the rest of the line whose
 * beginning was dropped goes the same way, and a line that stands half in the file is ended.
 */
static enum segment_result resume(
	struct segment *segment, int pipe_fd, nsec_t now, struct segment_batch *batch)
{
	if (clock_mono() < segment->retry)
		return drop(segment, pipe_fd, sizeof scratch, batch);
	if (segment->midline) {
		ssize_t n = look(pipe_fd, sizeof scratch);
		return drop(
			segment, pipe_fd, n > 0 ? first_line((size_t)n) : sizeof scratch, batch);
	}
	if (!have_piece(segment))
		return drop(segment, pipe_fd, sizeof scratch, batch);
	if (!end_torn_line(segment, now)) {
		fail(segment, errno);
		return drop(segment, pipe_fd, sizeof scratch, batch);
	}
	segment->error = 0;
	return write_batch(segment, pipe_fd, now, batch);
}

static enum segment_result move(
	struct segment *segment, int pipe_fd, nsec_t now, struct segment_batch *batch)
{
	if (segment->error != 0)
		return resume(segment, pipe_fd, now, batch);
	if (segment->log_fd < 0) {
		ssize_t n = look(pipe_fd, 1);
		if (n == 0 || (n < 0 && errno == EAGAIN))
			return nothing_read(n);
	}
	if (!have_piece(segment))
		return drop(segment, pipe_fd, sizeof scratch, batch);
	return write_batch(segment, pipe_fd, now, batch);
}

enum segment_result segment_move(
	struct segment *segment, int pipe_fd, nsec_t now, struct segment_batch *batch)
{
	*batch = (struct segment_batch){0};
	enum segment_result result = move(segment, pipe_fd, now, batch);

	int highest = segment->idx_fd > segment->log_fd ? segment->idx_fd : segment->log_fd;
	/* Both are opened again for the next batch. */
	if (fdio_is_spare(highest, FDIO_FOR_CLIENTS))
		close_piece(segment);
	return result;
}
