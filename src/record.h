/*
 * record: what must survive the supervisor, one small JSON file a dyno: STATE_DIR/DYNO.state.
 *
 * Written whole on every change, and exchanged with the one before, which stays as DYNO.state.new.
 * All running timers are kept as monotonic times, which are good for one boot, whose id stands
 * beside them; everything else (launch numbers, counters, what is wanted) is good for ever.
 */
#ifndef GRACECTL_RECORD_H
#define GRACECTL_RECORD_H

#include <bson/bson.h>

#include "cause.h"

struct place;

enum {
	RECORD_VERSION = 1,
	RECORD_MAX = 64 * 1024 * 1024
};

/* Returns 0, or -1 with a sentence. */
int record_save(struct place *place, struct cause *cause);

/* The record of a place, to be destroyed by the caller; NULL when there is none. A torn or foreign
 * one is reported and set aside. */
bson_t *record_read(struct place *place);

#endif
