/* snapshot: see the header. */
#include "snapshot.h"

#include <signal.h>
#include <string.h>

#include "cycle.h"
#include "doc.h"

static void put_time(bson_t *doc, const char *key, nsec_t wall)
{
	char text[TIME_TEXT];

	bson_append_utf8(doc, key, -1, wall != 0 ? time_format_exact(wall, text) : "", -1);
}

static nsec_t mono_to_wall(nsec_t mono)
{
	return mono == 0 ? 0 : clock_wall() + (mono - clock_mono());
}

static int64_t ms_until(nsec_t mono)
{
	nsec_t left = mono - clock_mono();

	return left > 0 ? left / NSEC_PER_MSEC : 0;
}

static void put_sockets(bson_t *doc, const struct observer *observer)
{
	struct observe_now now;

	if (observer == NULL || !observe_now(observer, &now))
		return;
	BSON_APPEND_UTF8(doc, "phase", now.phase);
	BSON_APPEND_INT32(doc, "listeners", (int32_t)now.listeners);
	BSON_APPEND_INT32(doc, "inbound", (int32_t)now.inbound);
	BSON_APPEND_INT32(doc, "outbound", (int32_t)now.outbound);
}

static const char *last_signal(const struct instance *instance)
{
	if (instance->boot_forced)
		return signal_name(SIGKILL);
	return signal_name(instance->config->stop.rung[instance->rung - 1].signo);
}

static void put_stop(bson_t *parent, struct runner *runner)
{
	const struct instance *instance = &runner->instance;
	nsec_t kill_time = instance_kill_time(instance);
	bson_t doc;

	if (instance->state != INSTANCE_STOPPING || instance->rung == 0)
		return;
	bson_append_document_begin(parent, "stop", -1, &doc);
	BSON_APPEND_UTF8(&doc, "signal", last_signal(instance));
	BSON_APPEND_INT64(
		&doc, "elapsed_ms", (clock_mono() - instance->stop_began) / NSEC_PER_MSEC);
	if (kill_time != 0)
		BSON_APPEND_INT64(&doc, "kill_in_ms", ms_until(kill_time));
	BSON_APPEND_INT32(&doc, "processes", (int32_t)tree_count(&runner->tree));
	put_sockets(&doc, runner->observer);
	bson_append_document_end(parent, &doc);
}

static void put_boot(bson_t *parent, const struct instance *instance)
{
	nsec_t deadline = instance->deadline[INSTANCE_TIMER_BOOT];
	bson_t doc;

	if (instance->state != INSTANCE_STARTING)
		return;
	bson_append_document_begin(parent, "boot", -1, &doc);
	BSON_APPEND_INT64(&doc, "elapsed_ms", (clock_wall() - instance->launched) / NSEC_PER_MSEC);
	if (deadline != 0)
		BSON_APPEND_INT64(&doc, "kill_in_ms", ms_until(deadline));
	bson_append_document_end(parent, &doc);
}

static void put_instance(
	bson_t *list, const char *key, const struct dyno *dyno, struct runner *runner)
{
	const struct instance *instance = &runner->instance;
	bson_t doc;

	bson_append_document_begin(list, key, -1, &doc);
	BSON_APPEND_INT64(&doc, "launch", (int64_t)instance->launch);
	BSON_APPEND_UTF8(&doc, "role",
		instance == dyno->current ? "current"
		: instance == dyno->next  ? "next"
					  : "old");
	BSON_APPEND_UTF8(&doc, "state", instance_state_names[instance->state]);
	BSON_APPEND_INT32(&doc, "pid", instance->main.pid);
	BSON_APPEND_INT32(&doc, "port", instance->port);
	put_time(&doc, "since", instance->since);
	BSON_APPEND_UTF8(&doc, "signal", instance->rung > 0 ? last_signal(instance) : "");
	put_time(&doc, "kill_at", mono_to_wall(instance_kill_time(instance)));
	put_boot(&doc, instance);
	put_stop(&doc, runner);
	bson_append_document_end(list, &doc);
}

static void put_instances(bson_t *doc, const struct place *place)
{
	struct runner *runner;
	char key[16];
	const char *name;
	uint32_t i = 0;
	bson_t list;

	bson_append_array_begin(doc, "instances", -1, &list);
	TAILQ_FOREACH (runner, &place->runners, link) {
		bson_uint32_to_string(i++, &name, key, sizeof key);
		put_instance(&list, name, &place->dyno, runner);
	}
	bson_append_array_end(doc, &list);
	TAILQ_FOREACH (runner, &place->runners, link)
		if (&runner->instance == place->dyno.current)
			put_stop(doc, runner);
}

void snapshot_place(const struct place *place, bool with_memory, bson_t *doc)
{
	const struct dyno *dyno = &place->dyno;
	const struct instance *current = dyno->current;

	BSON_APPEND_UTF8(doc, "name", dyno->name);
	BSON_APPEND_UTF8(doc, "process", dyno->config->name);
	BSON_APPEND_INT32(doc, "number", (int32_t)dyno->number);
	doc_put_text(doc, "command", dyno->config->command);
	BSON_APPEND_UTF8(doc, "state", dyno_state_names[dyno->state]);
	put_time(doc, "since", dyno->since);
	doc_put_text(doc, "why", dyno->why);
	BSON_APPEND_UTF8(doc, "wanted", place_is_wanted(place) ? "up" : "down");
	BSON_APPEND_INT32(doc, "pid", current != NULL ? current->main.pid : 0);
	BSON_APPEND_INT32(doc, "port", current != NULL ? current->port : 0);
	BSON_APPEND_INT64(doc, "launch", (int64_t)dyno->launches);
	BSON_APPEND_INT32(doc, "restarts", (int32_t)dyno->restarts);
	BSON_APPEND_INT32(doc, "crashes", (int32_t)dyno->crashes);
	put_time(doc, "next_try", mono_to_wall(dyno->due[DYNO_TIMER_COOL]));
	put_time(doc, "next_restart", dyno->state == DYNO_UP ? cycle_next(place) : 0);
	BSON_APPEND_INT32(doc, "last_status", dyno->last_exit.known ? dyno->last_exit.status : -1);
	if (with_memory)
		BSON_APPEND_INT64(doc, "memory",
			current != NULL ? (int64_t)proc_memory(current->main.pid) : 0);
	put_instances(doc, place);
}
