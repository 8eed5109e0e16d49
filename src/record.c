/* record: see the header. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bson/bson.h>

#include "fdio.h"
#include "formation.h"
#include "log.h"

enum { NAME_SIZE = 128 };

static void file_name(const struct place *place, char name[static NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "%s.state", place->dyno.name);
}

static void put_exit(bson_t *doc, const char *key, const struct proc_exit *exit)
{
	bson_t child;

	bson_append_document_begin(doc, key, -1, &child);
	BSON_APPEND_BOOL(&child, "known", exit->known);
	BSON_APPEND_INT32(&child, "status", exit->status);
	BSON_APPEND_INT32(&child, "signo", exit->signo);
	bson_append_document_end(doc, &child);
}

static void put_id(bson_t *doc, const char *key, struct proc_id id)
{
	bson_t child;

	bson_append_document_begin(doc, key, -1, &child);
	BSON_APPEND_INT32(&child, "pid", id.pid);
	BSON_APPEND_INT64(&child, "start", (int64_t)id.start_ticks);
	bson_append_document_end(doc, &child);
}

static void put_known(bson_t *doc, const struct runner *runner)
{
	char key[16];
	const char *name;
	bson_t list;

	bson_append_array_begin(doc, "known", -1, &list);
	for (size_t i = 0; i < runner->known_count; i++) {
		bson_uint32_to_string((uint32_t)i, &name, key, sizeof key);
		put_id(&list, name, runner->known[i]);
	}
	bson_append_array_end(doc, &list);
}

static const char *role_of(const struct dyno *dyno, const struct instance *instance)
{
	return instance == dyno->current ? "current" : instance == dyno->next ? "next" : "old";
}

static void put_instance(bson_t *list, const char *key, const struct dyno *dyno, const struct runner *runner)
{
	const struct instance *instance = &runner->instance;
	bson_t doc;

	bson_append_document_begin(list, key, -1, &doc);
	BSON_APPEND_INT64(&doc, "launch", (int64_t)instance->launch);
	BSON_APPEND_UTF8(&doc, "role", role_of(dyno, instance));
	BSON_APPEND_UTF8(&doc, "state", instance_state_names[instance->state]);
	put_id(&doc, "main", instance->main);
	BSON_APPEND_INT32(&doc, "port", instance->port);
	BSON_APPEND_INT64(&doc, "launched", instance->launched);
	BSON_APPEND_INT64(&doc, "since", instance->since);
	BSON_APPEND_INT32(&doc, "ending", (int32_t)instance->ending);
	BSON_APPEND_INT32(&doc, "rung", (int32_t)instance->rung);
	BSON_APPEND_INT64(&doc, "stop_began", instance->stop_began);
	BSON_APPEND_INT64(&doc, "boot_deadline", instance->deadline[INSTANCE_TIMER_BOOT]);
	BSON_APPEND_INT64(&doc, "rung_deadline", instance->deadline[INSTANCE_TIMER_RUNG]);
	BSON_APPEND_BOOL(&doc, "killed", instance->killed);
	BSON_APPEND_BOOL(&doc, "main_ended", instance->main_ended);
	put_exit(&doc, "exit", &instance->exit);
	put_known(&doc, runner);
	bson_append_document_end(list, &doc);
}

static void put_instances(bson_t *doc, const struct place *place)
{
	const struct runner *runner;
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
}

static void put_dyno(bson_t *doc, const struct dyno *dyno)
{
	BSON_APPEND_INT32(doc, "version", RECORD_VERSION);
	BSON_APPEND_UTF8(doc, "dyno", dyno->name);
	BSON_APPEND_UTF8(doc, "boot", clock_boot_id());
	BSON_APPEND_UTF8(doc, "state", dyno_state_names[dyno->state]);
	BSON_APPEND_BOOL(doc, "wanted_up", dyno->wanted_up);
	BSON_APPEND_INT64(doc, "since", dyno->since);
	BSON_APPEND_UTF8(doc, "why", dyno->why);
	BSON_APPEND_INT64(doc, "launches", (int64_t)dyno->launches);
	BSON_APPEND_INT32(doc, "restarts", (int32_t)dyno->restarts);
	BSON_APPEND_INT32(doc, "crashes", (int32_t)dyno->crashes);
	BSON_APPEND_INT64(doc, "failures", (int64_t)dyno->failures);
	BSON_APPEND_INT64(doc, "kills", (int64_t)dyno->kills);
	put_exit(doc, "last_exit", &dyno->last_exit);
	BSON_APPEND_INT64(doc, "cool_due", dyno->due[DYNO_TIMER_COOL]);
	BSON_APPEND_INT64(doc, "stable_due", dyno->due[DYNO_TIMER_STABLE]);
	BSON_APPEND_INT64(doc, "cycle_due", dyno->due[DYNO_TIMER_CYCLE]);
}

int record_save(struct place *place, struct cause *cause)
{
	struct app *app = place->formation->app;
	char name[NAME_SIZE];
	bson_t doc = BSON_INITIALIZER;
	size_t len;

	put_dyno(&doc, &place->dyno);
	put_instances(&doc, place);
	char *text = bson_as_relaxed_extended_json(&doc, &len);
	bson_destroy(&doc);
	if (text == NULL)
		return cause_set(cause, "the state of %s is no valid text", place->dyno.name);
	text[len] = '\n'; /* in the place of the NUL */
	file_name(place, name);
	int result = fdio_replace_at(app->state_dir, name, text, len + 1);
	bson_free(text);
	if (result < 0)
		cause_errno(cause, "cannot write %s/%s", app->config->state_dir, name);
	return result;
}

