/* cycle: see the header. */
#include "cycle.h"

static struct place_type *type_of(const struct place *place)
{
	struct formation *formation = place->formation;

	for (size_t i = 0; i < formation->type_count; i++)
		if (formation->types[i].config == place->dyno.config)
			return &formation->types[i];
	return NULL;
}

/* True when a restart of it, if there was one, is over: for good or for bad. */
static bool is_settled(const struct dyno *dyno)
{
	bool moving = dyno->state == DYNO_STARTING || dyno->state == DYNO_STOPPING;

	return !moving && dyno->old == 0 && dyno->next == NULL;
}

/* Of whom something else is wanted, that comes first. */
static bool may_have_turn(const struct place *place)
{
	return place->cycle_waiting && place->dyno.state == DYNO_UP && !place->is_due;
}

static void pass_turn(struct place_type *type)
{
	while (type->turn == NULL) {
		struct place *place = NULL;
		for (unsigned i = 0; i < type->config->scale && place == NULL; i++)
			if (may_have_turn(&type->first[i]))
				place = &type->first[i];
		if (place == NULL)
			return;
		place->cycle_waiting = false;
		type->turn = place;
		dyno_handle(&place->dyno, DYNO_CYCLE);
	}
}

void cycle_is_due(struct place *place)
{
	/* Its due time stays until it is launched anew, so that the next supervisor knows of it
	 * too. */
	place->cycle_waiting = true;
	pass_turn(type_of(place));
}

void cycle_changed(struct place *place)
{
	struct place_type *type = type_of(place);

	if (type->turn == place && is_settled(&place->dyno))
		type->turn = NULL;
	/* One whose time was up while it was starting has waited for this. */
	if (type->turn == NULL)
		pass_turn(type);
}

void cycle_resume(struct place_type *type)
{
	for (unsigned i = 0; i < type->config->scale && type->turn == NULL; i++)
		if (type->first[i].dyno.launched && !is_settled(&type->first[i].dyno))
			type->turn = &type->first[i];
}

/* A dyno that was launched after the appointed time has had its restart. */
static bool missed_restart(const struct place *place, time_t appointed)
{
	const struct instance *current = place->dyno.current;

	return place->dyno.state == DYNO_UP && current != NULL &&
	       current->launched < (nsec_t)appointed * NSEC_PER_SEC;
}

static void restart_type(struct place_type *type, time_t appointed)
{
	for (unsigned i = 0; i < type->config->scale; i++)
		if (missed_restart(&type->first[i], appointed))
			type->first[i].cycle_waiting = true;
	pass_turn(type);
}

static void schedule_restart(struct place_type *type, time_t after)
{
	struct ev_loop *loop = type->formation->app->loop;
	time_t next = cron_next(&type->config->restart_at, after);

	ev_periodic_stop(loop, &type->restart_at);
	type->next_restart = next > 0 ? next : 0;
	if (next <= 0)
		return;
	ev_periodic_set(&type->restart_at, (double)next, 0., NULL);
	ev_periodic_start(loop, &type->restart_at);
}

static void restart_at_cb(struct ev_loop *loop, ev_periodic *watcher, int revents)
{
	struct place_type *type = watcher->data;
	time_t appointed = type->next_restart;
	nsec_t now = clock_wall();
	nsec_t late = now - (nsec_t)appointed * NSEC_PER_SEC;

	/* The loop's clock may be a little ahead of the wall's. */
	if (late < 0) {
		schedule_restart(type, appointed - 1);
		return;
	}

	(void)loop;
	(void)revents;
	/* The timer itself comes a moment late. */
	if (late <= type->config->restart_window + NSEC_PER_SEC)
		restart_type(type, appointed);
	else
		app_note(type->formation->app, NULL, 0,
			"The restart of %s was missed and is too late to be made up now "
			"(restart_window)",
			type->config->name);
	time_t seconds = (time_t)(now / NSEC_PER_SEC);
	schedule_restart(type, seconds > appointed ? seconds : appointed);
}

void cycle_begin(struct place_type *type)
{
	if (type->config->restart_at_text == NULL)
		return;
	time_t now = (time_t)(clock_wall() / NSEC_PER_SEC);
	time_t since = now - (time_t)(type->config->restart_window / NSEC_PER_SEC);
	time_t missed = cron_missed(&type->config->restart_at, since, now);

	if (missed > 0)
		restart_type(type, missed);
	schedule_restart(type, now);
}

nsec_t cycle_next(const struct place *place)
{
	const struct place_type *type = type_of(place);
	nsec_t due = place->dyno.due[DYNO_TIMER_CYCLE];

	if (due != 0)
		return clock_wall() + (due - clock_mono());
	return (nsec_t)type->next_restart * NSEC_PER_SEC;
}

void cycle_open(struct place_type *type)
{
	ev_init(&type->restart_at, restart_at_cb);
	type->restart_at.data = type;
}

void cycle_close(struct place_type *type)
{
	ev_periodic_stop(type->formation->app->loop, &type->restart_at);
}
