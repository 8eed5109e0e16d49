/*
 * stopwarn: what `ps` says of process types whose stops come near to the time that they are
 * allowed.
 *
 * It looks at the newest part of the journal only, at most STOPWARN_BYTES of it and no further than
 * until each type has STOPSTATS_LAST stops, so that `ps` stays as quick as it is. A journal that
 * cannot be read is no matter for `ps`: there is no warning then.
 */
#ifndef GRACECTL_STOPWARN_H
#define GRACECTL_STOPWARN_H

#include <stddef.h>

#include "doc.h"

enum {
	STOPWARN_BYTES = 2 * 1024 * 1024
};

/* Prints a line on stderr for each type of these dynos (documents of `ps`) that needs it. */
void stopwarn_print(const char *state_dir, bson_t *const *dynos, size_t count);

/* Adds it as the field stop_warning to those dynos instead. */
void stopwarn_add(const char *state_dir, bson_t *const *dynos, size_t count);

#endif
