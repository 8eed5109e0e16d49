/*
 * logheap: log sources by time: the earliest on top, or the latest.
 *
 * A source's key may also be a bound: then it is on top no later than its first line deserves, gets
 * its real key and sinks. So a source is not read before its time has come.
 */
#ifndef GRACECTL_LOGHEAP_H
#define GRACECTL_LOGHEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "logsource.h"

struct logheap {
	struct logsource **items; /* the sources are not owned */
	size_t count, room;
	bool latest_first;
};

void logheap_push(struct logheap *heap, struct logsource *source);

/* The source on top, or NULL. */
struct logsource *logheap_top(const struct logheap *heap);

/* To be called when the key of the top has changed. */
void logheap_sink(struct logheap *heap);

void logheap_pop(struct logheap *heap);
void logheap_release(struct logheap *heap);

#endif
