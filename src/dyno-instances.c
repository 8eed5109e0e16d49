/*
 * dyno-instances: the other side of a dyno: what its instances tell it, as events of its machine in
 * dyno.c.
 */
#include <stdio.h>
#include <string.h>

#include "dyno.h"

const char *const dyno_state_names[DYNO_STATES] = {
	[DYNO_DOWN] = "down",
	[DYNO_STARTING] = "starting",
	[DYNO_UP] = "up",
	[DYNO_STOPPING] = "stopping",
	[DYNO_COOLING] = "cooling",
	[DYNO_CRASHED] = "crashed",
};

const char *const dyno_event_names[DYNO_EVENTS] = {
	[DYNO_START] = "start",
	[DYNO_STOP] = "stop",
	[DYNO_RESTART] = "restart",
	[DYNO_CYCLE] = "cycle",
	[DYNO_READY] = "ready",
	[DYNO_ENDING] = "ending",
	[DYNO_GONE] = "gone",
	[DYNO_NEXT_GONE] = "next-gone",
	[DYNO_OLD_GONE] = "old-gone",
	[DYNO_COOLED] = "cooled",
	[DYNO_STABLE] = "stable",
};

const char *const dyno_timer_names[DYNO_TIMERS] = {
	[DYNO_TIMER_COOL] = "next try",
	[DYNO_TIMER_STABLE] = "crash count reset",
	[DYNO_TIMER_CYCLE] = "cycle",
};

/* Why it ended, for ps and for who waits. */
static void explain(struct dyno *dyno, const struct instance *instance)
{
	char text[INSTANCE_EXIT_TEXT];

	switch (instance->ending) {
	case ENDING_LAUNCH:
		snprintf(dyno->why, sizeof dyno->why, "%s", instance->failure);
		break;
	case ENDING_BOOT:
		snprintf(dyno->why, sizeof dyno->why, "boot timeout");
		break;
	case ENDING_ITSELF:
		snprintf(dyno->why, sizeof dyno->why, "exited with %s",
			instance_exit_text(instance, text));
		break;
	case ENDING_NOT:
	case ENDING_ASKED:
		break;
	}
}

static void instance_gone(struct dyno *dyno, struct instance *instance)
{
	enum dyno_event event = DYNO_OLD_GONE;

	bool never_was =
		instance->ending == ENDING_LAUNCH && (instance->main.pid == 0 || instance->lacking);

	dyno->abandoned = instance->abandoned;
	dyno->unlaunched = never_was && !instance->abandoned ? dyno->unlaunched + 1 : 0;
	dyno->last_exit = instance->exit;
	if (instance->launch > dyno->over)
		dyno->over = instance->launch;
	if (instance->killed || instance->outlasted) {
		dyno->kills++;
		dyno->kill_hurried = instance->kill_hurried;
		dyno->kill_refused = !instance->killed;
	}
	if (instance == dyno->current) {
		explain(dyno, instance);
		dyno->current = NULL;
		event = DYNO_GONE;
	} else if (instance == dyno->next) {
		explain(dyno, instance);
		dyno->next = NULL;
		event = DYNO_NEXT_GONE;
	} else if (dyno->old > 0) {
		dyno->old--;
	}
	dyno_handle(dyno, event);
}

void dyno_instance_changed(struct dyno *dyno, struct instance *instance)
{
	bool ours = instance == dyno->current || instance == dyno->next;

	switch (instance->state) {
	case INSTANCE_UP:
		if (ours)
			dyno_handle(dyno, DYNO_READY);
		break;
	case INSTANCE_STOPPING:
		if (instance == dyno->current && instance->ending == ENDING_ITSELF &&
			instance->rung > 0) {
			explain(dyno, instance);
			dyno_handle(dyno, DYNO_ENDING);
		}
		break;
	case INSTANCE_GONE:
		instance_gone(dyno, instance);
		break;
	case INSTANCE_STARTING:
	case INSTANCE_STATES:
		break;
	}
}

unsigned dyno_instances(const struct dyno *dyno)
{
	return (dyno->current != NULL) + (dyno->next != NULL) + dyno->old;
}

void dyno_init(struct dyno *dyno, const struct dyno_ops *ops, void *owner,
	const struct process_config *config, unsigned number)
{
	memset(dyno, 0, sizeof *dyno);
	dyno->ops = ops;
	dyno->owner = owner;
	dyno->config = config;
	dyno->number = number;
	dyno->since = clock_wall();
	snprintf(dyno->name, sizeof dyno->name, "%s.%u", config->name, number);
}
