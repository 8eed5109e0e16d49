/* stopstats: see the header. */
#include "stopstats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "utf8.h"
#include "xmalloc.h"

int64_t stopstats_percentile(const int64_t *sorted, size_t count, unsigned percent)
{
	size_t rank = (count * percent + 99) / 100;

	return sorted[rank > 0 ? rank - 1 : 0];
}

/* ---- adding ---- */

static struct stopstats_type *find(const struct stopstats *stats, const char *name, size_t len)
{
	for (size_t i = 0; i < stats->count; i++)
		if (strlen(stats->types[i].name) == len &&
			memcmp(stats->types[i].name, name, len) == 0)
			return &stats->types[i];
	return NULL;
}

const struct stopstats_type *stopstats_find(
	const struct stopstats *stats, const char *name, size_t len)
{
	return find(stats, name, len);
}

bool stopstats_is_full(const struct stopstats *stats, const char *name, size_t len)
{
	const struct stopstats_type *type = find(stats, name, len);

	return type != NULL && type->count >= stats->last;
}

static struct stopstats_type *find_or_add(
	struct stopstats *stats, const char *name, size_t len, int64_t allowed)
{
	struct stopstats_type *type = find(stats, name, len);

	if (type != NULL)
		return type;
	stats->types = xreallocarray(stats->types, stats->count + 1, sizeof *stats->types);
	type = &stats->types[stats->count++];
	*type = (struct stopstats_type){.name = xstrndup(name, len), .allowed = allowed};
	return type;
}

static void count_verdict(struct stopstats_type *type, const char *words, size_t len)
{
	for (size_t i = 0; i < type->verdict_count; i++)
		if (strlen(type->verdicts[i].words) == len &&
			memcmp(type->verdicts[i].words, words, len) == 0) {
			type->verdicts[i].count++;
			return;
		}
	type->verdicts =
		xreallocarray(type->verdicts, type->verdict_count + 1, sizeof *type->verdicts);
	type->verdicts[type->verdict_count++] =
		(struct stopstats_verdict){.words = xstrndup(words, len), .count = 1};
}

const char *const stopstats_fields[] = {"time", "kind", "dyno", "reason", "ladder", "ms",
	"ms_at_most", "allowed_ms", "verdict", NULL};

bool stopstats_counts(const bson_t *stop)
{
	return strcmp(doc_text(stop, "reason"), "boot timeout") != 0;
}

void stopstats_add(struct stopstats *stats, const bson_t *stop)
{
	const char *dyno = doc_text(stop, "dyno"), *at = doc_text(stop, "verdict"), *part;
	size_t len = stopdoc_type_len(dyno);

	if (stats->last == 0 || stopstats_is_full(stats, dyno, len))
		return;
	if (stopdoc_is_at_most(stop)) {
		stats->unseen++;
		return;
	}
	struct stopstats_type *type = find_or_add(stats, dyno, len, stopdoc_allowed(stop));
	if (type->count == type->room) {
		type->room = type->room > 0 ? 2 * type->room : STOPSTATS_LAST;
		type->ms = xreallocarray(type->ms, type->room, sizeof *type->ms);
	}
	type->ms[type->count++] = stopdoc_ms(stop);
	while ((part = stopdoc_next_verdict(&at, &len)) != NULL)
		count_verdict(type, part, len);
}

/* ---- order ---- */

static int by_value(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct stopstats_type *)a)->name, ((const struct stopstats_type *)b)->name);
}

/* The place of a verdict in the list of those that we know, where "status" stands for each of them;
 * others come last. */
static size_t place_of(const char *words)
{
	size_t i = 0;

	while (stopfilter_verdicts[i] != NULL &&
		strncmp(stopfilter_verdicts[i], words, strlen(stopfilter_verdicts[i])) != 0)
		i++;
	return i;
}

static int by_place(const void *a, const void *b)
{
	const struct stopstats_verdict *left = a, *right = b;
	size_t place = place_of(left->words), other = place_of(right->words);

	return place != other ? (place > other) - (place < other)
			      : strverscmp(left->words, right->words);
}

void stopstats_finish(struct stopstats *stats)
{
	for (size_t i = 0; i < stats->count; i++) {
		struct stopstats_type *type = &stats->types[i];
		qsort(type->ms, type->count, sizeof *type->ms, by_value);
		if (type->verdict_count > 0)
			qsort(type->verdicts, type->verdict_count, sizeof *type->verdicts,
				by_place);
	}
	if (stats->count > 0)
		qsort(stats->types, stats->count, sizeof *stats->types, by_name);
}

/* ---- telling ---- */

static int64_t percentile(const struct stopstats_type *type, unsigned percent)
{
	return stopstats_percentile(type->ms, type->count, percent);
}

bool stopstats_is_slow(const struct stopstats_type *type)
{
	return type->allowed != STOPDOC_NEVER && type->count >= STOPSTATS_LEAST &&
	       2 * percentile(type, 95) > type->allowed;
}

