/* record: see the header. */
#include "record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bson/bson.h>

#include "doc.h"
#include "fdio.h"
#include "formation.h"
#include "log.h"
#include "record-observe.h"

enum {
	NAME_SIZE = 128
};

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
	for (size_t i = 0; i < runner->tree.known_count; i++) {
		bson_uint32_to_string((uint32_t)i, &name, key, sizeof key);
		put_id(&list, name, runner->tree.known[i]);
	}
	bson_append_array_end(doc, &list);
}

static const char *role_of(const struct dyno *dyno, const struct instance *instance)
{
	return instance == dyno->current ? "current" : instance == dyno->next ? "next" : "old";
}

static void put_instance(
	bson_t *list, const char *key, const struct dyno *dyno, const struct runner *runner)
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
	BSON_APPEND_INT32(&doc, "sent", (int32_t)instance->sent);
	BSON_APPEND_INT64(&doc, "stop_began", instance->stop_began);
	BSON_APPEND_INT64(&doc, "boot_deadline", instance->deadline[INSTANCE_TIMER_BOOT]);
	BSON_APPEND_INT64(&doc, "rung_deadline", instance->deadline[INSTANCE_TIMER_RUNG]);
	BSON_APPEND_UTF8(&doc, "reason", instance->reason);
	BSON_APPEND_INT64(&doc, "up_mono", instance->up_mono);
	BSON_APPEND_BOOL(&doc, "killed", instance->killed);
	BSON_APPEND_BOOL(&doc, "hurried", instance->hurried);
	BSON_APPEND_BOOL(&doc, "kill_hurried", instance->kill_hurried);
	doc_put_text(&doc, "refused", instance->refused);
	BSON_APPEND_BOOL(&doc, "outlasted", instance->outlasted);
	BSON_APPEND_BOOL(&doc, "lacking", instance->lacking);
	BSON_APPEND_BOOL(&doc, "abandoned", instance->abandoned);
	doc_put_text(&doc, "failure", instance->failure);
	BSON_APPEND_BOOL(&doc, "main_ended", instance->main_ended);
	put_exit(&doc, "exit", &instance->exit);
	put_known(&doc, runner);
	record_put_observed(&doc, runner->observer, runner->kept);
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
	BSON_APPEND_BOOL(doc, "start_asked", dyno->start_asked);
	BSON_APPEND_BOOL(doc, "cycling", dyno->cycling);
	BSON_APPEND_BOOL(doc, "launched", dyno->launched);
	BSON_APPEND_INT64(doc, "since", dyno->since);
	doc_put_text(doc, "why", dyno->why);
	BSON_APPEND_INT64(doc, "launches", (int64_t)dyno->launches);
	BSON_APPEND_INT64(doc, "over", (int64_t)dyno->over);
	BSON_APPEND_INT32(doc, "restarts", (int32_t)dyno->restarts);
	BSON_APPEND_INT32(doc, "crashes", (int32_t)dyno->crashes);
	BSON_APPEND_INT32(doc, "unlaunched", (int32_t)dyno->unlaunched);
	BSON_APPEND_INT64(doc, "failures", (int64_t)dyno->failures);
	BSON_APPEND_INT64(doc, "kills", (int64_t)dyno->kills);
	BSON_APPEND_BOOL(doc, "kill_hurried", dyno->kill_hurried);
	BSON_APPEND_BOOL(doc, "kill_refused", dyno->kill_refused);
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
	told_put(&app->told, place->dyno.name, journal_seq(app->journal),
		place->formation->saving.complete, &doc);
	put_instances(&doc, place);
	char *text = bson_as_relaxed_extended_json(&doc, &len);
	bson_destroy(&doc);
	if (text == NULL)
		return cause_set(cause, "the state of %s is no valid text", place->dyno.name);
	text[len] = '\n'; /* in the place of the NUL */
	file_name(place, name);
	int result = fdio_exchange_at(app->state_dir, name, text, len + 1);
	bson_free(text);
	if (result < 0)
		cause_errno(cause, "cannot write %s/%s", app->config->state_dir, name);
	return result;
}

/* ---- reading ---- */

/* A number of ours is never negative, and a record of another dyno is none of ours. */
static bool is_ours(const bson_t *doc, const char *dyno)
{
	int64_t version = doc_int(doc, "version");

	return version >= 1 && version <= RECORD_VERSION &&
	       strcmp(doc_text(doc, "dyno"), dyno) == 0 && doc_int(doc, "launches") >= 0;
}

/* Kept for whoever wants to know what happened; the next save makes a new one. */
static void set_aside(struct place *place, const char *name)
{
	struct app *app = place->formation->app;
	char aside[NAME_SIZE + 8];

	snprintf(aside, sizeof aside, "%s.bad", name);
	renameat(app->state_dir, name, app->state_dir, aside);
	app_note(app, place->dyno.name, 0,
		"The state file %s/%s is torn or not ours; it was set aside as %s",
		app->config->state_dir, name, aside);
}

bson_t *record_read(struct place *place)
{
	struct app *app = place->formation->app;
	struct buf text = BUF_INIT;
	char name[NAME_SIZE];
	bson_t *doc = NULL;

	file_name(place, name);
	if (fdio_read_at(app->state_dir, name, RECORD_MAX, &text) == 0) {
		doc = bson_new_from_json((const uint8_t *)text.data, (ssize_t)text.len, NULL);
		if (doc == NULL || !is_ours(doc, place->dyno.name)) {
			set_aside(place, name);
			if (doc != NULL)
				bson_destroy(doc);
			doc = NULL;
		}
	} else if (errno != ENOENT) {
		log_warn("cannot read %s/%s: %s", app->config->state_dir, name, strerror(errno));
	}
	buf_release(&text);
	return doc;
}
