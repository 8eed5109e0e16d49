/*
 * slices: what is wanted of many dynos is done in slices, so that the loop goes round in between.
 *
 * A launch or a stop costs a fraction of a millisecond, but many times that where the disk is slow
 * or the processors are busy: with a thousand of them in one turn, clients, deadlines and the news
 * of closes would wait for a second or for ten. So a wish is noted, and each turn fulfils some of
 * them, for a tenth of a second of the processor, and one of each kind at least: stops first, then
 * restarts, then starts. The look who has ended, which launches what is to come instead, is done in
 * the same way when no stop is left.
 *
 * A stop of which more is wanted before it was done, a hurry or a start, is done at once.
 *
 * A wish lives in memory only, until it is done: who has asked for it and waits asks the next
 * supervisor again, and the guard has the next one start everything where the first one was to and
 * has not.
 */
#ifndef GRACECTL_SLICES_H
#define GRACECTL_SLICES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "dyno.h"
#include "timers.h"

struct formation;
struct place;

TAILQ_HEAD(place_list, place);

struct slices {
	struct timer next;
	struct place_list stops;
	struct place_list restarts;
	struct place_list starts;
	size_t wishes;	  /* how many places are in the lists */
	size_t settle_at; /* the place where the next slice of the look who has ended begins */
	size_t unsettled; /* how many places are to be looked at from there on, round the end */
};

void slices_open(struct formation *formation);
void slices_close(struct formation *formation);

/* Notes what is wanted of a dyno of which nothing is wanted now. */
void slices_add(struct place *place, enum dyno_event wish);

/* Forgets what is wanted of a dyno. */
void slices_remove(struct place *place);

/* Fulfils the wish now. */
void slices_fulfil(struct place *place);

/* Fulfils all of them now. */
void slices_finish(struct formation *formation);

/* Looks at every place whether an instance has ended, beginning now. */
void slices_settle(struct formation *formation);

#endif
