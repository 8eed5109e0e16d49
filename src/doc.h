/*
 * doc: reading fields of a BSON document that came from outside. A field that is missing or of
 * another type reads as zero, so nothing that a file or a client contains can do more than be
 * empty.
 */
#ifndef GRACECTL_DOC_H
#define GRACECTL_DOC_H

#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>

int64_t doc_int(const bson_t *doc, const char *key);
bool doc_bool(const bson_t *doc, const char *key);

/* "" when it is no text. Lives as long as doc. */
const char *doc_text(const bson_t *doc, const char *key);

/* A view of an embedded document or array. False when there is none. */
bool doc_child(const bson_t *doc, const char *key, bson_t *child);

/* A view of the document at which iter stands. False when it is none. */
bool doc_at(const bson_iter_t *iter, bson_t *child);

#endif
