/*
 * mongo-uri: the URI of a MongoDB server, with a bound for every wait.
 *
 * Left to themselves the driver's calls wait up to 30 s for a server, 300 s for an
 * answer, and for ever for a connection of the pool. Where the URI does not say
 * something else, shorter times are put into it.
 */
#ifndef GRACECTL_DEMO_MONGO_URI_H
#define GRACECTL_DEMO_MONGO_URI_H

#include <mongoc/mongoc.h>

#include "cause.h"

/*
 * Takes a mongodb:// or mongodb+srv:// URI. Returns NULL with a sentence that does not tell the
 * password; else the caller destroys it. What the driver does not understand of a URI that is valid
 * goes to the standard error output. It leaves a log handler to the driver, for the caller to
 * replace.
 */
mongoc_uri_t *mongo_uri_new(const char *text, struct cause *cause);

/* One of the options that mongo_uri_new() sets: more than 0. */
int32_t mongo_uri_number(const mongoc_uri_t *uri, const char *option);

/* The name of the database; "demo" when the URI has none. */
const char *mongo_uri_database(const mongoc_uri_t *uri);

#endif
