/*
 * What goes to stderr while a test looks: it goes into a file instead, and is counted only as
 * something or nothing, or searched for a text.
 */
#ifndef GRACECTL_WARNINGS_H
#define GRACECTL_WARNINGS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct warnings {
	FILE *file;
	int saved; /* stderr as it was */
};

static inline struct warnings warnings_begin(void)
{
	struct warnings warnings = {.file = tmpfile(), .saved = dup(STDERR_FILENO)};

	if (warnings.file == NULL || dup2(fileno(warnings.file), STDERR_FILENO) < 0) {
		puts("Bail out! stderr cannot be caught");
		exit(1);
	}
	return warnings;
}

/* Whether something has come since the last call. */
static inline bool warnings_come(const struct warnings *warnings)
{
	bool come = lseek(fileno(warnings->file), 0, SEEK_END) > 0;

	if (come && ftruncate(fileno(warnings->file), 0) < 0) {
		puts("Bail out! a file cannot be emptied");
		exit(1);
	}
	return come;
}

/* Whether this has come since the last call of either. */
static inline bool warnings_tell(const struct warnings *warnings, const char *text)
{
	static char said[65536];
	ssize_t n = pread(fileno(warnings->file), said, sizeof said - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	warnings_come(warnings);
	lseek(fileno(warnings->file), 0, SEEK_SET);
	return strstr(said, text) != NULL;
}

/* The same as warnings_come(), and stderr is what it was. */
static inline bool warnings_end(struct warnings *warnings)
{
	bool come = warnings_come(warnings);

	dup2(warnings->saved, STDERR_FILENO);
	close(warnings->saved);
	fclose(warnings->file);
	return come;
}

#endif
