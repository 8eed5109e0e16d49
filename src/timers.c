/* timers: see the header. */
#include "timers.h"

static void timer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct timer *timer = watcher->data;

	(void)loop;
	(void)revents;
	timer->due = 0;
	timer->fired(timer->owner);
}

void timer_init(struct timer *timer, void (*fired)(void *owner), void *owner)
{
	*timer = (struct timer){.fired = fired, .owner = owner};
	ev_init(&timer->watcher, timer_cb);
	timer->watcher.data = timer;
}

/* libev counts from the time at which it last woke up, which may be a while ago in a busy turn. */
void timer_set(struct ev_loop *loop, struct timer *timer, nsec_t due)
{
	nsec_t left = due - clock_mono();

	timer_stop(loop, timer);
	ev_now_update(loop);
	timer->due = due;
	ev_timer_set(&timer->watcher, left > 0 ? (double)left / (double)NSEC_PER_SEC : 0., 0.);
	ev_timer_start(loop, &timer->watcher);
}

void timer_stop(struct ev_loop *loop, struct timer *timer)
{
	ev_timer_stop(loop, &timer->watcher);
	timer->due = 0;
}

bool timer_is_set(const struct timer *timer)
{
	return timer->due != 0;
}
