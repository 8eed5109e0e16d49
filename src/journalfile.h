/*
 * journalfile: the names of the journal's files, journal.1.jsonl and so on; shared by its writer
 * and its readers.
 */
#ifndef GRACECTL_JOURNALFILE_H
#define GRACECTL_JOURNALFILE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	JOURNALFILE_NAME = 48
};

/* Writes "journal.NUMBER.jsonl" and returns it. */
const char *journalfile_name(char name[static JOURNALFILE_NAME], uint64_t number);

/* Reads such a name; false for any other. */
bool journalfile_parse(const char *name, uint64_t *number);

/* The lowest and the highest number in a directory, 0 and 0 when there is none. Returns 0, or -1
 * with errno. */
int journalfile_range(int dir_fd, uint64_t *first, uint64_t *last);

#endif
