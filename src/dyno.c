/* dyno: see the header. The table stands near the end; the actions above it are called STATE_EVENT.
 */
#include "dyno.h"

#include <stdio.h>
#include <string.h>

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

/* Which timers may live in which state; the writer of the state stops the others. */
static const bool timer_allowed[DYNO_STATES][DYNO_TIMERS] = {
	[DYNO_STARTING] = {[DYNO_TIMER_CYCLE] = true},
	[DYNO_UP] = {[DYNO_TIMER_STABLE] = true, [DYNO_TIMER_CYCLE] = true},
	[DYNO_COOLING] = {[DYNO_TIMER_COOL] = true},
};

static void publish(struct dyno *dyno, struct event *event)
{
	dyno->ops->publish(dyno, event);
	event_release(event);
}

static void begin(struct dyno *dyno, struct event *event, enum event_kind kind)
{
	event_begin(event, kind, clock_wall(), dyno->name, dyno->launches);
}

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
static void set_state(struct dyno *dyno, enum dyno_state next, const char *why)
{
	enum dyno_state before = dyno->state;
	struct event event;

	*(enum dyno_state *)&dyno->state = next;
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
	*(enum dyno_state *)&dyno->state = state;
}

static void say(struct dyno *dyno, enum event_kind kind, const char *why)
{
	struct event event;

	begin(dyno, &event, kind);
	event_str(&event, "why", why);
	publish(dyno, &event);
}

static void note(struct dyno *dyno, const char *text)
{
	struct event event;

	begin(dyno, &event, EVENT_NOTE);
	event_str(&event, "text", text);
	publish(dyno, &event);
}

/* ---- launching ---- */

static struct instance *launch_one(struct dyno *dyno)
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

static void launch(struct dyno *dyno, const char *why)
{
	set_state(dyno, DYNO_STARTING, why);
	dyno->current = launch_one(dyno);
}

/* Somebody asked for it, so whatever crashed before is forgiven. */
static void launch_asked(struct dyno *dyno)
{
	dyno->wanted_up = true;
	dyno->crashes = 0;
	dyno->start_asked = dyno_instances(dyno) > 0;
	if (!dyno->start_asked)
		launch(dyno, "asked to start");
}

/* ---- stopping ---- */

/* The first reason stays: whoever asks once more only hurries it. */
static void ask_to_stop(struct dyno *dyno, struct instance *instance, const char *reason)
{
	if (instance->reason[0] == '\0')
		snprintf(instance->reason, sizeof instance->reason, "%s", reason);
	dyno->ops->stop(dyno, instance);
}

/* Why an instance makes room for another. */
static const char *replace_reason(const struct dyno *dyno)
{
	return dyno->cycling ? "cycle" : "restart";
}

/* Moves the current instance to the old ones and asks it to stop. */
static void retire_current(struct dyno *dyno, const char *reason)
{
	struct instance *instance = dyno->current;

	if (instance == NULL)
		return;
	dyno->current = NULL;
	dyno->old++;
	ask_to_stop(dyno, instance, reason);
}

static void retire_next(struct dyno *dyno, const char *reason)
{
	struct instance *instance = dyno->next;

	if (instance == NULL)
		return;
	dyno->next = NULL;
	dyno->old++;
	ask_to_stop(dyno, instance, reason);
}

/* An instance that is already on its ladder goes one rung on by this. */
static void hurry(struct dyno *dyno)
{
	if (dyno->current != NULL)
		dyno->ops->stop(dyno, dyno->current);
	if (dyno->next != NULL)
		dyno->ops->stop(dyno, dyno->next);
	if (dyno->old > 0)
		dyno->ops->stop_old(dyno);
}

static void running_stop(struct dyno *dyno)
{
	dyno->wanted_up = false;
	set_state(dyno, DYNO_STOPPING, "asked to stop");
	if (dyno->current != NULL)
		ask_to_stop(dyno, dyno->current, "stop");
	if (dyno->next != NULL)
		ask_to_stop(dyno, dyno->next, "stop");
	if (dyno_instances(dyno) == 0)
		set_state(dyno, DYNO_DOWN, "stopped");
}

