/* doc: see the header. */
#include "doc.h"

#include <string.h>

#include "utf8.h"

void doc_put_text(bson_t *doc, const char *key, const char *text)
{
	doc_put_bytes(doc, key, text, strlen(text));
}

void doc_put_bytes(bson_t *doc, const char *key, const char *bytes, size_t len)
{
	struct buf valid = BUF_INIT;

	utf8_append_valid(&valid, bytes, len);
	bson_append_utf8(doc, key, -1, valid.len > 0 ? valid.data : "", (int)valid.len);
	buf_release(&valid);
}

int64_t doc_int(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && BSON_ITER_HOLDS_INT(&iter)
		       ? bson_iter_as_int64(&iter)
		       : 0;
}

bool doc_bool(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && BSON_ITER_HOLDS_BOOL(&iter) &&
	       bson_iter_bool(&iter);
}

const char *doc_text(const bson_t *doc, const char *key)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && BSON_ITER_HOLDS_UTF8(&iter)
		       ? bson_iter_utf8(&iter, NULL)
		       : "";
}

bool doc_at(const bson_iter_t *iter, bson_t *child)
{
	const uint8_t *data = NULL;
	uint32_t len = 0;

	if (BSON_ITER_HOLDS_DOCUMENT(iter))
		bson_iter_document(iter, &len, &data);
	else if (BSON_ITER_HOLDS_ARRAY(iter))
		bson_iter_array(iter, &len, &data);
	return data != NULL && bson_init_static(child, data, len);
}

bool doc_child(const bson_t *doc, const char *key, bson_t *child)
{
	bson_iter_t iter;

	return bson_iter_init_find(&iter, doc, key) && doc_at(&iter, child);
}

bool doc_add_json(struct buf *out, const bson_t *doc)
{
	size_t len;
	char *json = bson_as_relaxed_extended_json(doc, &len);
	bool is_text = json != NULL;

	if (is_text)
		utf8_append_json(out, json, len);
	bson_free(json);
	return is_text;
}
