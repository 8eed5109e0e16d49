/*
 * saving: when the records of the dynos are written.
 *
 * Each is written at the end of the turn in which its dyno has changed, and before a launch. One
 * that cannot be written is tried again with the next change and every few seconds. That there are
 * such records is told once, and so is that there are none any more.
 */
#ifndef GRACECTL_SAVING_H
#define GRACECTL_SAVING_H

#include <stddef.h>
#include <stdint.h>

#include "timers.h"

struct formation;
struct place;

struct saving {
	uint64_t complete; /* number of the newest event when all records were complete last */
	size_t failed;	   /* how many records could not be written when they were tried last */
	struct timer again;
};

void saving_open(struct formation *formation);

/* Writes the record of a dyno now. */
void saving_write(struct place *place);

/* Writes the records of all dynos that have changed since theirs was tried; at the end of a turn.
 */
void saving_end_turn(struct formation *formation);

/* Also those that could not be written before; nobody may have a chance to try it later. */
void saving_write_all(struct formation *formation);

void saving_close(struct formation *formation);

#endif
