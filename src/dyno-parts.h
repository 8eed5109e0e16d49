/*
 * dyno-parts: the steps of which the actions of a dyno are made. dyno.c decides which of them to
 * take, in its table and after a change of supervisors; dyno-steps.c takes them; dyno-instances.c
 * makes events of what the instances tell.
 */
#ifndef GRACECTL_DYNO_PARTS_H
#define GRACECTL_DYNO_PARTS_H

#include "dyno.h"

/* The one writer of the state. why may be dyno->why. Timers that the new state does not know are
 * stopped. */
void dyno_set_state(struct dyno *dyno, enum dyno_state next, const char *why);

/* Into UP, and into COOLING, each with its timer. */
void dyno_be_up(struct dyno *dyno, const char *why);
void dyno_cool(struct dyno *dyno, nsec_t pause, const char *why);

/* Publishes an event that has only a reason, or a text. */
void dyno_say(struct dyno *dyno, enum event_kind kind, const char *why);
void dyno_note(struct dyno *dyno, const char *text);

/* The next launch; whose place it takes is for the caller to say. */
struct instance *dyno_launch_one(struct dyno *dyno);

/* Into STARTING, with the next launch as the current instance. */
void dyno_launch(struct dyno *dyno, const char *why);

/* The first reason stays: whoever asks once more only hurries it. */
void dyno_ask_to_stop(struct dyno *dyno, struct instance *instance, const char *reason);

/* Moves the current instance, or the next one, to the old ones and asks it to stop. */
void dyno_retire_current(struct dyno *dyno, const char *reason);
void dyno_retire_next(struct dyno *dyno, const char *reason);

/* All instances go on to their next rung. */
void dyno_hurry(struct dyno *dyno);

#endif
