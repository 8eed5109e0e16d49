/*
 * Tests of slices, place_want() and the requests that lead to it: what is wanted of many dynos is
 * done in several turns, in the right order, and what was wanted last counts.
 */
#include "cycle.h"
#include "formation.h"
#include "request.h"

#include "did.h"
#include "tap.h"

enum {
	MANY = 5
};

/* Of the processor, so that one turn has time for one of them only. */
#define SLOW_LAUNCH (110 * NSEC_PER_MSEC)

static struct process_config config = {
	.name = "web", .order = ORDER_OVERLAP, .ready = READY_PORT, .scale = MANY};
static struct instance instances[MANY];
static struct place places[MANY];
static struct app app;
static struct place_type type;
static struct formation formation = {
	.app = &app, .places = places, .count = MANY, .types = &type, .type_count = 1};
static nsec_t launch_time;
static unsigned told; /* how often listeners were */

/* ---- the fake operations of the dynos ---- */

static void did_to(const char *what, const struct dyno *dyno)
{
	char text[32];

	snprintf(text, sizeof text, "%s %u", what, dyno->number);
	did(text);
}

static struct instance *fake_launch(struct dyno *dyno)
{
	struct instance *instance = &instances[dyno->number - 1];
	nsec_t end = clock_cpu() + launch_time;

	while (clock_cpu() < end)
		;
	did_to("launch", dyno);
	memset(instance, 0, sizeof *instance);
	instance->launch = dyno->launches;
	return instance;
}

static void fake_stop(struct dyno *dyno, struct instance *instance)
{
	did_to(instance->state == INSTANCE_STOPPING ? "hurry" : "stop", dyno);
	instance_restore(instance, INSTANCE_STOPPING);
}

static void fake_stop_old(struct dyno *dyno)
{
	did_to("stop the old of", dyno);
}

static void fake_timer(struct dyno *dyno, enum dyno_timer timer, nsec_t due)
{
	(void)dyno;
	(void)timer;
	(void)due;
}

static void fake_publish(struct dyno *dyno, struct event *event)
{
	(void)dyno;
	(void)event;
}

static void fake_changed(struct dyno *dyno)
{
	(void)dyno;
}

static uint64_t fake_random(struct dyno *dyno)
{
	(void)dyno;
	return 0;
}

static const struct dyno_ops ops = {
	.launch = fake_launch,
	.stop = fake_stop,
	.stop_old = fake_stop_old,
	.timer = fake_timer,
	.publish = fake_publish,
	.changed = fake_changed,
	.random = fake_random,
};

static void heard(void *arg, struct place *place)
{
	(void)arg;
	(void)place;
	told++;
}

/* ---- situations ---- */

static void all_down(void)
{
	for (unsigned i = 0; i < MANY; i++) {
		memset(&places[i], 0, sizeof places[i]);
		places[i].formation = &formation;
		TAILQ_INIT(&places[i].runners);
		dyno_init(&places[i].dyno, &ops, &places[i], &config, i + 1);
	}
	done();
}

/* Everything that is wanted is done. */
static const char *all_turns(void)
{
	while (formation.slices.wishes > 0)
		ev_run(app.loop, EVRUN_ONCE);
	return done();
}

static void all_want(enum dyno_event wish)
{
	for (unsigned i = 0; i < MANY; i++)
		place_want(&places[i], wish);
}

static void all_starting(void)
{
	all_down();
	all_want(DYNO_START);
	all_turns();
}

static void first_stopping(void)
{
	all_starting();
	place_want(&places[0], DYNO_STOP);
	all_turns();
}

/* ---- the tests ---- */

static void one_turn_is_not_for_all(void)
{
	all_down();
	launch_time = SLOW_LAUNCH;
	all_want(DYNO_START);
	is_str(done(), "", "a start is done in a later turn");
	ok(place_is_wanted(&places[4]), "until then it counts as wanted");
	ev_run(app.loop, EVRUN_ONCE);
	is_str(done(), "launch 1", "one turn launches no more than there is time for");
	place_want(&places[0], DYNO_STOP);
	ev_run(app.loop, EVRUN_ONCE);
	is_str(done(), "stop 1; launch 2",
		"a stop that is wanted meanwhile does not wait for all starts");
	is_str(all_turns(), "launch 3; launch 4; launch 5", "in the end all are launched");

	all_want(DYNO_RESTART);
	place_want(&places[4], DYNO_STOP);
	ev_run(app.loop, EVRUN_ONCE);
	is_str(done(), "stop 5; stop 2; launch 2", "nor does it wait for all restarts");
	all_turns();
	launch_time = 0;
}

static void a_stop_takes_back_a_start(void)
{
	all_down();
	place_want(&places[0], DYNO_START);
	told = 0;
	place_want(&places[0], DYNO_STOP);
	ok(!place_is_wanted(&places[0]) && place_is_being_stopped(&places[0]),
		"a stop takes back a start");
	is_int(told, 1, "who waits for the start is told to look");
	is_str(all_turns(), "", "and nothing is launched");

	first_stopping();
	place_want(&places[0], DYNO_START);
	place_want(&places[0], DYNO_STOP);
	is_str(all_turns(), "",
		"what is being stopped is not hurried by a start that was taken back");

	all_starting();
	place_want(&places[0], DYNO_START);
	place_want(&places[0], DYNO_STOP);
	is_str(all_turns(), "stop 1", "what was up before the start is stopped");
}

