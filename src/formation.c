/* formation: see the header. */
#include "formation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adopt.h"
#include "cycle.h"
#include "port.h"
#include "xmalloc.h"

/* ---- what is wanted of a dyno ---- */

void place_notify(struct place *place)
{
	struct formation *formation = place->formation;

	if (formation->changed != NULL)
		formation->changed(formation->changed_arg, place);
}

bool place_is_wanted(const struct place *place)
{
	return place->is_due ? place->due != DYNO_STOP : place->dyno.wanted_up;
}

bool place_is_being_stopped(const struct place *place)
{
	enum dyno_state state = place->dyno.state;

	if (place->is_due)
		return place->due == DYNO_STOP;
	return !place->dyno.wanted_up && (state == DYNO_STOPPING || state == DYNO_DOWN);
}

/* True when what is to be done launches it as the wish would. */
static bool is_included(const struct place *place, enum dyno_event wish)
{
	return place->due == wish || wish == DYNO_START || !place->dyno.wanted_up;
}

/* A launch that is still to come is forgotten where the wish says otherwise. */
static void change_launch(struct place *place, enum dyno_event wish)
{
	if (wish != DYNO_STOP && is_included(place, wish))
		return;
	slices_remove(place);
	place_notify(place);
	/* One that was being stopped all the time is not hurried. */
	if (wish != DYNO_STOP || !place_is_being_stopped(place))
		slices_add(place, wish);
}

void place_want(struct place *place, enum dyno_event wish)
{
	if (place->is_due && place->due != DYNO_STOP) {
		change_launch(place, wish);
		return;
	}
	if (place->is_due)
		slices_fulfil(place);
	slices_add(place, wish);
}

/* Nothing is launched by itself of which the stop was asked for before. */
static void stop_if_due(struct place *place)
{
	if (place->is_due && place->due == DYNO_STOP)
		slices_fulfil(place);
}

/* ---- what a dyno orders ---- */

static void runner_changed(void *owner, struct runner *runner)
{
	struct place *place = owner;

	if (runner->instance.state == INSTANCE_GONE) {
		TAILQ_REMOVE(&place->runners, runner, link);
		TAILQ_INSERT_TAIL(&place->formation->gone, runner, link);
		place->formation->ended = place;
		place->formation->ended_launch = runner->instance.launch;
		stop_if_due(place);
	}
	place->unsaved = true;
	dyno_instance_changed(&place->dyno, &runner->instance);
}

static void runner_touched(void *owner)
{
	((struct place *)owner)->unsaved = true;
}

static void runner_save(void *owner)
{
	saving_write(owner);
}

static const struct runner_owner runner_owner = {
	.changed = runner_changed, .touched = runner_touched, .save = runner_save};

/* The intent is on disk before there is a process. */
static struct instance *op_launch(struct dyno *dyno)
{
	struct place *place = dyno->owner;

	saving_write(place);
	place->cycle_waiting = false; /* it is as new as it can be */
	struct runner *runner = runner_launch(place->formation->app, dyno->config, dyno->number,
		dyno->launches, &runner_owner, place);
	TAILQ_INSERT_TAIL(&place->runners, runner, link);
	return &runner->instance;
}

static void op_stop(struct dyno *dyno, struct instance *instance)
{
	(void)dyno;
	instance_handle(instance, INSTANCE_STOP);
}

static void op_stop_old(struct dyno *dyno)
{
	struct place *place = dyno->owner;
	struct runner *runner;

	TAILQ_FOREACH (runner, &place->runners, link)
		if (&runner->instance != dyno->current && &runner->instance != dyno->next)
			instance_handle(&runner->instance, INSTANCE_STOP);
}

static void op_timer(struct dyno *dyno, enum dyno_timer timer, nsec_t due)
{
	struct place *place = dyno->owner;

	if (due != 0)
		timer_set(place->formation->app->loop, &place->timers[timer], due);
	else
		timer_stop(place->formation->app->loop, &place->timers[timer]);
}

