/* slices: see the header. */
#include "slices.h"

#include "formation.h"

/*
 * How long a turn may work here, in time of the processor: where others want it too a turn takes
 * longer, but the work as a whole does not. With less, a stop of many would take longer: all that
 * are stopped in a turn, or have ended, share a look at the processes and sockets. Starts share
 * nothing.
 */
#define SLICE (100 * NSEC_PER_MSEC)
#define SLICE_OF_STARTS (10 * NSEC_PER_MSEC)

/* And how many times as long where it has to wait for a disk. */
enum {
	WAITS = 5
};

struct slice {
	nsec_t cpu; /* it ends when this is spent, or */
	nsec_t end; /* monotonic: at that time */
};

static struct slice slice_begin(nsec_t time)
{
	return (struct slice){.cpu = clock_cpu() + time, .end = clock_mono() + WAITS * time};
}

static bool is_over(const struct slice *slice)
{
	return clock_cpu() >= slice->cpu || clock_mono() >= slice->end;
}

static const struct slice endless = {.cpu = INT64_MAX, .end = INT64_MAX};

/* ---- wishes ---- */

static struct place_list *list_of(struct slices *slices, enum dyno_event wish)
{
	if (wish == DYNO_STOP)
		return &slices->stops;
	return wish == DYNO_RESTART ? &slices->restarts : &slices->starts;
}

void slices_add(struct place *place, enum dyno_event wish)
{
	struct slices *slices = &place->formation->slices;

	place->is_due = true;
	place->due = wish;
	TAILQ_INSERT_TAIL(list_of(slices, wish), place, due_link);
	slices->wishes++;
	if (!timer_is_set(&slices->next))
		timer_set(place->formation->app->loop, &slices->next, clock_mono());
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

/* One at least, so that it goes on however slow the machine is. */
static void fulfil(struct place_list *list, const struct slice *slice)
{
	struct place *place;
	bool over = false;

	while ((place = TAILQ_FIRST(list)) != NULL && !over) {
		slices_fulfil(place);
		over = is_over(slice);
	}
}

void slices_finish(struct formation *formation)
{
	fulfil(&formation->slices.stops, &endless);
	fulfil(&formation->slices.restarts, &endless);
	fulfil(&formation->slices.starts, &endless);
}

/* ---- who has ended ---- */

/* A runner that is gone leaves its list while we walk it. False when none had to be looked at. */
static bool settle_place(struct place *place)
{
	struct runner *next;
	bool looked = false;

	for (struct runner *runner = TAILQ_FIRST(&place->runners); runner != NULL; runner = next) {
		next = TAILQ_NEXT(runner, link);
		looked |= runner->instance.main_ended;
		runner_check_empty(runner);
	}
	formation_bury(place->formation);
	return looked;
}

static void settle(struct formation *formation, const struct slice *slice)
{
	struct slices *slices = &formation->slices;
	bool over = false;

	while (slices->unsettled > 0 && !over) {
		struct place *place = &formation->places[slices->settle_at];
		slices->settle_at = (slices->settle_at + 1) % formation->count;
		slices->unsettled--;
		over = settle_place(place) && is_over(slice);
	}
}

/* ---- life ---- */

/* Who has ended is no matter as long as others wait for their stop, and for the look that they
 * share. */
static void do_slice(struct formation *formation)
{
	struct slices *slices = &formation->slices;
	struct slice slice = slice_begin(SLICE);

	fulfil(&slices->stops, &slice);
	if (TAILQ_EMPTY(&slices->stops))
		settle(formation, &slice);
	fulfil(&slices->restarts, &slice);
	slice = slice_begin(SLICE_OF_STARTS);
	fulfil(&slices->starts, &slice);
	if (slices->wishes > 0 || slices->unsettled > 0)
		timer_set(formation->app->loop, &slices->next, clock_mono());
}

static void next_fired(void *owner)
{
	do_slice(owner);
}

void slices_settle(struct formation *formation)
{
	formation->slices.unsettled = formation->count;
	if (!timer_is_set(&formation->slices.next))
		do_slice(formation);
}

void slices_open(struct formation *formation)
{
	TAILQ_INIT(&formation->slices.stops);
	TAILQ_INIT(&formation->slices.restarts);
	TAILQ_INIT(&formation->slices.starts);
	timer_init(&formation->slices.next, next_fired, formation);
}

void slices_close(struct formation *formation)
{
	timer_stop(formation->app->loop, &formation->slices.next);
}