static void a_stop_takes_back_a_restart(void)
{
	all_starting();
	place_want(&places[0], DYNO_RESTART);
	place_want(&places[0], DYNO_STOP);
	ok(!place_is_wanted(&places[0]), "a stop takes back a restart");
	is_str(done(), "", "which is not done first");
	is_str(all_turns(), "stop 1", "but the stop in its place");
}

static void two_launches_are_one(void)
{
	all_down();
	all_want(DYNO_START);
	all_want(DYNO_START);
	is_str(done(), "", "a second start does not do the first one at once");
	is_int((int64_t)formation.slices.wishes, MANY, "and adds nothing");
	place_want(&places[1], DYNO_RESTART);
	is_str(all_turns(), "launch 1; launch 2; launch 3; launch 4; launch 5",
		"a restart of one that is to be started is a start");

	all_starting();
	place_want(&places[0], DYNO_RESTART);
	place_want(&places[0], DYNO_RESTART);
	place_want(&places[0], DYNO_START);
	is_str(all_turns(), "stop 1; launch 1", "two restarts and a start are one restart");

	all_starting();
	place_want(&places[0], DYNO_START);
	place_want(&places[0], DYNO_RESTART);
	is_str(all_turns(), "stop 1; launch 1",
		"a start that would do nothing gives way to a restart");
}

static void what_is_wanted_after_a_stop(void)
{
	all_starting();
	place_want(&places[0], DYNO_STOP);
	ok(place_is_being_stopped(&places[0]) && !place_is_wanted(&places[0]),
		"one that is to be stopped counts as being stopped");
	place_want(&places[0], DYNO_STOP);
	is_str(done(), "stop 1", "a second stop lets the first one happen at once");
	is_str(all_turns(), "hurry 1", "and makes it hurry");

	all_starting();
	place_want(&places[0], DYNO_STOP);
	place_want(&places[0], DYNO_START);
	is_str(done(), "stop 1", "so does a start");
	all_turns();
	ok(places[0].dyno.wanted_up, "which is kept as the wish");
}

/* A request for the first of them, and everything that comes of it. */
static const char *on_request(enum request_kind kind)
{
	struct strlist targets = STRLIST_INIT;

	strlist_add(&targets, "web.1");
	struct request *request = request_new(kind, &formation, &targets);
	request_begin(request);
	request_free(request);
	strlist_release(&targets);
	return all_turns();
}

static void requests_know_of_wishes(void)
{
	all_starting();
	place_want(&places[0], DYNO_STOP);
	is_str(on_request(REQUEST_RESTART), "stop 1",
		"a restart does nothing to what is still to be stopped");
	ok(!places[0].dyno.wanted_up, "which is not to come back");

	all_down();
	place_want(&places[0], DYNO_START);
	is_str(on_request(REQUEST_RESTART), "launch 1",
		"and starts once what is still to be started");

	all_starting();
	place_want(&places[0], DYNO_STOP);
	is_str(on_request(REQUEST_STOP), "stop 1; hurry 1",
		"a second stop makes hurry also what is still to be stopped");
}

static void who_is_to_be_stopped_is_not_cycled(void)
{
	all_starting();
	dyno_restore(&places[0].dyno, DYNO_UP);
	place_want(&places[0], DYNO_STOP);
	cycle_is_due(&places[0]);
	is_str(done(), "", "one that is to be stopped is not cycled");
	is_str(all_turns(), "stop 1", "but stopped");
}

static void a_start_of_what_is_up_is_answered(void)
{
	all_starting();
	place_want(&places[0], DYNO_START);
	told = 0;
	is_str(all_turns(), "", "a start of what is up launches nothing");
	ok(told > 0, "but who waits for it is told to look");
}

static void all_at_once(void)
{
	all_down();
	all_want(DYNO_START);
	place_want(&places[2], DYNO_STOP);
	slices_finish(&formation);
	is_str(done(), "launch 1; launch 2; launch 4; launch 5",
		"what is left can be done at once");
	is_int((int64_t)formation.slices.wishes, 0, "and then nothing is left");
}

int main(void)
{
	app.loop = ev_loop_new(EVFLAG_NOENV);
	formation.changed = heard;
	type = (struct place_type){.formation = &formation, .config = &config, .first = places};
	slices_open(&formation);
	one_turn_is_not_for_all();
	a_stop_takes_back_a_start();
	a_stop_takes_back_a_restart();
	two_launches_are_one();
	what_is_wanted_after_a_stop();
	requests_know_of_wishes();
	who_is_to_be_stopped_is_not_cycled();
	a_start_of_what_is_up_is_answered();
	all_at_once();
	slices_close(&formation);
	ev_loop_destroy(app.loop);
	buf_release(&doings.words);
	return tap_done();
}
