/*
 * cycle: the daily restart, one dyno of a type at a time.
 *
 * A dyno whose time is up, by its own timer or by the restart_at of its type, waits for its turn.
 * The turn is over when the restart is, for good or for bad.
 */
#ifndef GRACECTL_CYCLE_H
#define GRACECTL_CYCLE_H

#include "formation.h"

void cycle_open(struct place_type *type);
void cycle_close(struct place_type *type);

/* A replacement that was going on when the last supervisor died has its turn still. */
void cycle_resume(struct place_type *type);

/* Plans the restart_at of a type, if it has one. What fell due while no supervisor watched is made
 * up, if it is not too long ago. */
void cycle_begin(struct place_type *type);

/* The time of a dyno is up. */
void cycle_is_due(struct place *place);

/* To be called after each change of a dyno: the turn may be over. */
void cycle_changed(struct place *place);

/* The next scheduled restart of a dyno in wall time: its cycle or the restart_at of its type; 0:
 * none. */
nsec_t cycle_next(const struct place *place);

#endif
