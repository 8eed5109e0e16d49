/* wire: see the header. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "doc.h"

enum {
	SMALLEST_FRAME = 5,
	TARGET_MAX = 128,
	DEPTH_MAX = 8
};

ssize_t wire_frame(const void *bytes, size_t len, size_t max)
{
	uint32_t size;

	if (len < sizeof size)
		return 0;
	memcpy(&size, bytes, sizeof size);
	size = BSON_UINT32_FROM_LE(size);
	if (size < SMALLEST_FRAME || size > max)
		return -1;
	return len < size ? 0 : (ssize_t)size;
}

static int read_targets(const bson_t *doc, struct strlist *targets, struct cause *cause)
{
	bson_iter_t iter, item;

	if (!bson_iter_init_find(&iter, doc, "targets"))
		return 0;
	if (!BSON_ITER_HOLDS_ARRAY(&iter) || !bson_iter_recurse(&iter, &item))
		return cause_set(cause, "the request's targets are not a list");
	while (bson_iter_next(&item)) {
		uint32_t len;
		if (!BSON_ITER_HOLDS_UTF8(&item) || targets->count >= WIRE_TARGETS_MAX)
			return cause_set(cause, "the request's targets are not names, or too many");
		const char *target = bson_iter_utf8(&item, &len);
		if (len == 0 || len > TARGET_MAX || strlen(target) != len)
			return cause_set(cause, "a target's name is empty or too long");
		strlist_add(targets, target);
	}
	return 0;
}

/* What a request is made of, and what a later one may be made of. */
static bool is_usual(bson_type_t type)
{
	static const bson_type_t usual[] = {BSON_TYPE_UTF8, BSON_TYPE_DOCUMENT, BSON_TYPE_ARRAY,
		BSON_TYPE_BOOL, BSON_TYPE_INT32, BSON_TYPE_INT64, BSON_TYPE_DOUBLE, BSON_TYPE_NULL};

	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (type == usual[i])
			return true;
	return false;
}

/*
 * What the library's own check does not see to: it descends without a limit, so that a client could
 * exhaust our stack; it passes over texts that are no UTF-8; and it takes an odd element of some
 * types (symbols, code) for the last one, and does not look at what follows.
 */
static bool is_sound(const bson_t *doc, int depth)
{
	bson_iter_t iter;
	bson_t child;
	uint32_t len;

	if (depth == 0 || !bson_iter_init(&iter, doc))
		return false;
	while (bson_iter_next(&iter)) {
		if (!is_usual(bson_iter_type(&iter)))
			return false;
		if ((BSON_ITER_HOLDS_DOCUMENT(&iter) || BSON_ITER_HOLDS_ARRAY(&iter)) &&
			(!doc_at(&iter, &child) || !is_sound(&child, depth - 1)))
			return false;
		if (!BSON_ITER_HOLDS_UTF8(&iter))
			continue;
		const char *text = bson_iter_utf8(&iter, &len);
		if (!bson_utf8_validate(text, len, false))
			return false;
	}
	return true;
}

int wire_read_request(const void *frame, size_t len, struct wire_request *out, struct cause *cause)
{
	bson_t doc;

	*out = (struct wire_request){.targets = STRLIST_INIT};
	if (!bson_init_static(&doc, frame, len) || !is_sound(&doc, DEPTH_MAX) ||
		!bson_validate(&doc, BSON_VALIDATE_UTF8, NULL))
		return cause_set(cause, "the request is not a valid document");
	int64_t version = doc_int(&doc, "v");
	if (version != WIRE_VERSION)
		return cause_set(cause,
			"the client speaks version %lld of the protocol, the supervisor version "
			"%d; "
			"use the same gracectl for both",
			(long long)version, WIRE_VERSION);
	snprintf(out->cmd, sizeof out->cmd, "%s", doc_text(&doc, "cmd"));
	out->events = doc_bool(&doc, "events");
	out->long_listing = doc_bool(&doc, "long");
	bson_t base;
	if (doc_child(&doc, "base", &base))
		out->base = bson_copy(&base);
	if (read_targets(&doc, &out->targets, cause) == 0)
		return 0;
	wire_request_release(out);
	return -1;
}

void wire_request_release(struct wire_request *request)
{
	strlist_release(&request->targets);
	if (request->base != NULL)
		bson_destroy(request->base);
	request->base = NULL;
}

void wire_write_request(const struct wire_request *request, struct buf *out)
{
	bson_t doc, list;
	char key[16];
	const char *name;

	bson_init(&doc);
	BSON_APPEND_INT32(&doc, "v", WIRE_VERSION);
	BSON_APPEND_UTF8(&doc, "cmd", request->cmd);
	BSON_APPEND_BOOL(&doc, "events", request->events);
	BSON_APPEND_BOOL(&doc, "long", request->long_listing);
	bson_append_array_begin(&doc, "targets", -1, &list);
	for (size_t i = 0; i < request->targets.count; i++) {
		bson_uint32_to_string((uint32_t)i, &name, key, sizeof key);
		BSON_APPEND_UTF8(&list, name, request->targets.items[i]);
	}
	bson_append_array_end(&doc, &list);
	if (request->base != NULL)
		BSON_APPEND_ARRAY(&doc, "base", request->base);
	wire_add(&doc, out);
}

void wire_begin(bson_t *doc, const char *type)
{
	bson_init(doc);
	BSON_APPEND_INT32(doc, "v", WIRE_VERSION);
	BSON_APPEND_UTF8(doc, "type", type);
}

void wire_add(bson_t *doc, struct buf *out)
{
	buf_append(out, bson_get_data(doc), doc->len);
	bson_destroy(doc);
}
