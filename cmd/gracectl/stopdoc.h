/*
 * stopdoc: reading a `stopped` event, and choosing among many.
 *
 * Journals of earlier versions lack some fields; what can be known without them is, the rest is
 * told to be absent.
 */
#ifndef GRACECTL_STOPDOC_H
#define GRACECTL_STOPDOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cause.h"
#include "clock.h"
#include "doc.h"

/* A time that is not known, or that never comes. */
#define STOPDOC_NEVER INT64_C(-1)

/* How long it took, in milliseconds. Nothing here is below 0 or above DURATION_MAX. */
int64_t stopdoc_ms(const bson_t *stop);

/* Whether that is only the most that it can have taken, since nobody watched when it ended. */
bool stopdoc_is_at_most(const bson_t *stop);

/* Another time of the stop, in milliseconds since its first signal, or STOPDOC_NEVER. */
int64_t stopdoc_time(const bson_t *stop, const char *key);

/* What the ladder allows before SIGKILL, in milliseconds; STOPDOC_NEVER when that never comes. */
int64_t stopdoc_allowed(const bson_t *stop);

/* Wall time of the first signal; 0 when the document does not say. */
nsec_t stopdoc_began(const bson_t *stop);

/* The reason in the words of the command line: "crash" for "exit", else as it is. */
const char *stopdoc_reason(const bson_t *stop);

/* The length of the type in a dyno's name: 3 in "web.1". */
size_t stopdoc_type_len(const char *dyno);

/*
 * Steps through the parts of a verdict ("forced, cut"): returns the next part and its length, or
 * NULL after the last one. *at begins as the verdict.
 */
const char *stopdoc_next_verdict(const char **at, size_t *len);

/* A time for a person: "2.14s", "214ms". */
enum {
	STOPDOC_TEXT = 32
};
const char *stopdoc_seconds(int64_t ms, char text[static STOPDOC_TEXT]);

/* The time allowed: "30s", "1m30s", and "-" for STOPDOC_NEVER. */
const char *stopdoc_allowed_text(int64_t ms, char text[static DURATION_TEXT]);

/* Which stops are meant; NULL, false: all. */
struct stopfilter {
	const char *reason;  /* or its beginning; "manual" is stop and restart */
	const char *verdict; /* one of its parts, or the beginning of one */
	bool not_clean;
};

/* The words that a filter knows, in the order in which they are shown. Each list ends with NULL. */
extern const char *const stopfilter_reasons[];
extern const char *const stopfilter_verdicts[];

/* Returns 0, or -1 with a sentence when nothing could ever pass. */
int stopfilter_check(const struct stopfilter *filter, struct cause *cause);

bool stopfilter_accepts(const struct stopfilter *filter, const bson_t *stop);

#endif
