/* told: see the header. */
#include "told.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "journal.h"
#include "xmalloc.h"

/* For the longest name of a state, and more. */
enum {
	STATE_NAME = 32
};

struct told_dyno {
	char *name;
	bool has_record;
	uint64_t seq;
	uint64_t *told;
	size_t told_count;
};

struct told_event {
	uint64_t seq, launch;
	enum event_kind kind;
	const char *dyno; /* in doc */
	bson_t *doc;
};

/*
 * What a successor comes to once more, and by which fields one is told from another of the same
 * kind and launch. Kinds of one class are the same to it: only one of them is ever told.
 */
enum told_class {
	NOT_REPEATED,
	ITSELF, /* a class of its own */
	STOP,
	END
};

static const struct {
	enum told_class class;
	const char *field;
} kinds[EVENT_KINDS] = {
	[EVENT_LAUNCH] = {ITSELF, NULL},
	[EVENT_LAUNCH_FAILED] = {END, NULL},
	[EVENT_STATE] = {ITSELF, NULL},
	[EVENT_RESTART] = {ITSELF, NULL},
	[EVENT_CYCLE] = {ITSELF, NULL},
	[EVENT_BOOT_TIMEOUT] = {ITSELF, NULL},
	[EVENT_BOOT_KILL] = {ITSELF, NULL},
	[EVENT_STOP] = {STOP, NULL},
	[EVENT_STOP_MAIN] = {STOP, NULL},
	[EVENT_STOP_NEXT] = {ITSELF, "signal"},
	[EVENT_STOP_TIMEOUT] = {ITSELF, NULL},
	[EVENT_STOP_KILL] = {ITSELF, NULL},
	[EVENT_LEFT] = {ITSELF, NULL},
	[EVENT_OPEN] = {ITSELF, NULL},
	[EVENT_NOT_ACCEPTING] = {ITSELF, NULL},
	[EVENT_DRAINED] = {ITSELF, NULL},
	[EVENT_RELEASED] = {ITSELF, NULL},
	[EVENT_UNANSWERED] = {ITSELF, NULL},
	[EVENT_RESET] = {ITSELF, NULL},
	[EVENT_PROCESS_EXIT] = {ITSELF, "pid"},
	[EVENT_STOPPED] = {ITSELF, NULL},
	[EVENT_MAIN_EXIT] = {ITSELF, NULL},
	[EVENT_EXIT] = {END, NULL},
	[EVENT_EXIT_UNKNOWN] = {END, NULL},
	[EVENT_COOLING] = {ITSELF, NULL},
	[EVENT_NOTE] = {ITSELF, "text"},
};

static bool is_same_kind(enum event_kind one, enum event_kind other)
{
	return one == other ||
	       (kinds[one].class > ITSELF && kinds[one].class == kinds[other].class);
}

static bool is_of(const struct told_event *event, const char *dyno)
{
	return strcmp(event->dyno, dyno) == 0;
}

