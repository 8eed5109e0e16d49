/*
 * timers: named deadlines on the loop.
 *
 * A deadline is a monotonic time, so it can stand in a state file and be taken up by the next
 * supervisor. Setting one that runs moves it. Nothing else in the project starts an ev_timer for a
 * dyno, but the mover of its output, whose pauses are no deadlines.
 */
#ifndef GRACECTL_TIMERS_H
#define GRACECTL_TIMERS_H

#include <ev.h>
#include <stdbool.h>

#include "clock.h"

struct timer {
	ev_timer watcher;
	nsec_t due; /* monotonic; 0 while it does not run */
	void (*fired)(void *owner);
	void *owner;
};

void timer_init(struct timer *timer, void (*fired)(void *owner), void *owner);
void timer_set(struct ev_loop *loop, struct timer *timer, nsec_t due);
void timer_stop(struct ev_loop *loop, struct timer *timer);
bool timer_is_set(const struct timer *timer);

#endif
