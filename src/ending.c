/* ending: see the header. */
#include "ending.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "log.h"

/* A signal that comes sooner after the last one may be the same: who signals a whole session or a
 * control group reaches both us and our guard, which passes it on. */
#define SAME_WISH (NSEC_PER_SEC)

/* "WHEN CLIENT": asked, and stop_asked. */
static const char file_name[] = "ending";
enum {
	TEXT_MAX = 64
};

/* Those that are being stopped already keep their time. */
static void stop_others(struct ending *ending)
{
	for (size_t i = 0; i < ending->formation->count; i++) {
		struct place *place = &ending->formation->places[i];
		if (!place_is_being_stopped(place))
			place_want(place, DYNO_STOP);
	}
}

void ending_keep(struct ending *ending)
{
	char text[TEXT_MAX];

	if (!ending->begun)
		return;
	int len = snprintf(
		text, sizeof text, "%lld %d\n", (long long)ending->asked, ending->stop_asked);
	app_keep(ending->app, file_name, text, (size_t)len);
}

/* What cannot be read was asked for just now, and by nobody that we know. */
static void read_kept(struct ending *ending)
{
	struct buf text = BUF_INIT;
	nsec_t now = clock_mono();
	long long asked = now;
	int by_client = 0;

	if (fdio_read_at(ending->app->run_dir, file_name, TEXT_MAX, &text) == 0 && text.len > 0)
		sscanf(text.data, "%lld %d", &asked, &by_client);
	buf_release(&text);
	ending->asked = asked < now ? asked : now;
	ending->stop_asked = by_client != 0;
}

/* The dynos that the dead supervisor had not yet told to stop are told now. */
static void take_up(struct ending *ending)
{
	ending->begun = true;
	read_kept(ending);
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

static void announce(struct ending *ending, const char *reason)
{
	struct event event;

	ending->begun = true;
	ending->asked = clock_mono();
	ending_keep(ending);
	event_begin(&event, EVENT_SUPERVISOR_STOP, clock_wall(), NULL, 0);
	event_str(&event, "reason", reason);
	app_publish(ending->app, &event);
	event_release(&event);
}

bool ending_ask(struct ending *ending)
{
	bool once_more = ending->stop_asked;

	ending->stop_asked = true;
	if (!ending->begun)
		announce(ending, "stop was asked for");
	else if (!once_more)
		ending_keep(ending);
	return once_more;
}

static void hurry(struct ending *ending)
{
	for (size_t i = 0; i < ending->formation->count; i++)
		place_want(&ending->formation->places[i], DYNO_STOP);
}

void ending_demand(struct ending *ending, const char *reason)
{
	nsec_t now = clock_mono();

	if (!ending->begun) {
		log_info("%s: everything is being stopped; a second signal, a second later or "
			 "more, makes it hurry",
			reason);
		announce(ending, reason);
		stop_others(ending);
	} else if (now - ending->asked < SAME_WISH) {
		log_debug("%s: too soon to make the stop hurry", reason);
	} else {
		ending->asked = now;
		ending_keep(ending);
		hurry(ending);
	}
}

bool ending_is_over(const struct ending *ending)
{
	return ending->begun && ending->formation->slices.wishes == 0 &&
	       formation_instances(ending->formation) == 0;
}

void ending_close(struct ending *ending)
{
	unlinkat(ending->app->run_dir, file_name, 0);
}
