/*
 * journalfile: the names of the journal's files, journal.1.jsonl and so on; shared by its writer
 * and its readers.
 */
#ifndef GRACECTL_JOURNALFILE_H
#define GRACECTL_JOURNALFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JOURNALFILE_NAME = 48,
	JOURNALFILE_GAP = 1000
};

/* The numbers of a journal's files, in order; owned. */
struct journalfiles {
	uint64_t *numbers;
	size_t count;
};

/* Writes "journal.NUMBER.jsonl" and returns it. */
const char *journalfile_name(char name[static JOURNALFILE_NAME], uint64_t number);

/* Reads such a name; false for any other. */
bool journalfile_parse(const char *name, uint64_t *number);

/*
 * True when the file of that number can come after the one with the number `last` (0: it is the
 * first). Files that somebody has removed leave a gap; but a number more than JOURNALFILE_GAP
 * higher is that of a copy, with a date in its name.
 */
bool journalfile_follows(uint64_t last, uint64_t number);

/* Lists the files in a directory, up to the first that cannot follow. Returns 0, or -1 with errno;
 * to be released in both cases. */
int journalfile_list(int dir_fd, struct journalfiles *files);
void journalfile_release(struct journalfiles *files);

#endif
