/*
 * dyno-steps: what a dyno can do, whatever the reason: change its state, launch, ask its instances
 * to stop. dyno.c decides when.
 */
#include <stdio.h>
#include <string.h>

#include "dyno-parts.h"
#include "log.h"

/* The words of Heroku's log know fewer states: who is asked to stop is down, who cools is crashed.
 */
static const char *const heroku_names[DYNO_STATES] = {
	[DYNO_DOWN] = "down",
	[DYNO_STARTING] = "starting",
	[DYNO_UP] = "up",
	[DYNO_STOPPING] = "down",
	[DYNO_COOLING] = "crashed",
	[DYNO_CRASHED] = "crashed",
};

/* ---- what is told ---- */

static void publish(struct dyno *dyno, struct event *event)
{
	dyno->ops->publish(dyno, event);
	event_release(event);
}

static void begin(struct dyno *dyno, struct event *event, enum event_kind kind)
{
	event_begin(event, kind, clock_wall(), dyno->name, dyno->launches);
}

void dyno_say(struct dyno *dyno, enum event_kind kind, const char *why)
{
	struct event event;

	begin(dyno, &event, kind);
	event_str(&event, "why", why);
	publish(dyno, &event);
}

void dyno_note(struct dyno *dyno, const char *text)
{
	struct event event;

	begin(dyno, &event, EVENT_NOTE);
	event_str(&event, "text", text);
	publish(dyno, &event);
}

/* ---- the state and its timers ---- */

/* Which timers may live in which state; the writer of the state stops the others. */
static const bool timer_allowed[DYNO_STATES][DYNO_TIMERS] = {
	[DYNO_STARTING] = {[DYNO_TIMER_CYCLE] = true},
	[DYNO_UP] = {[DYNO_TIMER_STABLE] = true, [DYNO_TIMER_CYCLE] = true},
	[DYNO_COOLING] = {[DYNO_TIMER_COOL] = true},
};

static void arm(struct dyno *dyno, enum dyno_timer timer, nsec_t wait)
{
	dyno->due[timer] = clock_mono() + wait;
	dyno->ops->timer(dyno, timer, dyno->due[timer]);
}

static void disarm(struct dyno *dyno, enum dyno_timer timer)
{
	if (dyno->due[timer] != 0)
		dyno->ops->timer(dyno, timer, 0);
	dyno->due[timer] = 0;
}

/* The one writer of the state. */
void dyno_set_state(struct dyno *dyno, enum dyno_state next, const char *why)
{
	enum dyno_state before = dyno->state;
	struct event event;

	dyno->state = next;
	for (int timer = 0; timer < DYNO_TIMERS; timer++)
		if (!timer_allowed[next][timer])
			disarm(dyno, (enum dyno_timer)timer);
	if (why != dyno->why)
		snprintf(dyno->why, sizeof dyno->why, "%s", why);
	if (next == before)
		return;
	log_debug("%s: %s -> %s (%s)", dyno->name, dyno_state_names[before], dyno_state_names[next],
		why);
	dyno->since = clock_wall();
	if (strcmp(heroku_names[before], heroku_names[next]) == 0)
		return;
	begin(dyno, &event, EVENT_STATE);
	event_str(&event, "from", heroku_names[before]);
	event_str(&event, "to", heroku_names[next]);
	event_str(&event, "why", why);
	publish(dyno, &event);
}

void dyno_restore(struct dyno *dyno, enum dyno_state state)
{
	dyno->state = state;
}

void dyno_cool(struct dyno *dyno, nsec_t pause, const char *why)
{
	char text[DURATION_TEXT], until[TIME_TEXT];
	struct event event;

	dyno_set_state(dyno, DYNO_COOLING, why);
	arm(dyno, DYNO_TIMER_COOL, pause);
	begin(dyno, &event, EVENT_COOLING);
	event_int(&event, "crashes", dyno->unlaunched > 0 ? dyno->unlaunched : dyno->crashes);
	event_str(&event, "pause", duration_format(pause, text));
	event_str(&event, "until", time_format_log(clock_wall() + pause, until));
	publish(dyno, &event);
}

void dyno_be_up(struct dyno *dyno, const char *why)
{
	dyno_set_state(dyno, DYNO_UP, why);
	arm(dyno, DYNO_TIMER_STABLE, dyno->config->backoff_reset);
}

/* ---- launching and stopping ---- */

struct instance *dyno_launch_one(struct dyno *dyno)
{
	const struct process_config *config = dyno->config;

	dyno->launches++;
	if (dyno->launched)
		dyno->restarts++;
	dyno->launched = true;
	dyno->start_asked = false;
	disarm(dyno, DYNO_TIMER_CYCLE);
	if (config->cycle > 0 && config->restart_at_text == NULL)
		arm(dyno, DYNO_TIMER_CYCLE,
			cycle_length(config->cycle, config->cycle_jitter, dyno->ops->random(dyno)));
	return dyno->ops->launch(dyno);
}

void dyno_launch(struct dyno *dyno, const char *why)
{
	dyno_set_state(dyno, DYNO_STARTING, why);
	dyno->current = dyno_launch_one(dyno);
}

void dyno_ask_to_stop(struct dyno *dyno, struct instance *instance, const char *reason)
{
	if (instance->reason[0] == '\0')
		snprintf(instance->reason, sizeof instance->reason, "%s", reason);
	dyno->ops->stop(dyno, instance);
}

void dyno_retire_current(struct dyno *dyno, const char *reason)
{
	struct instance *instance = dyno->current;

	if (instance == NULL)
		return;
	dyno->current = NULL;
	dyno->old++;
	dyno_ask_to_stop(dyno, instance, reason);
}

void dyno_retire_next(struct dyno *dyno, const char *reason)
{
	struct instance *instance = dyno->next;

	if (instance == NULL)
		return;
	dyno->next = NULL;
	dyno->old++;
	dyno_ask_to_stop(dyno, instance, reason);
}

/* An instance that is already on its ladder goes one rung on by this. */
void dyno_hurry(struct dyno *dyno)
{
	if (dyno->current != NULL)
		dyno->ops->stop(dyno, dyno->current);
	if (dyno->next != NULL)
		dyno->ops->stop(dyno, dyno->next);
	if (dyno->old > 0)
		dyno->ops->stop_old(dyno);
}