static void stopping_stop(struct dyno *dyno)
{
	bool was_wanted = dyno->wanted_up;

	dyno->wanted_up = false;
	if (was_wanted)
		return; /* takes back the wish to start; not yet a hurry */
	hurry(dyno);
}

static void stopping_start(struct dyno *dyno)
{
	dyno->wanted_up = true;
	dyno->crashes = 0;
	set_state(dyno, DYNO_STOPPING, "will be started when the old instance is gone");
}

/* The last of its instances is gone. */
static void stopping_gone(struct dyno *dyno)
{
	if (dyno_instances(dyno) > 0)
		return;
	if (dyno->wanted_up)
		launch(dyno, "asked to start while it was stopping");
	else
		set_state(dyno, DYNO_DOWN, "stopped");
}

static void resting_stop(struct dyno *dyno)
{
	running_stop(dyno);
}

/* ---- crashing ---- */

static void cool(struct dyno *dyno, nsec_t pause, const char *why)
{
	char text[DURATION_TEXT], until[TIME_TEXT];
	struct event event;

	set_state(dyno, DYNO_COOLING, why);
	arm(dyno, DYNO_TIMER_COOL, pause);
	begin(dyno, &event, EVENT_COOLING);
	event_int(&event, "crashes", dyno->unlaunched > 0 ? dyno->unlaunched : dyno->crashes);
	event_str(&event, "pause", duration_format(pause, text));
	event_str(&event, "until", time_format_log(clock_wall() + pause, until));
	publish(dyno, &event);
}

/* The machine's lack is not the dyno's crash: tried again after 1, 2, 4 ... 60 seconds, whatever
 * backoff says. */
static nsec_t lack_pause(struct dyno *dyno)
{
	unsigned doublings = dyno->unlaunched - 1;

	return doublings < 6 ? NSEC_PER_SEC << doublings : NSEC_PER_MIN;
}

/* A crash is counted when it is noticed, so that a start which is asked for later forgives it. */
static void count_crash(struct dyno *dyno)
{
	if (dyno->unlaunched == 0)
		dyno->crashes++;
	dyno->failures++;
	set_state(dyno, DYNO_CRASHED, dyno->why);
}

/* The crash policy decides when it is tried again, once nothing is left of what crashed. */
static void try_again(struct dyno *dyno)
{
	nsec_t pause = dyno->unlaunched > 0 ? lack_pause(dyno)
					    : backoff_pause(&dyno->config->backoff, dyno->crashes);

	if (dyno->current != NULL)
		return;
	if (dyno->start_asked)
		pause = 0;
	if (pause > 0)
		cool(dyno, pause, dyno->why);
	else if (pause == 0 && dyno_instances(dyno) == 0)
		launch(dyno, dyno->why);
}

/* current is gone though it was wanted. */
static void crash(struct dyno *dyno)
{
	/* That was no crash of the dyno's, and is worth no line: it is launched again, at once or
	 * when there is room. */
	if (dyno->abandoned) {
		if (dyno_instances(dyno) == 0 || dyno->config->order == ORDER_OVERLAP)
			launch(dyno, dyno->why);
		return;
	}
	count_crash(dyno);
	try_again(dyno);
}

static void running_gone(struct dyno *dyno)
{
	/* While one is replaced start-first, the one that takes over is there already. */
	if (dyno->next != NULL) {
		dyno->current = dyno->next;
		dyno->next = NULL;
		return;
	}
	crash(dyno);
}

static void running_ending(struct dyno *dyno)
{
	if (dyno->next != NULL) {
		dyno->old++;
		dyno->current = dyno->next;
		dyno->next = NULL;
		return;
	}
	count_crash(dyno);
}

/* Whoever asked for a start was told to wait for this. */
static void cooling_old_gone(struct dyno *dyno)
{
	if (dyno->start_asked && dyno_instances(dyno) == 0)
		launch(dyno, "asked to start");
}

/* ---- being up ---- */

static void be_up(struct dyno *dyno, const char *why)
{
	set_state(dyno, DYNO_UP, why);
	arm(dyno, DYNO_TIMER_STABLE, dyno->config->backoff_reset);
}