const char *stopstats_warning(const struct stopstats_type *type, char text[static STOPSTATS_TEXT])
{
	char time[STOPDOC_TEXT], allowed[DURATION_TEXT];

	snprintf(text, STOPSTATS_TEXT,
		"the stops of %s are slow: the 95th percentile of the last %zu is %s, more than "
		"half of the %s allowed",
		type->name, type->count, stopdoc_seconds(percentile(type, 95), time),
		stopdoc_allowed_text(type->allowed, allowed));
	return text;
}

/* The columns, in the table and in JSON. */
static const struct {
	const char *title, *key;
	unsigned percent;
} columns[] = {
	{"50TH", "p50_ms", 50},
	{"90TH", "p90_ms", 90},
	{"95TH", "p95_ms", 95},
	{"99TH", "p99_ms", 99},
	{"LONGEST", "longest_ms", 100},
};

enum {
	COLUMNS = sizeof columns / sizeof *columns
};

/* One odd name in a journal must not push all other rows off the screen. */
static size_t name_width(const struct stopstats *stats)
{
	enum {
		LEAST = 10,
		MOST = PROCESS_NAME_MAX
	};
	size_t width = LEAST;

	for (size_t i = 0; i < stats->count; i++) {
		size_t len = strlen(stats->types[i].name);
		if (len > width && len <= MOST)
			width = len;
	}
	return width;
}

/* Text of the journal, padded. */
static void add_name(const char *name, size_t width, struct buf *out)
{
	size_t before = out->len;

	utf8_append_safe(out, name, strlen(name));
	size_t len = out->len - before;
	buf_addf(out, "%*s", len < width ? (int)(width - len) : 0, "");
}

static void add_row(
	const struct stopstats_type *type, size_t width, const char *warn, struct buf *out)
{
	char text[DURATION_TEXT], time[STOPDOC_TEXT];

	add_name(type->name, width, out);
	buf_addf(out, " %5zu", type->count);
	for (size_t i = 0; i < COLUMNS; i++) {
		bool slow = columns[i].percent == 95 && warn[0] != '\0' && stopstats_is_slow(type);
		buf_addf(out, "%s %9s%s", slow ? warn : "",
			stopdoc_seconds(percentile(type, columns[i].percent), time),
			slow ? "\033[0m" : "");
	}
	buf_addf(out, " %8s ", stopdoc_allowed_text(type->allowed, text));
	for (size_t i = 0; i < type->verdict_count; i++) {
		buf_addf(out, "%s%zu ", i > 0 ? ", " : " ", type->verdicts[i].count);
		add_name(type->verdicts[i].words, 0, out);
	}
	buf_addc(out, '\n');
}

void stopstats_text(const struct stopstats *stats, bool color, struct buf *out)
{
	size_t width = name_width(stats);

	if (stats->count == 0)
		return;
	buf_addf(out, "%-*s %5s", (int)width, "TYPE", "STOPS");
	for (size_t i = 0; i < COLUMNS; i++)
		buf_addf(out, " %9s", columns[i].title);
	buf_addf(out, " %8s  %s\n", "ALLOWED", "VERDICTS");
	for (size_t i = 0; i < stats->count; i++)
		add_row(&stats->types[i], width, color ? "\033[33m" : "", out);
}

static void add_object(const struct stopstats_type *type, struct buf *out)
{
	bson_t doc = BSON_INITIALIZER, verdicts;

	BSON_APPEND_UTF8(&doc, "type", type->name);
	BSON_APPEND_INT64(&doc, "n", (int64_t)type->count);
	for (size_t i = 0; i < COLUMNS; i++)
		BSON_APPEND_INT64(&doc, columns[i].key, percentile(type, columns[i].percent));
	if (type->allowed != STOPDOC_NEVER)
		BSON_APPEND_INT64(&doc, "allowed_ms", type->allowed);
	BSON_APPEND_BOOL(&doc, "slow", stopstats_is_slow(type));
	BSON_APPEND_DOCUMENT_BEGIN(&doc, "verdicts", &verdicts);
	for (size_t i = 0; i < type->verdict_count; i++)
		BSON_APPEND_INT64(
			&verdicts, type->verdicts[i].words, (int64_t)type->verdicts[i].count);
	bson_append_document_end(&doc, &verdicts);
	doc_add_json(out, &doc);
	buf_addc(out, '\n');
	bson_destroy(&doc);
}

void stopstats_json(const struct stopstats *stats, struct buf *out)
{
	for (size_t i = 0; i < stats->count; i++)
		add_object(&stats->types[i], out);
}

void stopstats_release(struct stopstats *stats)
{
	for (size_t i = 0; i < stats->count; i++) {
		struct stopstats_type *type = &stats->types[i];
		for (size_t n = 0; n < type->verdict_count; n++)
			free(type->verdicts[n].words);
		free(type->verdicts);
		free(type->name);
		free(type->ms);
	}
	free(stats->types);
	stats->types = NULL;
	stats->count = 0;
}
