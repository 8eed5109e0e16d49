/* saving: see the header. */
#include "saving.h"

#include "formation.h"
#include "log.h"
#include "record.h"

#define TRY_AGAIN (5 * NSEC_PER_SEC)

static void try_later(struct formation *formation)
{
	timer_set(formation->app->loop, &formation->saving.again, clock_mono() + TRY_AGAIN);
}

static void begin_trouble(struct formation *formation, const struct cause *cause)
{
	log_warn("%s", cause->text);
	app_note(formation->app, NULL, 0, "The state of the dynos cannot be kept: %s; they run on",
		cause->text);
	try_later(formation);
}

static void end_trouble(struct formation *formation)
{
	timer_stop(formation->app->loop, &formation->saving.again);
	app_note(formation->app, NULL, 0, "The state of the dynos can be kept again");
}

/* The directory may have been removed under us. */
static bool write_record(struct place *place, struct cause *cause)
{
	return record_save(place, cause) == 0 ||
	       (app_renew_dirs(place->formation->app) && record_save(place, cause) == 0);
}

void saving_write(struct place *place)
{
	struct formation *formation = place->formation;
	struct cause cause;
	bool failed = !write_record(place, &cause);

	place->unsaved = false;
	if (failed == place->unsavable)
		return;
	place->unsavable = failed;
	if (failed && formation->saving.failed++ == 0)
		begin_trouble(formation, &cause);
	else if (!failed && --formation->saving.failed == 0)
		end_trouble(formation);
}

static void write_changed(struct formation *formation, bool with_failed)
{
	for (size_t i = 0; i < formation->count; i++) {
		struct place *place = &formation->places[i];
		if (place->unsaved || (with_failed && place->unsavable))
			saving_write(place);
	}
}

static void again_fired(void *owner)
{
	struct formation *formation = owner;

	write_changed(formation, true);
	if (formation->saving.failed > 0)
		try_later(formation);
}

/* The directory was made anew, perhaps just now, because one of them could not be written. */
static void write_missing(struct formation *formation)
{
	while (formation->app->state_is_new) {
		formation->app->state_is_new = false;
		for (size_t i = 0; i < formation->count; i++)
			saving_write(&formation->places[i]);
	}
}

void saving_end_turn(struct formation *formation)
{
	uint64_t seq = journal_seq(formation->app->journal);

	write_changed(formation, false);
	write_missing(formation);
	if (formation->saving.failed == 0)
		formation->saving.complete = seq;
}

void saving_write_all(struct formation *formation)
{
	write_changed(formation, true);
}

void saving_open(struct formation *formation)
{
	timer_init(&formation->saving.again, again_fired, formation);
}

void saving_close(struct formation *formation)
{
	saving_write_all(formation);
	timer_stop(formation->app->loop, &formation->saving.again);
}
