/*
 * suggest: which known word somebody may have meant, for "did you mean ...?".
 *
 * Near is what a slip of the fingers explains: letters missing, doubled, wrong or swapped, in a
 * share that grows with the word; the other case of letters; or a beginning that was not finished.
 */
#ifndef GRACECTL_SUGGEST_H
#define GRACECTL_SUGGEST_H

#include <stddef.h>

#include "buf.h"

/*
 * The nearest of the candidates (entries may be NULL and are passed over), or NULL when none is
 * near. Of two that are equally near the first wins. The result belongs to the candidates.
 */
const char *suggest_closest(const char *word, const char *const *candidates, size_t count);

/* The same over an array of structs whose first member is the word. */
const char *suggest_closest_in(
	const char *word, const void *table, size_t count, size_t element_size);

/* Appends a dyno or process type that is not there, "wbe.1" in quotation marks, and behind it the
 * one of the types that was meant. A type that is right is no matter. */
void suggest_add_target(
	struct buf *out, const char *target, const char *const *types, size_t count);

#endif
