/*
 * outfile: a file that a person has named for the output, written as a whole.
 *
 * It goes where a shell's ">" would put it: through a link, into what the link leads to, with the
 * mode and the owner that are there, or those of a new file. Unlike there the old content stays
 * until the new one is complete, and when that cannot be written. What is no file, such as a pipe,
 * is written to.
 */
#ifndef GRACECTL_OUTFILE_H
#define GRACECTL_OUTFILE_H

#include <stddef.h>

/* Returns 0, or -1 with errno. */
int outfile_write(const char *path, const void *bytes, size_t len);

#endif
