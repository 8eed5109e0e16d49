/*
 * adopt: takes up what a dead supervisor has left: the state of each dyno, and every instance that
 * may still live.
 *
 * What can be found of an instance: its line in the dyno's record; or, when it was spawned but not
 * yet recorded, the file that the child itself wrote and locked before it executed anything.
 * Neither means that there was no process.
 */
#ifndef GRACECTL_ADOPT_H
#define GRACECTL_ADOPT_H

#include "formation.h"

/* Restores a place from what is on disk. owner is that of its runners. What the instances have done
 * meanwhile comes in later turns. */
void adopt_place(struct place *place, const struct runner_owner *owner);

/*
 * After all places: adopts every instance that lives though no record tells of it, names those that
 * belong to no dyno any more, and removes the files of those that are gone.
 */
void adopt_finish(struct formation *formation, const struct runner_owner *owner);

/* After dyno_resume(): does what a dead supervisor had told to begin and could not note any more.
 */
void adopt_go_on(struct place *place);

#endif
