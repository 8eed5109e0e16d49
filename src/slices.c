/* slices: see the header. */
#include "slices.h"

#include "formation.h"

/* How long a turn may work here. */
#define SLICE (100 * NSEC_PER_MSEC)

static void go_on_in_next_turn(struct formation *formation)
{
	struct slices *slices = &formation->slices;

	if ((slices->wishes > 0 || slices->unsettled > 0) && !timer_is_set(&slices->next))
		timer_set(formation->app->loop, &slices->next, clock_mono());
}

/* ---- wishes ---- */

static struct place_list *list_of(struct slices *slices, enum dyno_event wish)
{
	return wish == DYNO_START ? &slices->starts : &slices->stops;
}

void slices_add(struct place *place, enum dyno_event wish)
{
	struct slices *slices = &place->formation->slices;

	place->is_due = true;
	place->due = wish;
	TAILQ_INSERT_TAIL(list_of(slices, wish), place, due_link);
	slices->wishes++;
	go_on_in_next_turn(place->formation);
}

void slices_remove(struct place *place)
{
	struct slices *slices = &place->formation->slices;

	TAILQ_REMOVE(list_of(slices, place->due), place, due_link);
	place->is_due = false;
	slices->wishes--;
}

void slices_fulfil(struct place *place)
{
	slices_remove(place);
	dyno_handle(&place->dyno, place->due);
	/* Who waits for it has to look, even if nothing has come of it. */
	place_notify(place);
}

static void fulfil_until(struct place_list *list, nsec_t end)
{
	struct place *place;

	while ((place = TAILQ_FIRST(list)) != NULL && clock_mono() < end)
		slices_fulfil(place);
}

void slices_finish(struct formation *formation)
{
	fulfil_until(&formation->slices.stops, INT64_MAX);
	fulfil_until(&formation->slices.starts, INT64_MAX);
}

/* ---- who has ended ---- */

/* A runner that is gone leaves its list while we walk it. */
static void settle_place(struct place *place)
{
	struct runner *next;

	for (struct runner *runner = TAILQ_FIRST(&place->runners); runner != NULL; runner = next) {
		next = TAILQ_NEXT(runner, link);
		runner_check_empty(runner);
	}
	formation_bury(place->formation);
}

static void settle_until(struct formation *formation, nsec_t end)
{
	struct slices *slices = &formation->slices;

	while (slices->unsettled > 0 && clock_mono() < end) {
		struct place *place = &formation->places[slices->settle_at];
		slices->settle_at = (slices->settle_at + 1) % formation->count;
		slices->unsettled--;
		settle_place(place);
	}
}

void slices_settle(struct formation *formation)
{
	formation->slices.unsettled = formation->count;
	settle_until(formation, clock_mono() + SLICE);
	go_on_in_next_turn(formation);
}

/* ---- life ---- */

static void next_fired(void *owner)
{
	struct formation *formation = owner;
	nsec_t end = clock_mono() + SLICE;

	fulfil_until(&formation->slices.stops, end);
	settle_until(formation, end);
	fulfil_until(&formation->slices.starts, end);
	go_on_in_next_turn(formation);
}

void slices_open(struct formation *formation)
{
	TAILQ_INIT(&formation->slices.stops);
	TAILQ_INIT(&formation->slices.starts);
	timer_init(&formation->slices.next, next_fired, formation);
}

void slices_close(struct formation *formation)
{
	timer_stop(formation->app->loop, &formation->slices.next);
}
