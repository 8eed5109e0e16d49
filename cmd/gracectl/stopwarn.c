/* stopwarn: see the header. */
#include "stopwarn.h"

#include <stdio.h>
#include <string.h>

#include "stoplog.h"
#include "stopstats.h"

struct look {
	bson_t *const *dynos;
	size_t count;
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

	for (size_t i = 0; i < look->count; i++) {
		const char *type = doc_text(look->dynos[i], "process");
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
	for (size_t i = 0; i < look->count; i++)
		if (!is_full(look, doc_text(look->dynos[i], "process")))
			return true;
	return false;
}

static void look_back(struct look *look, const char *state_dir)
{
	/* Without the verdict, for it stands behind the long lists. */
	static const char *const fields[] = {
		"time", "kind", "dyno", "reason", "ladder", "ms", "allowed_ms", NULL};
	const struct stoplog_sink sink = {
		.wants = wants, .stop = count_stop, .arg = look, .fields = fields};
	struct cause cause;

	look->stats.last = STOPSTATS_LAST;
	if (look->count > 0)
		stoplog_walk(state_dir, STOPWARN_BYTES, &sink, &cause);
	stopstats_finish(&look->stats);
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
	struct look look = {.dynos = dynos, .count = count};
	struct buf text = BUF_INIT;

	look_back(&look, state_dir);
	fflush(stdout);
	for (size_t i = 0; i < look.stats.count; i++)
		if (stopstats_is_slow(&look.stats.types[i]))
			fprintf(stderr, "warning: %s\n", sentence(&look.stats.types[i], &text));
	buf_release(&text);
	stopstats_release(&look.stats);
}

void stopwarn_add(const char *state_dir, bson_t *const *dynos, size_t count)
{
	struct look look = {.dynos = dynos, .count = count};
	struct buf text = BUF_INIT;

	look_back(&look, state_dir);
	for (size_t i = 0; i < count; i++) {
		const char *name = doc_text(dynos[i], "process");
		const struct stopstats_type *type = stopstats_find(&look.stats, name, strlen(name));
		if (type != NULL && stopstats_is_slow(type))
			BSON_APPEND_UTF8(dynos[i], "stop_warning", sentence(type, &text));
	}
	buf_release(&text);
	stopstats_release(&look.stats);
}
