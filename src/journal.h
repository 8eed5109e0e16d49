/*
 * journal: the append-only record of every event, JSON Lines.
 *
 * Lives in DIR/journal.N.jsonl, N from 1; a new file begins when the current one has reached its
 * size, the oldest goes when there are more than JOURNAL_FILES. One writer (the supervisor), any
 * number of readers. A writer that died in the middle of a line leaves a torn line; the next writer
 * cuts it off, readers skip it.
 */
#ifndef GRACECTL_JOURNAL_H
#define GRACECTL_JOURNAL_H

#include "cause.h"
#include "event.h"

enum {
	JOURNAL_FILE_SIZE = 8 * 1024 * 1024,
	JOURNAL_FILES = 8,
	JOURNAL_LINE_MAX = 65536
};

struct journal;

/* Opens for writing, continues the numbers of what is there. dir must exist. NULL with a sentence
 * on failure. */
struct journal *journal_open(const char *dir, struct cause *cause);

/*
 * Sets seq and appends one line with one write(). Returns 0, or -1 with a sentence: then the event
 * is counted as lost, the numbering goes on (the gap tells how many) and nothing else is disturbed.
 */
int journal_write(struct journal *journal, struct event *event, struct cause *cause);

/*
 * Calls heard for each event of a directory's journal after that number, oldest first, and for some
 * before it: for the newest quarter of a megabyte at least.
 */
void journal_recent(
	int dir, uint64_t after, void (*heard)(void *arg, const bson_t *event), void *arg);

uint64_t journal_seq(const struct journal *journal); /* of the newest event, 0 at first */
void journal_close(struct journal *journal);

#endif