static void starting_ready(struct dyno *dyno)
{
	if (dyno->next != NULL) {
		retire_current(dyno, replace_reason(dyno));
		dyno->current = dyno->next;
		dyno->next = NULL;
	}
	be_up(dyno, "");
}

static void up_stable(struct dyno *dyno)
{
	dyno->crashes = 0;
}

/* ---- replacing ---- */

static void retire_both(struct dyno *dyno)
{
	retire_current(dyno, replace_reason(dyno));
	retire_next(dyno, replace_reason(dyno));
}

/* The current one is retired first: without it, and with a next one that is not up, a successor
 * knows that this was begun. */
static void replace_overlap(struct dyno *dyno)
{
	retire_both(dyno);
	dyno->current = launch_one(dyno);
}

static void replace_stop_first(struct dyno *dyno)
{
	retire_both(dyno);
	if (dyno_instances(dyno) == 0)
		dyno->current = launch_one(dyno);
}

/* One that is not up serves nobody, so nothing is gained by keeping it. */
static void replace_start_first(struct dyno *dyno)
{
	if (dyno->current == NULL || dyno->current->state != INSTANCE_UP) {
		replace_overlap(dyno);
		return;
	}
	retire_next(dyno, replace_reason(dyno));
	dyno->next = launch_one(dyno);
}

static void (*const replacements[])(struct dyno *) = {
	[ORDER_OVERLAP] = replace_overlap,
	[ORDER_STOP_FIRST] = replace_stop_first,
	[ORDER_START_FIRST] = replace_start_first,
};

static void replace(struct dyno *dyno, enum event_kind kind, const char *why)
{
	say(dyno, kind, why);
	dyno->cycling = kind == EVENT_CYCLE;
	set_state(dyno, DYNO_STARTING, why);
	replacements[dyno->config->order](dyno);
}

static void running_restart(struct dyno *dyno)
{
	dyno->crashes = 0;
	replace(dyno, EVENT_RESTART, "restart was asked for");
}

static void up_cycle(struct dyno *dyno)
{
	replace(dyno, EVENT_CYCLE, "its time was up");
}

/* stop-first: the new one is launched when the last old one is gone. */
static void starting_old_gone(struct dyno *dyno)
{
	if (dyno_instances(dyno) == 0)
		dyno->current = launch_one(dyno);
}

/* start-first: the one that was to take over did not come up, so the old one goes on. */
static void starting_next_gone(struct dyno *dyno)
{
	struct cause why;

	if (dyno->abandoned) {
		dyno->next = launch_one(dyno);
		return;
	}
	dyno->failures++;
	note(dyno, "The new instance did not come up; the old one goes on");
	cause_set(&why, "the new instance did not come up (%s), so the old one goes on", dyno->why);
	if (dyno->current != NULL && dyno->current->state == INSTANCE_UP)
		be_up(dyno, why.text);
}

static void resting_restart(struct dyno *dyno)
{
	say(dyno, EVENT_RESTART, "restart was asked for");
	launch_asked(dyno);
}

static void cooling_cooled(struct dyno *dyno)
{
	launch(dyno, "next try after a crash");
}

static void impossible(struct dyno *dyno)
{
	log_warn("%s: an event that cannot come in state %s was ignored", dyno->name,
		dyno_state_names[dyno->state]);
}

