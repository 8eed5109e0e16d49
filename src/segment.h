/*
 * segment: an instance's output on its way to disk.
 *
 * LOGDIR/DYNO/LAUNCH.PIECE.log holds raw output, and LAUNCH.PIECE.idx beside it says when: 16-byte
 * entries (uint64_t end offset, uint64_t wall nanoseconds; native byte order), one per batch moved.
 * A byte's time is that of the first entry whose end offset lies beyond it; bytes beyond the last
 * entry (a supervisor died between two calls) take the file's mtime. An instance has its own pieces
 * (1, 2, ...), so the output of an old and a new instance that overlap is never mixed; read one
 * after another, its pieces are exactly the bytes that it wrote.
 *
 * Bytes are moved with splice(pipe -> file): the kernel takes them out of the pipe as it writes
 * them to the file, so a SIGKILL between any two instructions loses nothing and doubles nothing.
 * (The file must not be opened with O_APPEND for that.)
 *
 * A new piece begins when the current one has reached its size and ends with a newline (or at twice
 * its size); the dyno's oldest pieces are removed when all of them together exceed what is to be
 * kept. Pieces count as 4 KiB at least, and there are never more than SEGMENT_PIECES_MAX of a dyno.
 *
 * A full disk: the output is taken out of the pipe and dropped, so the application goes on; the
 * bytes are counted. When there is room again, logging goes on.
 */
#ifndef GRACECTL_SEGMENT_H
#define GRACECTL_SEGMENT_H

#include <stdint.h>
#include <sys/types.h>

#include "cause.h"
#include "clock.h"

enum {
	SEGMENT_PIECES_MAX = 1000,
	SEGMENT_BATCH = 1024 * 1024
};

struct segment_limits {
	uint64_t piece; /* bytes of one piece */
	uint64_t keep;	/* bytes kept of one dyno */
};

struct segment;

enum segment_result {
	SEGMENT_EMPTY, /* nothing to read now, writers exist */
	SEGMENT_MOVED, /* a batch was moved (or dropped); there may be more */
	SEGMENT_EOF,   /* the pipe is empty and nobody has it open for writing */
	SEGMENT_FAILED /* the pipe itself cannot be read; errno */
};

struct segment_batch {
	size_t moved;	/* bytes written to the file in this call */
	size_t dropped; /* bytes taken out of the pipe and thrown away in this call */
	int error;	/* errno that made it drop, e.g. ENOSPC; 0 otherwise */
};

/*
 * Begins (or, after a take-over, continues) the output of one launch of a dyno below the open
 * directory logdir. Never fails for want of room: if the file cannot be made now, output is dropped
 * until it can, and retried about once a second.
 */
struct segment *segment_open(
	int logdir, const char *dyno, uint64_t launch, struct segment_limits limits);

/* Moves one batch. now is the wall time to stamp it with. */
enum segment_result segment_move(
	struct segment *segment, int pipe_fd, nsec_t now, struct segment_batch *batch);

/*
 * How long the caller had better wait before the next batch, or 0. While output is pouring (more
 * than a page a batch), half a millisecond lets a larger batch gather: the same throughput for a
 * sixth of the CPU. When the pipe was full its writer is waiting for us, and so there is no pause.
 */
nsec_t segment_pause(const struct segment *segment, const struct segment_batch *batch);

void segment_close(struct segment *segment);

#endif
