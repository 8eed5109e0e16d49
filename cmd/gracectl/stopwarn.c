/* stopwarn: see the header. */
#include "stopwarn.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "stoplog.h"
#include "stopstats.h"
#include "strlist.h"

struct look {
	struct strlist types; /* those that are shown */
	struct stopstats stats;
};

static bool is_full(const struct look *look, const char *type)
{
	return stopstats_is_full(&look->stats, type, strlen(type));
}

/* True for the types that are shown, until there is enough of them. */
static bool wants(void *arg, const char *dyno, size_t len)
{
	const struct look *look = arg;

	for (size_t i = 0; i < look->types.count; i++) {
		const char *type = look->types.items[i];
		size_t type_len = strlen(type);
		if (type_len < len && dyno[type_len] == '.' && memcmp(type, dyno, type_len) == 0)
			return !is_full(look, type);
	}
	return false;
}

static bool count_stop(void *arg, const bson_t *stop)
{
	struct look *look = arg;

	if (stopstats_counts(stop))
		stopstats_add(&look->stats, stop);
	for (size_t i = 0; i < look->types.count; i++)
		if (!is_full(look, look->types.items[i]))
			return true;
	return false;
}

static void look_back(struct look *look, const char *state_dir, bson_t *const *dynos, size_t count)
{
	/* Without the verdict, for it stands behind the long lists. */
	static const char *const fields[] = {
		"time", "kind", "dyno", "reason", "ladder", "ms", "allowed_ms", NULL};
	const struct stoplog_sink sink = {
		.wants = wants, .stop = count_stop, .arg = look, .seen = true, .fields = fields};
	struct cause cause;

	*look = (struct look){.stats.last = STOPSTATS_LAST};
	for (size_t i = 0; i < count; i++)
		if (!strlist_has(&look->types, doc_text(dynos[i], "process")))
			strlist_add(&look->types, doc_text(dynos[i], "process"));
	if (count > 0)
		stoplog_walk(state_dir, STOPWARN_BYTES, &sink, &cause);
	stopstats_finish(&look->stats);
}

/* A type of which there is something to tell, or NULL. */
static const struct stopstats_type *find_slow(const struct look *look, const char *name)
{
	const struct stopstats_type *type = stopstats_find(&look->stats, name, strlen(name));

	return type != NULL && stopstats_is_slow(type) ? type : NULL;
}

static void release(struct look *look)
{
	strlist_release(&look->types);
	stopstats_release(&look->stats);
}

/* The sentence, with what to do about it. */
static const char *sentence(const struct stopstats_type *type, struct buf *text)
{
	char warning[STOPSTATS_TEXT];

	buf_reset(text);
	buf_addf(text, "%s; see `gracectl stops -p %s --summary`", stopstats_warning(type, warning),
		type->name);
	return text->data;
}

void stopwarn_print(const char *state_dir, bson_t *const *dynos, size_t count)
{
	struct buf text = BUF_INIT;
	struct look look;

	look_back(&look, state_dir, dynos, count);
	fflush(stdout);
	for (size_t i = 0; i < look.types.count; i++) {
		const struct stopstats_type *type = find_slow(&look, look.types.items[i]);
		if (type != NULL)
			cli_error("warning: %s", sentence(type, &text));
	}
	buf_release(&text);
	release(&look);
}

void stopwarn_add(const char *state_dir, bson_t *const *dynos, size_t count)
{
	struct buf text = BUF_INIT;
	struct look look;

	look_back(&look, state_dir, dynos, count);
	for (size_t i = 0; i < count; i++) {
		const struct stopstats_type *type = find_slow(&look, doc_text(dynos[i], "process"));
		if (type != NULL)
			BSON_APPEND_UTF8(dynos[i], "stop_warning", sentence(type, &text));
	}
	buf_release(&text);
	release(&look);
}
