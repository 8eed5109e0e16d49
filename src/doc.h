/*
 * doc: the fields of a BSON document.
 *
 * It may have come from outside: a field that is missing or of another type reads as zero, so
 * nothing that a file or a client contains can do more than be empty.
 */
#ifndef GRACECTL_DOC_H
#define GRACECTL_DOC_H

#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* Appends a text that may be anything: what is not valid UTF-8 becomes U+FFFD. */
void doc_put_text(bson_t *doc, const char *key, const char *text);
void doc_put_bytes(bson_t *doc, const char *key, const char *bytes, size_t len);

int64_t doc_int(const bson_t *doc, const char *key);
bool doc_bool(const bson_t *doc, const char *key);

/* "" when it is no text. Lives as long as doc. */
const char *doc_text(const bson_t *doc, const char *key);

/* Appends it as JSON that can do nothing to a terminal. False when bytes of it are no text; then
 * nothing was appended. */
bool doc_add_json(struct buf *out, const bson_t *doc);

/* A view of an embedded document or array. False when there is none. */
bool doc_child(const bson_t *doc, const char *key, bson_t *child);

/* A view of the document at which iter stands. False when it is none. */
bool doc_at(const bson_iter_t *iter, bson_t *child);

#endif
