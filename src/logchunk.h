/*
 * logchunk: a stretch of one log file in memory, with the times of its bytes.
 *
 * Readers of logs hold no file open: a chunk is opened, read and closed in one go, so a thousand
 * dynos cost a reader no descriptors, and a file that is removed meanwhile is simply not there any
 * more.
 */
#ifndef GRACECTL_LOGCHUNK_H
#define GRACECTL_LOGCHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "pieces.h"

enum {
	LOGCHUNK_SIZE = 32 * 1024
};

struct logchunk {
	uint64_t number; /* of the file; 0: nothing is loaded */
	uint64_t start;	 /* offset of the first byte */
	struct buf bytes;
	struct stamp *stamps; /* the index entries that cover the bytes; owned */
	size_t stamp_count;
	nsec_t changed; /* the file's mtime */
};

/* Where a file is and how much of it counts. */
struct logfile {
	int dir;	  /* below which directory; not owned */
	const char *name; /* the log file */
	const char *idx;  /* its index, or NULL when it has none */
	bool stamped;	  /* only the bytes that have a time in the index */
};

/* How many bytes of the file there are to read; 0 when it does not exist, or is no file but a link
 * or a directory. changed (mtime) may be NULL. */
uint64_t logfile_end(const struct logfile *file, nsec_t *changed);

/* The time of the file's first byte, as far as its index knows; else its mtime; 0 when there is no
 * such file. */
nsec_t logfile_first_time(const struct logfile *file);

/* The offset behind the last byte whose time is before `since`. */
uint64_t logfile_seek(const struct logfile *file, nsec_t since);

/*
 * Loads at most LOGCHUNK_SIZE bytes from offset start on, and not beyond `end`. An empty chunk:
 * there is nothing, or no such file. Returns 0, or -1 with errno when the file may not be read.
 */
int logchunk_load(struct logchunk *chunk, const struct logfile *file, uint64_t number,
	uint64_t start, uint64_t end);

/* True when the chunk holds the byte at offset. */
bool logchunk_has(const struct logchunk *chunk, uint64_t number, uint64_t offset);

/* The time of a byte that the chunk holds. */
nsec_t logchunk_time(const struct logchunk *chunk, uint64_t offset);

/* Frees the memory; the chunk can be loaded again. */
void logchunk_release(struct logchunk *chunk);

#endif
