/* adopt: see the header. */
#include "adopt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "doc.h"
#include "fdio.h"
#include "journal.h"
#include "log.h"
#include "pieces.h"
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
	found->stop_began = doc_int(doc, "stop_began");
	found->deadline[INSTANCE_TIMER_BOOT] = doc_int(doc, "boot_deadline");
	found->deadline[INSTANCE_TIMER_RUNG] = doc_int(doc, "rung_deadline");
	found->killed = doc_bool(doc, "killed");
	found->main_ended = doc_bool(doc, "main_ended");
	get_exit(doc, "exit", &found->exit);
	snprintf(found->reason, sizeof found->reason, "%s", doc_text(doc, "reason"));
	snprintf(found->failure, sizeof found->failure, "%s", doc_text(doc, "failure"));
}

/* Everything that the journal's newest lines say about a launch. */
struct told {
	const char *dyno;
	uint64_t launch;
	bool launched;
	bool ended;
};

static void hear_line(void *arg, const bson_t *event)
{
	struct told *told = arg;
	const char *dyno = event_get_str(event, "dyno");
	const char *kind = event_get_str(event, "kind");

	if (dyno == NULL || kind == NULL || strcmp(dyno, told->dyno) != 0 ||
		(uint64_t)event_get_int(event, "launch") != told->launch)
		return;
	int number = event_kind_find(kind);
	told->launched |= number == EVENT_LAUNCH;
	told->ended |= number == EVENT_EXIT || number == EVENT_EXIT_UNKNOWN ||
		       number == EVENT_LAUNCH_FAILED;
}

static struct told look_up(struct place *place, uint64_t launch)
{
	struct told told = {.dyno = place->dyno.name, .launch = launch};

	journal_recent(place->formation->app->state_dir, hear_line, &told);
	return told;
}

static struct runner *add_runner(struct place *place, struct instance *found, struct proc_id *known,
	size_t known_count, const struct runner_owner *owner)
{
	struct app *app = place->formation->app;

	found->exit_told = look_up(place, found->launch).ended;
	struct runner *runner = runner_adopt(app, place->dyno.config, place->dyno.number, found,
		known, known_count, owner, place);
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
	struct instance found;
	bson_iter_t iter;
	bson_t list, item;
	size_t known_count;

	if (!doc_child(doc, "instances", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter)) {
		if (!doc_at(&iter, &item))
			continue;
		get_instance(&item, place->dyno.config, &found);
		struct proc_id *known = get_known(&item, &known_count);
		take_role(&place->dyno, add_runner(place, &found, known, known_count, owner),
			doc_text(&item, "role"));
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

/*
 * The newest launch may have been spawned without being recorded. Then the child has left its own
 * record, or it has ended without executing anything. A record that is locked but not complete will
 * be in a moment: its writer is between two system calls.
 */
static bool find_unrecorded(struct place *place, struct instance *found)
{
	struct app *app = place->formation->app;
	char record[RUNNER_FILE_NAME];

	memset(found, 0, sizeof *found);
	snprintf(found->dyno, sizeof found->dyno, "%s", place->dyno.name);
	found->launch = place->dyno.launches;
	runner_file(found, "id", record);
	for (;;) {
		bool locked = fdio_is_locked_at(app->run_dir, record);
		if (spawn_read_record(app->run_dir, record, &found->main))
			return true;
		if (!locked)
			return false;
	}
}

static uint16_t port_of(pid_t pid)
{
	char *value = proc_environ(pid, "PORT");
	long port = value != NULL ? strtol(value, NULL, 10) : 0;

	free(value);
	return port > 0 && port <= UINT16_MAX ? (uint16_t)port : 0;
}

/* Its launch was told, but the child saw that its supervisor was dead, and executed nothing. */
static void tell_never_run(struct place *place)
{
	struct told told = look_up(place, place->dyno.launches);
	struct event event;

	if (!told.launched || told.ended)
		return;
	event_begin(
		&event, EVENT_LAUNCH_FAILED, clock_wall(), place->dyno.name, place->dyno.launches);
	event_str(&event, "command", place->dyno.config->command);
	event_str(&event, "reason", "its supervisor died before it was executed");
	app_publish(place->formation->app, &event);
	event_release(&event);
}

static void adopt_unrecorded(struct place *place, const struct runner_owner *owner)
{
	const struct process_config *config = place->dyno.config;
	struct instance found;

	if (place->dyno.launches == 0 || is_recorded(place, place->dyno.launches))
		return;
	if (!find_unrecorded(place, &found)) {
		tell_never_run(place);
		return;
	}
	found.launched = found.since = clock_wall();
	found.port = port_of(found.main.pid);
	instance_restore(&found, INSTANCE_STARTING);
	if (config->ready != READY_NONE)
		found.deadline[INSTANCE_TIMER_BOOT] = clock_mono() + config->boot_timeout;
	struct told told = look_up(place, found.launch);
	if (told.ended)
		return;
	struct runner *runner = add_runner(place, &found, NULL, 0, owner);
	if (!told.launched)
		runner_tell_launch(runner);
	/* A launch beside a current instance that is up is the one that was to take over. */
	take_role(&place->dyno, runner, place->dyno.current != NULL ? "next" : "current");
}

/* ---- the dyno ---- */

static void take_counters(struct dyno *dyno, const bson_t *doc)
{
	dyno->launches = (uint64_t)doc_int(doc, "launches");
	dyno->failures = (uint64_t)doc_int(doc, "failures");
	dyno->kills = (uint64_t)doc_int(doc, "kills");
	get_exit(doc, "last_exit", &dyno->last_exit);
}

/* What holds only within one boot: when the machine was started anew nothing of it runs. */
static void take_state(struct dyno *dyno, const bson_t *doc)
{
	dyno->wanted_up = doc_bool(doc, "wanted_up");
	dyno->start_asked = doc_bool(doc, "start_asked");
	dyno->launched = doc_bool(doc, "launched");
	dyno->restarts = (unsigned)doc_int(doc, "restarts");
	dyno->crashes = (unsigned)doc_int(doc, "crashes");
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
	if (doc != NULL && strcmp(doc_text(doc, "boot"), clock_boot_id()) == 0) {
		take_state(&place->dyno, doc);
		adopt_recorded(place, doc, owner);
		arm_timers(place);
	}
	adopt_unrecorded(place, owner);
	if (doc != NULL)
		bson_destroy(doc);
}
