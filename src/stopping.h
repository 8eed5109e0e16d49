/*
 * stopping: what a runner does from the first signal of a stop to its report.
 *
 * Signals go out under observation, after the record was written; at their moments it is said what
 * holds the stop up; in the end what was seen becomes the report. A stop that was adopted is taken
 * up where the dead supervisor has left it.
 */
#ifndef GRACECTL_STOPPING_H
#define GRACECTL_STOPPING_H

#include <stdbool.h>

#include "event.h"
#include "instance.h"

struct runner;

/* The operations of the instance's machine, see instance.h. */
unsigned stopping_signal(struct instance *instance, int signo, bool all);
void stopping_describe(struct instance *instance, struct event *event);

/* Sends the last signal to those who have not got it, since they were forked or found later.
 * Returns how many there were. */
unsigned stopping_signal_new(struct runner *runner);

/* Its deadlines have changed, so the moments have at which its stop has to be explained. */
void stopping_plan_why(struct runner *runner);

/* One of these moments has come. */
void stopping_why_fired(void *owner);

/* Goes on with an adopted stop: to be called in the first turn, when all instances are known.
 * Nothing is done a second time. */
void stopping_take_up(struct runner *runner);

void stopping_release(struct runner *runner);

#endif