static void op_publish(struct dyno *dyno, struct event *event)
{
	struct place *place = dyno->owner;

	app_publish(place->formation->app, event);
}

static void op_changed(struct dyno *dyno)
{
	struct place *place = dyno->owner;

	place->unsaved = true;
	place_notify(place);
	cycle_changed(place);
}

static uint64_t op_random(struct dyno *dyno)
{
	(void)dyno;
	return random_u64();
}

static const struct dyno_ops place_ops = {
	.launch = op_launch,
	.stop = op_stop,
	.stop_old = op_stop_old,
	.timer = op_timer,
	.publish = op_publish,
	.changed = op_changed,
	.random = op_random,
};

static void cool_fired(void *owner)
{
	struct place *place = owner;
	struct dyno *dyno = &place->dyno;

	dyno->due[DYNO_TIMER_COOL] = 0;
	stop_if_due(place);
	dyno_handle(dyno, DYNO_COOLED);
}

static void cycle_fired(void *owner)
{
	cycle_is_due(owner);
}

static void stable_fired(void *owner)
{
	struct dyno *dyno = &((struct place *)owner)->dyno;

	dyno->due[DYNO_TIMER_STABLE] = 0;
	dyno_handle(dyno, DYNO_STABLE);
}

/* ---- reaping ---- */

struct runner *formation_find_main(const struct formation *formation, pid_t pid)
{
	struct runner *runner;

	for (size_t i = 0; i < formation->count; i++)
		TAILQ_FOREACH (runner, &formation->places[i].runners, link)
			if (runner->tree.main.pid == pid && runner->tree.main_is_child)
				return runner;
	return NULL;
}

void formation_guard_reaped(struct formation *formation, struct proc_id id, struct proc_exit exit)
{
	struct runner *runner;

	for (size_t i = 0; i < formation->count; i++)
		TAILQ_FOREACH (runner, &formation->places[i].runners, link)
			if (proc_same(runner->instance.main, id)) {
				runner_main_exited(runner, exit);
				return;
			}
}

unsigned formation_held(const struct formation *formation, int *out, unsigned max)
{
	const struct runner *runner;
	unsigned count = 0;

	for (size_t i = 0; i < formation->count; i++)
		TAILQ_FOREACH (runner, &formation->places[i].runners, link) {
			if (runner->mover.fifo >= 0 && count < max)
				out[count++] = runner->mover.fifo;
			if (runner->probe.held != 0 && count < max)
				out[count++] = runner->probe.fd;
		}
	return count;
}

static void claim(void *arg, struct proctree *tree)
{
	struct formation *formation = arg;
	struct runner *runner;

	for (size_t i = 0; i < formation->count; i++)
		TAILQ_FOREACH (runner, &formation->places[i].runners, link)
			proctree_claim(tree, runner->instance.main);
}

void formation_bury(struct formation *formation)
{
	struct runner *runner;

	while ((runner = TAILQ_FIRST(&formation->gone)) != NULL) {
		TAILQ_REMOVE(&formation->gone, runner, link);
		runner_free(runner);
	}
}

/* Frees what is gone and saves what has changed, once a turn. */
static void end_of_turn_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct formation *formation = watcher->data;
	const struct place *ended = formation->ended;

	(void)loop;
	(void)revents;
	if (ended != NULL)
		strays_tell(
			&formation->strays, formation, ended->dyno.name, formation->ended_launch);
	formation->ended = NULL;
	formation_bury(formation);
	saving_end_turn(formation);
}

/* ---- life ---- */

static void open_place(struct place *place, struct formation *formation,
	const struct process_config *config, unsigned number)
{
	place->formation = formation;
	TAILQ_INIT(&place->runners);
	timer_init(&place->timers[DYNO_TIMER_COOL], cool_fired, place);
	timer_init(&place->timers[DYNO_TIMER_STABLE], stable_fired, place);
	timer_init(&place->timers[DYNO_TIMER_CYCLE], cycle_fired, place);
	dyno_init(&place->dyno, &place_ops, place, config, number);
	adopt_place(place, &runner_owner);
}

