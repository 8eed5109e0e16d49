/*
 * pieces: the names of the files in which a dyno's output is kept.
 *
 * LOGDIR/DYNO/LAUNCH.PIECE.log and LOGDIR/DYNO/LAUNCH.PIECE.idx: see segment.h for what they hold.
 * The writer (segment) and the readers (logview) agree here on names, order and the form of an
 * index entry, and on nothing else.
 */
#ifndef GRACECTL_PIECES_H
#define GRACECTL_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PIECE_NAME = 352
}; /* room for DYNO/LAUNCH.PIECE.log; a dyno's name is at most NAME_MAX bytes */

/* One entry of an index: the bytes before `end` were there at `wall`. */
struct stamp {
	uint64_t end;  /* offset in the .log file behind the last byte of the batch */
	uint64_t wall; /* nanoseconds since 1970 */
};

struct piece {
	uint64_t launch;
	uint64_t number; /* 1 for the first of its launch */
};

struct pieces {
	struct piece *items; /* by launch, then by number; owned */
	size_t count;
};

#define PIECES_INIT ((struct pieces){0})

/* Writes "DYNO/LAUNCH.PIECE.SUFFIX" and returns it. */
const char *piece_name(
	char name[static PIECE_NAME], const char *dyno, struct piece piece, const char *suffix);

/* Reads "LAUNCH.PIECE.SUFFIX" as it stands in a dyno's directory; false for any other name. */
bool piece_parse(const char *name, const char *suffix, struct piece *out);

/* Lists the .log files of a dyno, sorted. Returns 0 (also when there is no directory yet), or -1
 * with errno. */
int pieces_list(int logdir, const char *dyno, struct pieces *out);
void pieces_release(struct pieces *pieces);

/* True when a dyno's directory may have that name: not hidden, no slash. */
bool dyno_name_is_valid(const char *name);

#endif