static bool same_text(const bson_t *one, const bson_t *other, const char *key)
{
	const char *a = event_get_str(one, key), *b = event_get_str(other, key);

	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_field(const bson_t *one, const bson_t *other, const char *key)
{
	return key == NULL ||
	       (same_text(one, other, key) && event_get_int(one, key) == event_get_int(other, key));
}

static void drop(struct told *told, size_t at)
{
	bson_destroy(told->events[at].doc);
	told->count--;
	memmove(&told->events[at], &told->events[at + 1],
		(told->count - at) * sizeof *told->events);
}

static struct told_event *last_state(const struct told *told, const char *dyno)
{
	for (size_t i = told->count; i-- > 0;)
		if (told->events[i].kind == EVENT_STATE && is_of(&told->events[i], dyno))
			return &told->events[i];
	return NULL;
}

/* ---- reading ---- */

static void take_numbers(struct told_dyno *dyno, const bson_t *record)
{
	bson_iter_t iter;
	bson_t list;

	if (!doc_child(record, "told", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter)) {
		dyno->told = xreallocarray(dyno->told, dyno->told_count + 1, sizeof *dyno->told);
		dyno->told[dyno->told_count++] = (uint64_t)bson_iter_as_int64(&iter);
	}
}

/* A record of an earlier version has no numbers; it was complete when that one made way. */
void told_expect(struct told *told, const char *name, const bson_t *record)
{
	bson_iter_t iter;

	told->dynos = xreallocarray(told->dynos, told->dyno_count + 1, sizeof *told->dynos);
	struct told_dyno *dyno = &told->dynos[told->dyno_count++];
	*dyno = (struct told_dyno){
		.name = xstrdup(name), .has_record = record != NULL, .seq = UINT64_MAX};
	if (record == NULL || !bson_iter_init_find(&iter, record, "seq"))
		return;
	dyno->seq = (uint64_t)bson_iter_as_int64(&iter);
	take_numbers(dyno, record);
	uint64_t saved = (uint64_t)doc_int(record, "saved");
	if (!told->is_saved_known || told->saved < saved)
		told->saved = saved;
	told->is_saved_known = true;
}

static const struct told_dyno *find_dyno(const struct told *told, const char *name)
{
	for (size_t i = 0; i < told->dyno_count; i++)
		if (strcmp(told->dynos[i].name, name) == 0)
			return &told->dynos[i];
	return NULL;
}

static bool counts(const struct told_dyno *dyno, uint64_t seq, enum event_kind kind)
{
	if (!dyno->has_record)
		return kind == EVENT_LAUNCH || kind == EVENT_STATE || kinds[kind].class == END;
	for (size_t i = 0; i < dyno->told_count; i++)
		if (dyno->told[i] == seq)
			return true;
	return seq > dyno->seq;
}

static void hear(void *arg, const bson_t *doc)
{
	struct told *told = arg;
	const char *name = event_get_str(doc, "dyno"), *kind_name = event_get_str(doc, "kind");
	int kind = kind_name != NULL ? event_kind_find(kind_name) : -1;
	uint64_t seq = (uint64_t)event_get_int(doc, "seq");
	const struct told_dyno *dyno = name != NULL ? find_dyno(told, name) : NULL;

	if (dyno == NULL || kind < 0 || kinds[kind].class == NOT_REPEATED ||
		!counts(dyno, seq, (enum event_kind)kind))
		return;
	/* Without a record nobody knows since when; only the newest state says something then. */
	if (kind == EVENT_STATE && !dyno->has_record && last_state(told, name) != NULL)
		drop(told, (size_t)(last_state(told, name) - told->events));
	told->events = xreallocarray(told->events, told->count + 1, sizeof *told->events);
	bson_t *copy = bson_copy(doc);
	told->events[told->count++] = (struct told_event){.seq = seq,
		.launch = (uint64_t)event_get_int(copy, "launch"),
		.kind = (enum event_kind)kind,
		.dyno = event_get_str(copy, "dyno"),
		.doc = copy};
}

static void release_dynos(struct told *told)
{
	for (size_t i = 0; i < told->dyno_count; i++) {
		free(told->dynos[i].name);
		free(told->dynos[i].told);
	}
	free(told->dynos);
	told->dynos = NULL;
	told->dyno_count = 0;
}

void told_read(struct told *told, int state_dir)
{
	uint64_t since = told->is_saved_known ? told->saved : UINT64_MAX;

	for (size_t i = 0; i < told->dyno_count; i++)
		for (size_t j = 0; j < told->dynos[i].told_count; j++)
			if (since >= told->dynos[i].told[j])
				since = told->dynos[i].told[j] - 1;
	journal_recent(state_dir, since, hear, told);
	release_dynos(told);
}

/* ---- asking ---- */

bool told_has(const struct told *told, const char *dyno, uint64_t launch, enum event_kind kind)
{
	for (size_t i = 0; i < told->count; i++) {
		const struct told_event *event = &told->events[i];
		if (event->launch == launch && is_same_kind(event->kind, kind) &&
			is_of(event, dyno))
			return true;
	}
	return false;
}

uint64_t told_newest(const struct told *told, const char *dyno)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < told->count; i++)
		if (told->events[i].launch > newest && is_of(&told->events[i], dyno))
			newest = told->events[i].launch;
	return newest;
}

