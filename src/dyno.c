/* dyno: see the header. The table stands near the end; the actions above it are called STATE_EVENT,
 * and made of the steps of dyno-steps.c. */
#include "dyno-parts.h"
#include "log.h"

/* ---- launching ---- */

/* Somebody asked for it, so whatever crashed before is forgiven. */
static void launch_asked(struct dyno *dyno)
{
	dyno->wanted_up = true;
	dyno->crashes = 0;
	dyno->start_asked = dyno_instances(dyno) > 0;
	if (!dyno->start_asked)
		dyno_launch(dyno, "asked to start");
}

/* ---- stopping ---- */

static void running_stop(struct dyno *dyno)
{
	dyno->wanted_up = false;
	dyno_set_state(dyno, DYNO_STOPPING, "asked to stop");
	if (dyno->current != NULL)
		dyno_ask_to_stop(dyno, dyno->current, "stop");
	if (dyno->next != NULL)
		dyno_ask_to_stop(dyno, dyno->next, "stop");
	if (dyno_instances(dyno) == 0)
		dyno_set_state(dyno, DYNO_DOWN, "stopped");
}

static void stopping_stop(struct dyno *dyno)
{
	bool was_wanted = dyno->wanted_up;

	dyno->wanted_up = false;
	if (was_wanted)
		return; /* takes back the wish to start; not yet a hurry */
	dyno_hurry(dyno);
}

static void stopping_start(struct dyno *dyno)
{
	dyno->wanted_up = true;
	dyno->crashes = 0;
	dyno_set_state(dyno, DYNO_STOPPING, "will be started when the old instance is gone");
}

/* The last of its instances is gone. */
static void stopping_gone(struct dyno *dyno)
{
	if (dyno_instances(dyno) > 0)
		return;
	if (dyno->wanted_up)
		dyno_launch(dyno, "asked to start while it was stopping");
	else
		dyno_set_state(dyno, DYNO_DOWN, "stopped");
}

static void resting_stop(struct dyno *dyno)
{
	running_stop(dyno);
}

/* ---- crashing ---- */

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
	dyno_set_state(dyno, DYNO_CRASHED, dyno->why);
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
		dyno_cool(dyno, pause, dyno->why);
	else if (pause == 0 && dyno_instances(dyno) == 0)
		dyno_launch(dyno, dyno->why);
}

/* current is gone though it was wanted. */
static void crash(struct dyno *dyno)
{
	/* That was no crash of the dyno's, and is worth no line: it is launched again, at once or
	 * when there is room. */
	if (dyno->abandoned) {
		if (dyno_instances(dyno) == 0 || dyno->config->order == ORDER_OVERLAP)
			dyno_launch(dyno, dyno->why);
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
		dyno_launch(dyno, "asked to start");
}

/* ---- being up ---- */

/* Why an instance makes room for another. */
static const char *replace_reason(const struct dyno *dyno)
{
	return dyno->cycling ? "cycle" : "restart";
}

static void starting_ready(struct dyno *dyno)
{
	if (dyno->next != NULL) {
		dyno_retire_current(dyno, replace_reason(dyno));
		dyno->current = dyno->next;
		dyno->next = NULL;
	}
	dyno_be_up(dyno, "");
}

static void up_stable(struct dyno *dyno)
{
	dyno->crashes = 0;
}

/* ---- replacing ---- */

static void retire_both(struct dyno *dyno)
{
	dyno_retire_current(dyno, replace_reason(dyno));
	dyno_retire_next(dyno, replace_reason(dyno));
}

/* The current one is retired first: without it, and with a next one that is not up, a successor
 * knows that this was begun. */
static void replace_overlap(struct dyno *dyno)
{
	retire_both(dyno);
	dyno->current = dyno_launch_one(dyno);
}

static void replace_stop_first(struct dyno *dyno)
{
	retire_both(dyno);
	if (dyno_instances(dyno) == 0)
		dyno->current = dyno_launch_one(dyno);
}

/* One that is not up serves nobody, so nothing is gained by keeping it. */
static void replace_start_first(struct dyno *dyno)
{
	if (dyno->current == NULL || dyno->current->state != INSTANCE_UP) {
		replace_overlap(dyno);
		return;
	}
	dyno_retire_next(dyno, replace_reason(dyno));
	dyno->next = dyno_launch_one(dyno);
}

static void (*const replacements[])(struct dyno *) = {
	[ORDER_OVERLAP] = replace_overlap,
	[ORDER_STOP_FIRST] = replace_stop_first,
	[ORDER_START_FIRST] = replace_start_first,
};

static void replace(struct dyno *dyno, enum event_kind kind, const char *why)
{
	dyno_say(dyno, kind, why);
	dyno->cycling = kind == EVENT_CYCLE;
	dyno_set_state(dyno, DYNO_STARTING, why);
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
		dyno->current = dyno_launch_one(dyno);
}

/* start-first: the one that was to take over did not come up, so the old one goes on. */
static void starting_next_gone(struct dyno *dyno)
{
	struct cause why;

	if (dyno->abandoned) {
		dyno->next = dyno_launch_one(dyno);
		return;
	}
	dyno->failures++;
	dyno_note(dyno, "The new instance did not come up; the old one goes on");
	cause_set(&why, "the new instance did not come up (%s), so the old one goes on", dyno->why);
	if (dyno->current != NULL && dyno->current->state == INSTANCE_UP)
		dyno_be_up(dyno, why.text);
}

static void resting_restart(struct dyno *dyno)
{
	dyno_say(dyno, EVENT_RESTART, "restart was asked for");
	launch_asked(dyno);
}

static void cooling_cooled(struct dyno *dyno)
{
	dyno_launch(dyno, "next try after a crash");
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
		dyno->current = dyno_launch_one(dyno);
	else if (dyno->current != NULL && dyno->current->state == INSTANCE_UP)
		dyno->next = dyno_launch_one(dyno);
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
		dyno_ask_to_stop(dyno, dyno->current, "stop");
	if (is_unasked(dyno->next))
		dyno_ask_to_stop(dyno, dyno->next, "stop");
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