/* ---- reading ---- */

static int64_t get_int(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && BSON_ITER_HOLDS_INT(&iter)
		? bson_iter_as_int64(&iter)
		: 0;
}

static bool get_bool(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && bson_iter_as_bool(&iter);
}

static const char *get_text(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && BSON_ITER_HOLDS_UTF8(&iter)
		? bson_iter_utf8(&iter, NULL)
		: "";
}

static void get_exit(const bson_t *doc, const char *key, struct proc_exit *exit)
{
	bson_iter_t iter;
	const uint8_t *data;
	uint32_t len;
	bson_t child;

	if (!bson_iter_init_find(&iter, doc, key) || !BSON_ITER_HOLDS_DOCUMENT(&iter))
		return;
	bson_iter_document(&iter, &len, &data);
	if (!bson_init_static(&child, data, len))
		return;
	exit->known = get_bool(&child, "known");
	exit->status = (int)get_int(&child, "status");
	exit->signo = (int)get_int(&child, "signo");
}

static void take_dyno(struct dyno *dyno, const bson_t *doc)
{
	dyno->launches = (uint64_t)get_int(doc, "launches");
	dyno->failures = (uint64_t)get_int(doc, "failures");
	dyno->kills = (uint64_t)get_int(doc, "kills");
	get_exit(doc, "last_exit", &dyno->last_exit);
}

static bool is_ours(const bson_t *doc, const char *dyno)
{
	int64_t version = get_int(doc, "version");

	return version >= 1 && version <= RECORD_VERSION && strcmp(get_text(doc, "dyno"), dyno) == 0 &&
	       get_int(doc, "launches") >= 0;
}

/* Kept for whoever wants to know what happened; the next save makes a new one. */
static void set_aside(struct place *place, const char *name)
{
	struct app *app = place->formation->app;
	char aside[NAME_SIZE + 8];

	snprintf(aside, sizeof aside, "%s.bad", name);
	renameat(app->state_dir, name, app->state_dir, aside);
	app_note(app, place->dyno.name, 0, "The state file %s/%s is torn or not ours; it was set aside as %s",
		app->config->state_dir, name, aside);
}

void record_load(struct place *place)
{
	struct app *app = place->formation->app;
	struct buf text = BUF_INIT;
	char name[NAME_SIZE];
	bson_t doc;
	bson_error_t error;

	file_name(place, name);
	if (fdio_read_at(app->state_dir, name, RECORD_MAX, &text) < 0) {
		if (errno != ENOENT)
			log_warn("cannot read %s/%s: %s", app->config->state_dir, name, strerror(errno));
		buf_release(&text);
		return;
	}
	bool parsed = text.len > 0 && bson_init_from_json(&doc, text.data, (ssize_t)text.len, &error);
	if (parsed && is_ours(&doc, place->dyno.name))
		take_dyno(&place->dyno, &doc);
	else
		set_aside(place, name);
	if (parsed)
		bson_destroy(&doc);
	buf_release(&text);
}