const char *told_state(const struct told *told, const char *dyno)
{
	const struct told_event *event = last_state(told, dyno);

	return event != NULL ? event_get_str(event->doc, "to") : NULL;
}

static void set_from(struct event *event, const char *from)
{
	struct event copy = {.doc = BSON_INITIALIZER};
	bson_iter_t iter;

	bson_iter_init(&iter, &event->doc);
	while (bson_iter_next(&iter))
		if (strcmp(bson_iter_key(&iter), "from") == 0)
			event_str(&copy, "from", from);
		else
			bson_append_iter(&copy.doc, NULL, -1, &iter);
	bson_destroy(&event->doc);
	bson_steal(&event->doc, &copy.doc);
}

/* The changes of a dyno are a chain: each goes on from the one before. */
static bool state_before(struct told *told, const char *dyno, struct event *event)
{
	const struct told_event *last = last_state(told, dyno);
	size_t first = 0;

	if (last == NULL)
		return false;
	while (told->events[first].kind != EVENT_STATE || !is_of(&told->events[first], dyno))
		first++;
	if (same_text(told->events[first].doc, &event->doc, "from") &&
		same_text(told->events[first].doc, &event->doc, "to")) {
		drop(told, first);
		return true;
	}
	bool same = same_text(last->doc, &event->doc, "to");
	char from[STATE_NAME];
	snprintf(from, sizeof from, "%s", event_get_str(last->doc, "to"));
	for (size_t i = told->count; i-- > first;)
		if (told->events[i].kind == EVENT_STATE && is_of(&told->events[i], dyno))
			drop(told, i);
	set_from(event, from); /* the name of the dyno stood in what this replaces */
	return same;
}

bool told_before(struct told *told, struct event *event)
{
	if (told->count == 0)
		return false;
	const char *dyno = event_get_str(&event->doc, "dyno");
	int kind = event_kind_find(event_get_str(&event->doc, "kind"));
	uint64_t launch = (uint64_t)event_get_int(&event->doc, "launch");
	if (dyno == NULL || kind < 0)
		return false;
	if (kind == EVENT_STATE)
		return state_before(told, dyno, event);
	for (size_t i = 0; i < told->count; i++) {
		const struct told_event *other = &told->events[i];
		if (other->launch == launch && is_same_kind(other->kind, (enum event_kind)kind) &&
			is_of(other, dyno) &&
			same_field(other->doc, &event->doc, kinds[kind].field)) {
			drop(told, i);
			return true;
		}
	}
	return false;
}

void told_forget(struct told *told, const char *dyno, uint64_t launch)
{
	for (size_t i = told->count; i-- > 0;)
		if (told->events[i].kind != EVENT_STATE && is_of(&told->events[i], dyno) &&
			told->events[i].launch <= launch)
			drop(told, i);
}

/* ---- the record ---- */

void told_put(
	const struct told *told, const char *dyno, uint64_t seq, uint64_t saved, bson_t *record)
{
	char key[16];
	const char *name;
	uint32_t count = 0;
	bson_t list;

	BSON_APPEND_INT64(record, "seq", (int64_t)seq);
	BSON_APPEND_INT64(record, "saved", (int64_t)saved);
	bson_append_array_begin(record, "told", -1, &list);
	for (size_t i = 0; i < told->count; i++) {
		if (!is_of(&told->events[i], dyno))
			continue;
		bson_uint32_to_string(count++, &name, key, sizeof key);
		bson_append_int64(&list, name, -1, (int64_t)told->events[i].seq);
	}
	bson_append_array_end(record, &list);
}

void told_release(struct told *told)
{
	release_dynos(told);
	while (told->count > 0)
		drop(told, told->count - 1);
	free(told->events);
	told->events = NULL;
}
