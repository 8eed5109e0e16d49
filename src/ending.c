/* ending: see the header. */
#include "ending.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* A signal that comes sooner after the last one may be the same: who signals a whole session or a
 * control group reaches both us and our guard, which passes it on. */
#define SAME_WISH (NSEC_PER_SEC)

static const char file_name[] = "ending";

/* Those that are being stopped already keep their time. */
static void stop_others(struct ending *ending)
{
	for (size_t i = 0; i < ending->formation->count; i++) {
		struct dyno *dyno = &ending->formation->places[i].dyno;
		if (dyno->state != DYNO_STOPPING || dyno->wanted_up)
			dyno_handle(dyno, DYNO_STOP);
	}
}

void ending_keep(struct ending *ending)
{
	if (ending->begun)
		app_keep(ending->app, file_name, "", 0);
}

/* The dynos that the dead supervisor had not yet told to stop are told now. */
static void take_up(struct ending *ending)
{
	ending->begun = true;
	ending->asked = clock_mono();
	stop_others(ending);
}

void ending_open(struct ending *ending, struct app *app, struct formation *formation, bool again)
{
	*ending = (struct ending){.app = app, .formation = formation};
	if (again && faccessat(app->run_dir, file_name, F_OK, 0) == 0)
		take_up(ending);
	else
		ending_close(ending);
}

void ending_announce(struct ending *ending, const char *reason)
{
	struct event event;

	if (ending->begun)
		return;
	ending->begun = true;
	ending->asked = clock_mono();
	ending_keep(ending);
	event_begin(&event, EVENT_SUPERVISOR_STOP, clock_wall(), NULL, 0);
	event_str(&event, "reason", reason);
	app_publish(ending->app, &event);
	event_release(&event);
}

static void hurry(struct ending *ending)
{
	for (size_t i = 0; i < ending->formation->count; i++)
		dyno_handle(&ending->formation->places[i].dyno, DYNO_STOP);
}

void ending_demand(struct ending *ending, const char *reason)
{
	nsec_t now = clock_mono();

	if (!ending->begun) {
		log_info("%s: everything is being stopped; a second signal, a second later or "
			 "more, makes it hurry",
			reason);
		ending_announce(ending, reason);
		stop_others(ending);
	} else if (now - ending->asked < SAME_WISH) {
		log_debug("%s: too soon to make the stop hurry", reason);
	} else {
		ending->asked = now;
		hurry(ending);
	}
}

bool ending_is_over(const struct ending *ending)
{
	return ending->begun && formation_instances(ending->formation) == 0;
}

void ending_close(struct ending *ending)
{
	unlinkat(ending->app->run_dir, file_name, 0);
}
