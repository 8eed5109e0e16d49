/* A document out of JSON, for tests. */
#ifndef GRACECTL_DOCOF_H
#define GRACECTL_DOCOF_H

#include <bson/bson.h>
#include <stdio.h>
#include <stdlib.h>

/* To be destroyed by the caller. */
static inline bson_t *doc_of(const char *json)
{
	bson_error_t error;
	bson_t *doc = bson_new_from_json((const uint8_t *)json, -1, &error);

	if (doc == NULL) {
		printf("Bail out! %s: %s\n", json, error.message);
		exit(1);
	}
	return doc;
}

#endif
