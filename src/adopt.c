/* adopt: see the header. */
#include "adopt.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "doc.h"
#include "fdio.h"
#include "instancefile.h"
#include "journal.h"
#include "launch.h"
#include "log.h"
#include "pieces.h"
#include "record-observe.h"
#include "record.h"
#include "spawn.h"
#include "xmalloc.h"

static struct proc_id get_id(const bson_t *doc, const char *key)
{
	bson_t child;

	if (!doc_child(doc, key, &child))
		return PROC_NONE;
	return (struct proc_id){.pid = (pid_t)doc_int(&child, "pid"),
		.start_ticks = (uint64_t)doc_int(&child, "start")};
}

static void get_exit(const bson_t *doc, const char *key, struct proc_exit *exit)
{
	bson_t child;

	if (!doc_child(doc, key, &child))
		return;
	exit->known = doc_bool(&child, "known");
	exit->status = (int)doc_int(&child, "status");
	exit->signo = (int)doc_int(&child, "signo");
}

/* The index of a name in a list, or missing. */
static int find_name(const char *const *names, int count, const char *name, int missing)
{
	for (int i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return missing;
}

/* ---- instances ---- */

static struct proc_id *get_known(const bson_t *doc, size_t *count)
{
	struct proc_id *known = NULL;
	bson_iter_t iter;
	bson_t list, item;

	*count = 0;
	if (!doc_child(doc, "known", &list) || !bson_iter_init(&iter, &list))
		return NULL;
	while (bson_iter_next(&iter)) {
		if (!doc_at(&iter, &item))
			continue;
		known = xreallocarray(known, *count + 1, sizeof *known);
		known[(*count)++] = (struct proc_id){.pid = (pid_t)doc_int(&item, "pid"),
			.start_ticks = (uint64_t)doc_int(&item, "start")};
	}
	return known;
}

static void get_instance(
	const bson_t *doc, const struct process_config *config, struct instance *found)
{
	int64_t rung = doc_int(doc, "rung"), ending = doc_int(doc, "ending");

	memset(found, 0, sizeof *found);
	instance_restore(found, (enum instance_state)find_name(instance_state_names,
					INSTANCE_STATES, doc_text(doc, "state"), INSTANCE_UP));
	found->launch = (uint64_t)doc_int(doc, "launch");
	found->main = get_id(doc, "main");
	found->port = (uint16_t)doc_int(doc, "port");
	found->launched = doc_int(doc, "launched");
	found->since = doc_int(doc, "since");
	found->up_mono = doc_int(doc, "up_mono");
	found->ending = ending >= ENDING_NOT && ending <= ENDING_LAUNCH
				? (enum instance_ending)ending
				: ENDING_NOT;
	/* The ladder may have become shorter since. */
	found->rung = rung < 0				   ? 0
		      : rung > (int64_t)config->stop.count ? (unsigned)config->stop.count
							   : (unsigned)rung;
	found->sent = (unsigned)doc_int(doc, "sent");
	found->stop_began = doc_int(doc, "stop_began");
	found->deadline[INSTANCE_TIMER_BOOT] = doc_int(doc, "boot_deadline");
	found->deadline[INSTANCE_TIMER_RUNG] = doc_int(doc, "rung_deadline");
	found->boot_forced = found->ending == ENDING_BOOT;
	found->killed = doc_bool(doc, "killed");
	found->hurried = doc_bool(doc, "hurried");
	found->kill_hurried = doc_bool(doc, "kill_hurried");
	snprintf(found->refused, sizeof found->refused, "%s", doc_text(doc, "refused"));
	found->outlasted = doc_bool(doc, "outlasted");
	found->lacking = doc_bool(doc, "lacking");
	found->abandoned = doc_bool(doc, "abandoned");
	found->main_ended = doc_bool(doc, "main_ended");
	get_exit(doc, "exit", &found->exit);
	snprintf(found->reason, sizeof found->reason, "%s", doc_text(doc, "reason"));
	snprintf(found->failure, sizeof found->failure, "%s", doc_text(doc, "failure"));
}

static struct runner *add_runner(
	struct place *place, struct runner_found *found, const struct runner_owner *owner)
{
	struct runner *runner = runner_adopt(
		place->formation->app, place->dyno.config, place->dyno.number, found, owner, place);

	TAILQ_INSERT_TAIL(&place->runners, runner, link);
	return runner;
}

static void take_role(struct dyno *dyno, struct runner *runner, const char *role)
{
	if (strcmp(role, "current") == 0 && dyno->current == NULL)
		dyno->current = &runner->instance;
	else if (strcmp(role, "next") == 0 && dyno->next == NULL)
		dyno->next = &runner->instance;
	else
		dyno->old++;
}

static void adopt_recorded(struct place *place, const bson_t *doc, const struct runner_owner *owner)
{
	static struct observe_kept observed;
	struct runner_found found = {0};
	bson_iter_t iter;
	bson_t list, item;

	if (!doc_child(doc, "instances", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter)) {
		if (!doc_at(&iter, &item))
			continue;
		get_instance(&item, place->dyno.config, &found.instance);
		found.known = get_known(&item, &found.known_count);
		found.observed = record_get_observed(&item, &observed) ? &observed : NULL;
		take_role(&place->dyno, add_runner(place, &found, owner), doc_text(&item, "role"));
	}
}

static bool is_recorded(const struct place *place, uint64_t launch)
{
	const struct runner *runner;

	TAILQ_FOREACH (runner, &place->runners, link)
		if (runner->instance.launch == launch)
			return true;
	return false;
}

/* How often a record that is locked but not complete is read again: its writer is between two
 * system calls. */
enum {
	RECORD_READS = 1000
};

/*
 * A launch may have been spawned without being recorded. Then the child has left its own record, or
 * it has ended without executing anything. One that nobody holds locked counts only when it is of
 * this boot: then it is of an instance that has ended meanwhile.
 */
static bool find_unrecorded(
	struct place *place, uint64_t launch, bool this_boot, struct instance *found)
{
	struct app *app = place->formation->app;
	char record[INSTANCEFILE_NAME];
	struct spawn_record read;

	memset(found, 0, sizeof *found);
	snprintf(found->dyno, sizeof found->dyno, "%s", place->dyno.name);
	found->launch = launch;
	instancefile_name(record, found->dyno, launch, INSTANCEFILE_RECORD);
	for (int i = 0; i < RECORD_READS; i++) {
		bool locked = fdio_is_locked_at(app->run_dir, record);
		if (!locked && !this_boot)
			return false;
		if (spawn_read_record(app->run_dir, record, &read)) {
			found->main = read.id;
			return true;
		}
		if (!locked)
			return false;
	}
	log_warn("%s/%s is locked but holds no identity", app->config->run_dir, record);
	return false;
}

static uint16_t port_of(pid_t pid)
{
	struct proc_stat stat;
	bool held = !proc_stat_read(pid, &stat) || stat.state == 'D'; /* see proctree.c */
	char *value = held ? NULL : proc_environ(pid, "PORT");
	long port = value != NULL ? strtol(value, NULL, 10) : 0;

	free(value);
	return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* Its launch was told, but the child saw that its supervisor was dead, and executed nothing. */
static void tell_never_run(struct place *place)
{
	const struct told *told = &place->formation->app->told;
	const struct dyno *dyno = &place->dyno;
	struct event event;

	/* What ran before this boot, or is in no record, may have run for long. */
	if (!place->this_boot || !told_has(told, dyno->name, dyno->launches, EVENT_LAUNCH) ||
		told_has(told, dyno->name, dyno->launches, EVENT_EXIT))
		return;
	event_begin(
		&event, EVENT_LAUNCH_FAILED, clock_wall(), place->dyno.name, place->dyno.launches);
	event_str(&event, "command", place->dyno.config->command);
	event_str(&event, "reason", "its supervisor died before it was executed");
	app_publish(place->formation->app, &event);
	event_release(&event);
}

/* Something that runs is wanted, whatever a lost record may have said; and its place can be no
 * rest. */
static void want(struct dyno *dyno)
{
	if (dyno->state != DYNO_DOWN)
		return;
	dyno->wanted_up = true;
	dyno->launched = true;
	dyno_restore(dyno, DYNO_STARTING);
}

static void adopt_found(
	struct place *place, struct runner_found *unrecorded, const struct runner_owner *owner)
{
	const struct process_config *config = place->dyno.config;
	struct instance *found = &unrecorded->instance;

	found->launched = found->since = clock_wall();
	found->port = port_of(found->main.pid);
	instance_restore(found, INSTANCE_STARTING);
	if (config->ready != READY_NONE)
		found->deadline[INSTANCE_TIMER_BOOT] = clock_mono() + config->boot_timeout;
	want(&place->dyno);
	struct runner *runner = add_runner(place, unrecorded, owner);
	runner_tell_launch(runner);
	/* A launch beside a current instance that is up is the one that was to take over. */
	take_role(&place->dyno, runner, place->dyno.current != NULL ? "next" : "current");
}

static void adopt_unrecorded(struct place *place, const struct runner_owner *owner)
{
	struct runner_found found = {0};
	uint64_t newest = place->dyno.launches;

	/* One that is over has left its files if its supervisor died before it removed them. */
	if (newest == place->dyno.over || is_recorded(place, newest))
		return;
	if (find_unrecorded(place, newest, place->this_boot, &found.instance))
		adopt_found(place, &found, owner);
}

/* ---- what is in no record at all ---- */

/* Lives, but belongs to no dyno of the configuration: somebody must be told who it is. */
static void tell_stranger(struct app *app, const char *dyno, uint64_t launch, const char *record)
{
	struct spawn_record read;

	if (spawn_read_record(app->run_dir, record, &read) && proc_is_alive(read.id))
		app_note(app, dyno, launch,
			"Process %d of %s, which is not in the configuration any more, is still "
			"running and is not supervised; end it with `kill %d`",
			(int)read.id.pid, dyno, (int)read.id.pid);
	else
		app_note(app, dyno, launch,
			"A process of %s, which is not in the configuration any more, is still "
			"running and is not supervised; `fuser %s/%s` tells which",
			dyno, app->config->run_dir, record);
}

static void adopt_leftover(
	struct formation *formation, const char *record, const struct runner_owner *owner)
{
	struct app *app = formation->app;
	struct instancefile_parts name;
	struct runner_found found = {0};

	if (!instancefile_parse(record, &name) || name.which != INSTANCEFILE_RECORD)
		return;
	struct place *place = formation_find(formation, name.dyno);
	if (place != NULL && is_recorded(place, name.launch))
		return;
	bool is_over = place != NULL && name.launch <= place->dyno.over;
	/* When nobody holds it, the instance has ended while nobody watched, and all was told of it
	 * that could be. */
	if (is_over || !fdio_is_locked_at(app->run_dir, record)) {
		launch_remove_files(app, name.dyno, name.launch);
	} else if (place == NULL) {
		tell_stranger(app, name.dyno, name.launch, record);
	} else if (find_unrecorded(place, name.launch, false, &found.instance)) {
		if (place->dyno.launches < name.launch)
			place->dyno.launches = name.launch;
		adopt_found(place, &found, owner);
	}
}

/* Without a record the numbers go on behind those that were told, so that no new launch is taken
 * for one of them. */
static void number_after_told(struct place *place)
{
	uint64_t newest = told_newest(&place->formation->app->told, place->dyno.name);

	if (!place->this_boot && place->dyno.launches < newest)
		place->dyno.launches = newest;
}

void adopt_finish(struct formation *formation, const struct runner_owner *owner)
{
	int copy = fcntl(formation->app->run_dir, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	told_read(&formation->app->told, formation->app->state_dir);
	formation->saving.complete = formation->app->told.saved;
	for (size_t i = 0; i < formation->count; i++) {
		number_after_told(&formation->places[i]);
		adopt_unrecorded(&formation->places[i], owner);
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		adopt_leftover(formation, entry->d_name, owner);
	if (dir != NULL)
		closedir(dir);
	for (size_t i = 0; i < formation->count; i++)
		if (!is_recorded(&formation->places[i], formation->places[i].dyno.launches))
			tell_never_run(&formation->places[i]);
}

/* ---- the dyno ---- */

static void take_counters(struct dyno *dyno, const bson_t *doc)
{
	dyno->launches = (uint64_t)doc_int(doc, "launches");
	dyno->over = (uint64_t)doc_int(doc, "over");
	dyno->failures = (uint64_t)doc_int(doc, "failures");
	dyno->kills = (uint64_t)doc_int(doc, "kills");
	dyno->kill_hurried = doc_bool(doc, "kill_hurried");
	dyno->kill_refused = doc_bool(doc, "kill_refused");
	get_exit(doc, "last_exit", &dyno->last_exit);
}

/* What holds only within one boot: when the machine was started anew nothing of it runs. */
static void take_state(struct dyno *dyno, const bson_t *doc)
{
	dyno->wanted_up = doc_bool(doc, "wanted_up");
	dyno->start_asked = doc_bool(doc, "start_asked");
	dyno->cycling = doc_bool(doc, "cycling");
	dyno->launched = doc_bool(doc, "launched");
	dyno->restarts = (unsigned)doc_int(doc, "restarts");
	dyno->crashes = (unsigned)doc_int(doc, "crashes");
	dyno->unlaunched = (unsigned)doc_int(doc, "unlaunched");
	snprintf(dyno->why, sizeof dyno->why, "%s", doc_text(doc, "why"));
	dyno->due[DYNO_TIMER_COOL] = doc_int(doc, "cool_due");
	dyno->due[DYNO_TIMER_STABLE] = doc_int(doc, "stable_due");
	dyno->due[DYNO_TIMER_CYCLE] = doc_int(doc, "cycle_due");
	dyno_restore(dyno, (enum dyno_state)find_name(dyno_state_names, DYNO_STATES,
				   doc_text(doc, "state"), DYNO_DOWN));
	dyno->since = doc_int(doc, "since");
}

static void arm_timers(struct place *place)
{
	for (int i = 0; i < DYNO_TIMERS; i++)
		if (place->dyno.due[i] != 0)
			timer_set(
				place->formation->app->loop, &place->timers[i], place->dyno.due[i]);
}

/* Without a record the numbers go on behind the logs that are there, so that no log is written
 * over. */
static void number_after_logs(struct place *place)
{
	struct pieces pieces = PIECES_INIT;

	pieces_list(place->formation->app->log_dir, place->dyno.name, &pieces);
	if (pieces.count > 0 && place->dyno.launches < pieces.items[pieces.count - 1].launch)
		place->dyno.launches = pieces.items[pieces.count - 1].launch;
	pieces_release(&pieces);
}

void adopt_place(struct place *place, const struct runner_owner *owner)
{
	bson_t *doc = record_read(place);

	if (doc != NULL)
		take_counters(&place->dyno, doc);
	number_after_logs(place);
	told_expect(&place->formation->app->told, place->dyno.name, doc);
	place->this_boot = doc != NULL && strcmp(doc_text(doc, "boot"), clock_boot_id()) == 0;
	if (place->this_boot) {
		take_state(&place->dyno, doc);
		adopt_recorded(place, doc, owner);
		arm_timers(place);
	}
	if (doc != NULL)
		bson_destroy(doc);
}

/* ---- what was begun ---- */

static bool is_resting(const struct dyno *dyno)
{
	return dyno_instances(dyno) == 0 &&
	       (dyno->state == DYNO_DOWN || dyno->state == DYNO_COOLING ||
		       dyno->state == DYNO_CRASHED);
}

/* A cycle is not among them: it is due still, and comes again by itself. */
void adopt_go_on(struct place *place)
{
	const struct told *told = &place->formation->app->told;
	struct dyno *dyno = &place->dyno;
	const char *state = told_state(told, dyno->name);

	if (!place->this_boot)
		return;
	if (state != NULL && strcmp(state, "down") == 0 && dyno->wanted_up)
		dyno_handle(dyno, DYNO_STOP);
	else if (dyno->wanted_up && dyno->state != DYNO_STOPPING &&
		 told_has(told, dyno->name, dyno->launches, EVENT_RESTART))
		dyno_handle(dyno, DYNO_RESTART);
	else if (state != NULL && strcmp(state, "starting") == 0 && is_resting(dyno))
		dyno_handle(dyno, dyno->state == DYNO_COOLING ? DYNO_COOLED : DYNO_START);
}
