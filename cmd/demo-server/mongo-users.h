/*
 * mongo-users: a user as a document, and the two calls that the store makes.
 *
 * Both block, so they are for a thread that may.
 */
#ifndef GRACECTL_DEMO_MONGO_USERS_H
#define GRACECTL_DEMO_MONGO_USERS_H

#include <mongoc/mongoc.h>

#include "store.h"

/* The user of the answer is the question; both fill in the whole answer. */
void mongo_users_add(mongoc_collection_t *users, struct store_answer *answer);
void mongo_users_find(mongoc_collection_t *users, struct store_answer *answer);

#endif
