/*
 * config-env: reads a .env file.
 *
 *     # a comment
 *     KEY=value                     up to the end of the line, or to a "#" after a blank
 *     export KEY=value              as a shell would read it
 *     KEY='as it is, also \n'       nothing in it has a meaning
 *     KEY="two\nlines"              with \n \r \t \" \\ \$; any other "\" stays
 *
 * A value in quotes may go over several lines (a private key, for example). Variables are not
 * expanded. Of two lines with the same key the last counts. LF and CRLF both end a line.
 */
#ifndef GRACECTL_CONFIG_ENV_H
#define GRACECTL_CONFIG_ENV_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "strlist.h"

enum {
	ENV_COUNT_MAX = 4096,
	ENV_VALUE_MAX = 65536
};

/* Adds what stands in the text to out; path is for the messages. Bad lines become problems. */
void env_read(const char *path, const char *text, size_t len, struct strlist *out,
	struct config_problems *problems);

/* True for letters, digits, "_", "." and "-", not beginning with a digit, "." or "-". */
bool env_key_is_valid(const char *key);

#endif
