/* results: see the header. */
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"
#include "xmalloc.h"

static size_t place_of(const struct results *results, const char *dyno)
{
	size_t at = 0;

	while (at < results->dynos.count && strcmp(results->dynos.items[at], dyno) != 0)
		at++;
	return at;
}

bool results_take(struct results *results, const bson_t *message)
{
	const char *dyno = doc_text(message, "dyno");
	size_t at = place_of(results, dyno);
	bool is_new = at == results->dynos.count;

	if (!is_new && !doc_bool(message, "revised"))
		return false;
	if (is_new) {
		results->docs = xreallocarray(results->docs, at + 1, sizeof *results->docs);
		strlist_add(&results->dynos, dyno);
	} else {
		bson_destroy(results->docs[at]);
	}
	results->docs[at] = bson_new();
	bson_copy_to_excluding_noinit(message, results->docs[at], "v", "type", "revised", NULL);
	return true;
}

int results_code(const struct results *results)
{
	int64_t worst = WIRE_DONE;

	for (size_t i = 0; i < results->dynos.count; i++)
		if (doc_int(results->docs[i], "code") > worst)
			worst = doc_int(results->docs[i], "code");
	return (int)worst;
}

struct results_sum results_sum(const struct results *results)
{
	struct results_sum sum = {0};

	for (size_t i = 0; i < results->dynos.count; i++)
		if (doc_bool(results->docs[i], "already"))
			sum.already++;
		else
			sum.good += doc_int(results->docs[i], "code") == WIRE_DONE;
	return sum;
}

/* ---- JSON ---- */

static void print_one(const bson_t *doc, bool *first)
{
	struct buf out = BUF_INIT;

	buf_adds(&out, *first ? "\n" : ",\n");
	doc_add_json(&out, doc);
	fputs(out.data, stdout);
	*first = false;
	buf_release(&out);
}

static void print_unknown(const struct results *results, const bson_t *base, int code, bool *first)
{
	bson_iter_t iter;
	bson_t item;

	if (base == NULL || !bson_iter_init(&iter, base))
		return;
	while (bson_iter_next(&iter)) {
		bson_t doc = BSON_INITIALIZER;
		if (doc_at(&iter, &item) &&
			place_of(results, doc_text(&item, "dyno")) == results->dynos.count) {
			BSON_APPEND_UTF8(&doc, "dyno", doc_text(&item, "dyno"));
			BSON_APPEND_INT32(&doc, "code", code);
			BSON_APPEND_UTF8(&doc, "text", "not done yet");
			print_one(&doc, first);
		}
		bson_destroy(&doc);
	}
}

void results_print(const struct results *results, const bson_t *base, int code, double seconds)
{
	bool first = true;

	printf("{ \"dynos\" : [");
	for (size_t i = 0; i < results->dynos.count; i++)
		print_one(results->docs[i], &first);
	print_unknown(results, base, code, &first);
	printf(" ], \"code\" : %d, \"seconds\" : %.3f }\n", code, seconds);
}

void results_release(struct results *results)
{
	for (size_t i = 0; i < results->dynos.count; i++)
		bson_destroy(results->docs[i]);
	free(results->docs);
	strlist_release(&results->dynos);
	*results = (struct results){0};
}