static void open_type(struct place_type *type, struct formation *formation,
	const struct process_config *config, struct place *first)
{
	*type = (struct place_type){.formation = formation, .config = config, .first = first};
	for (unsigned n = 1; n <= config->scale; n++)
		open_place(&first[n - 1], formation, config, n);
	cycle_open(type);
}

void formation_open(struct formation *formation, struct app *app)
{
	const struct config *config = app->config;
	size_t at = 0;

	*formation = (struct formation){.app = app, .type_count = config->process_count};
	TAILQ_INIT(&formation->gone);
	saving_open(formation);
	slices_open(formation);
	for (size_t i = 0; i < config->process_count; i++)
		formation->count += config->process[i].scale;
	formation->places = xcalloc(formation->count, sizeof *formation->places);
	formation->types = xcalloc(formation->type_count, sizeof *formation->types);
	app->claim = claim;
	app->claim_arg = formation;
	for (size_t i = 0; i < config->process_count; at += config->process[i].scale, i++)
		open_type(&formation->types[i], formation, &config->process[i],
			&formation->places[at]);
	adopt_finish(formation, &runner_owner);
	for (size_t i = 0; i < formation->type_count; i++)
		cycle_resume(&formation->types[i]);
	for (size_t i = 0; i < formation->count; i++) {
		dyno_resume(&formation->places[i].dyno);
		adopt_go_on(&formation->places[i]);
	}
	for (size_t i = 0; i < formation->type_count; i++)
		cycle_begin(&formation->types[i]);
	ev_prepare_init(&formation->end_of_turn, end_of_turn_cb);
	formation->end_of_turn.data = formation;
	ev_prepare_start(app->loop, &formation->end_of_turn);
	ev_unref(app->loop);
}

static void close_place(struct place *place)
{
	struct runner *runner;

	for (size_t i = 0; i < DYNO_TIMERS; i++)
		timer_stop(place->formation->app->loop, &place->timers[i]);
	while ((runner = TAILQ_FIRST(&place->runners)) != NULL) {
		TAILQ_REMOVE(&place->runners, runner, link);
		runner_release(runner);
	}
}

void formation_close(struct formation *formation)
{
	struct ev_loop *loop = formation->app->loop;

	end_of_turn_cb(loop, &formation->end_of_turn, 0);
	saving_close(formation);
	slices_close(formation);
	ev_ref(loop);
	ev_prepare_stop(loop, &formation->end_of_turn);
	for (size_t i = 0; i < formation->count; i++)
		close_place(&formation->places[i]);
	for (size_t i = 0; i < formation->type_count; i++)
		cycle_close(&formation->types[i]);
	formation->app->claim = NULL;
	strays_release(&formation->strays);
	free(formation->places);
	free(formation->types);
}

struct place *formation_find(struct formation *formation, const char *name)
{
	for (size_t i = 0; i < formation->count; i++)
		if (strcmp(formation->places[i].dyno.name, name) == 0)
			return &formation->places[i];
	return NULL;
}

bool place_matches(const struct place *place, const char *target)
{
	return strcmp(target, place->dyno.name) == 0 ||
	       strcmp(target, place->dyno.config->name) == 0;
}

bool formation_knows(const struct formation *formation, const char *target)
{
	for (size_t i = 0; i < formation->count; i++)
		if (place_matches(&formation->places[i], target))
			return true;
	for (size_t i = 0; i < formation->type_count; i++)
		if (strcmp(formation->types[i].config->name, target) == 0)
			return true;
	return false;
}

size_t formation_instances(const struct formation *formation)
{
	size_t count = 0;

	for (size_t i = 0; i < formation->count; i++)
		count += dyno_instances(&formation->places[i].dyno);
	return count;
}
