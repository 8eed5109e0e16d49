/*
 * stoplog: the stops in a journal, the newest first.
 *
 * Reads backwards and looks into the document of a line only when it is one of a stop that is
 * wanted, so the price is that of the bytes that are passed over; these can be bounded.
 */
#ifndef GRACECTL_STOPLOG_H
#define GRACECTL_STOPLOG_H

#include <stdbool.h>
#include <stddef.h>

#include "cause.h"
#include "clock.h"
#include "doc.h"

struct stoplog_sink {
	/* Asked before the document is read; NULL: all are wanted. The name is not terminated. */
	bool (*wants)(void *arg, const char *dyno, size_t len);
	bool (*stop)(void *arg, const bson_t *stop); /* false: no more, please */
	void *arg;
	nsec_t since;		   /* only those that are not before it, as in logsince.h; 0: all */
	bool seen;		   /* only those whose end was seen, so that they have a time */
	const char *const *fields; /* of the documents that are handed out, ends with NULL; NULL:
				      all. Few are read several times as quickly. */
};

/*
 * Hands out the stops in a state directory's journal, out of its last so many bytes (0: all).
 * Returns 0, also when there is no journal yet, or -1 with a sentence.
 */
int stoplog_walk(
	const char *state_dir, size_t bytes, const struct stoplog_sink *sink, struct cause *cause);

#endif