/* An empty cell: does not matter in that state. */
static void (*const actions[DYNO_STATES][DYNO_EVENTS])(struct dyno *) = {
	[DYNO_DOWN] =
		{
			[DYNO_START] = launch_asked,
			[DYNO_READY] = impossible,
			[DYNO_ENDING] = impossible,
			[DYNO_GONE] = impossible,
			[DYNO_NEXT_GONE] = impossible,
		},
	[DYNO_STARTING] =
		{
			[DYNO_STOP] = running_stop,
			[DYNO_RESTART] = running_restart,
			[DYNO_READY] = starting_ready,
			[DYNO_ENDING] = running_ending,
			[DYNO_GONE] = running_gone,
			[DYNO_NEXT_GONE] = starting_next_gone,
			[DYNO_OLD_GONE] = starting_old_gone,
		},
	[DYNO_UP] =
		{
			[DYNO_STOP] = running_stop,
			[DYNO_RESTART] = running_restart,
			[DYNO_CYCLE] = up_cycle,
			[DYNO_ENDING] = running_ending,
			[DYNO_GONE] = running_gone,
			[DYNO_NEXT_GONE] = impossible,
			[DYNO_STABLE] = up_stable,
		},
	[DYNO_STOPPING] =
		{
			[DYNO_START] = stopping_start,
			[DYNO_STOP] = stopping_stop,
			[DYNO_RESTART] = stopping_start,
			[DYNO_GONE] = stopping_gone,
			[DYNO_NEXT_GONE] = stopping_gone,
			[DYNO_OLD_GONE] = stopping_gone,
		},
	[DYNO_COOLING] =
		{
			[DYNO_START] = launch_asked,
			[DYNO_STOP] = resting_stop,
			[DYNO_RESTART] = resting_restart,
			[DYNO_READY] = impossible,
			[DYNO_ENDING] = impossible,
			[DYNO_GONE] = impossible,
			[DYNO_NEXT_GONE] = impossible,
			[DYNO_OLD_GONE] = cooling_old_gone,
			[DYNO_COOLED] = cooling_cooled,
		},
	[DYNO_CRASHED] =
		{
			[DYNO_START] = launch_asked,
			[DYNO_STOP] = resting_stop,
			[DYNO_RESTART] = resting_restart,
			[DYNO_GONE] = try_again,
			[DYNO_NEXT_GONE] = impossible,
			[DYNO_OLD_GONE] = try_again,
		},
};

void dyno_handle(struct dyno *dyno, enum dyno_event event)
{
	void (*action)(struct dyno *) = actions[dyno->state][event];

	log_debug(
		"%s: %s in %s", dyno->name, dyno_event_names[event], dyno_state_names[dyno->state]);
	if (action != NULL)
		action(dyno);
	dyno->ops->changed(dyno);
}

/* The old one was being told to end, because the next one was up or because of a restart. */
static void resume_takeover(struct dyno *dyno)
{
	if (dyno->next->state == INSTANCE_UP)
		starting_ready(dyno);
	else if (dyno->current == NULL)
		replace_overlap(dyno);
}

/* In STARTING there is an intent to launch that was saved before the launch, see the replacements
 * above. */
static void resume_starting(struct dyno *dyno)
{
	if (dyno->next != NULL)
		resume_takeover(dyno);
	else if (dyno->current == NULL && (dyno->old == 0 || dyno->config->order == ORDER_OVERLAP))
		dyno->current = launch_one(dyno);
	else if (dyno->current != NULL && dyno->current->state == INSTANCE_UP)
		dyno->next = launch_one(dyno);
}

static bool is_unasked(const struct instance *instance)
{
	return instance != NULL &&
	       (instance->state == INSTANCE_STARTING || instance->state == INSTANCE_UP);
}

/* The signal to one of two was sent, that to the other was not. */
static void resume_stopping(struct dyno *dyno)
{
	if (is_unasked(dyno->current))
		ask_to_stop(dyno, dyno->current, "stop");
	if (is_unasked(dyno->next))
		ask_to_stop(dyno, dyno->next, "stop");
}

/* Nothing of it is left, and the turn in which that would have been noticed never ended. */
static void resume_empty(struct dyno *dyno)
{
	if (dyno->state == DYNO_UP)
		crash(dyno);
	else if (dyno->state == DYNO_STOPPING)
		stopping_gone(dyno);
	else if (dyno->state == DYNO_CRASHED)
		try_again(dyno);
	else if (dyno->state == DYNO_COOLING && dyno->due[DYNO_TIMER_COOL] == 0)
		cooling_cooled(dyno);
}

void dyno_resume(struct dyno *dyno)
{
	if (dyno->state == DYNO_STARTING)
		resume_starting(dyno);
	else if (dyno_instances(dyno) == 0)
		resume_empty(dyno);
	else if (dyno->state == DYNO_STOPPING)
		resume_stopping(dyno);
	dyno->ops->changed(dyno);
}
