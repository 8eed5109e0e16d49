/*
 * record-observe: what was seen of a stop, as a part of the record of its instance, so that the
 * next supervisor goes on watching where this one ended.
 *
 * Kept are the counts at the first signal, the phases that were reached, the signals and the ports;
 * the ends of processes are not, and of the steps of the connections only what the phases tell.
 */
#ifndef GRACECTL_RECORD_OBSERVE_H
#define GRACECTL_RECORD_OBSERVE_H

#include <bson/bson.h>
#include <stdbool.h>

#include "observe.h"

/* Appends the document "observed", if the observer observes (it may be NULL), or else of what was
 * kept (or NULL). */
void record_put_observed(
	bson_t *doc, const struct observer *observer, const struct observe_kept *kept);

/* Reads it. False when there is none. */
bool record_get_observed(const bson_t *doc, struct observe_kept *kept);

#endif
