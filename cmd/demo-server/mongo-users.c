/* mongo-users: see the header. */
#include "mongo-users.h"

#include "clock.h"

/*
 * Of these errors the driver has had no connection that it could have sent the call on. When it
 * repeats a call (it does so with a replica set), it tells the error of the first time.
 */
static const struct {
	uint32_t domain;
	uint32_t code; /* 0: any */
} not_sent[] = {
	{MONGOC_ERROR_SERVER_SELECTION, 0},
	{MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_NAME_RESOLUTION},
	{MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_CONNECT},
	{MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_NOT_ESTABLISHED},
	{MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE},
};

static bool was_sent(const bson_error_t *error)
{
	for (size_t i = 0; i < sizeof not_sent / sizeof *not_sent; i++)
		if (error->domain == not_sent[i].domain &&
			(not_sent[i].code == 0 || error->code == not_sent[i].code))
			return false;
	return true;
}

static void fail(struct store_answer *answer, const char *what, const bson_error_t *error)
{
	answer->status = was_sent(error) ? STORE_FAILED : STORE_UNREACHABLE;
	cause_set(&answer->cause, "cannot %s in MongoDB: %s", what, error->message);
}

void mongo_users_add(mongoc_collection_t *users, struct store_answer *answer)
{
	struct user *user = &answer->user;
	bson_t doc = BSON_INITIALIZER;
	bson_error_t error;
	bson_oid_t oid;

	answer->status = STORE_OK;
	bson_oid_init(&oid, NULL);
	bson_oid_to_string(&oid, user->oid);
	user->created_ms = clock_wall() / NSEC_PER_MSEC;
	BSON_APPEND_OID(&doc, "_id", &oid);
	BSON_APPEND_UTF8(&doc, "username", user->name);
	BSON_APPEND_DATE_TIME(&doc, "created", user->created_ms);
	if (!mongoc_collection_insert_one(users, &doc, NULL, NULL, &error))
		fail(answer, "store the user", &error);
	bson_destroy(&doc);
}

static void read_user(struct user *user, const bson_t *doc)
{
	bson_iter_t iter;

	if (bson_iter_init_find(&iter, doc, "_id") && BSON_ITER_HOLDS_OID(&iter))
		bson_oid_to_string(bson_iter_oid(&iter), user->oid);
	if (bson_iter_init_find(&iter, doc, "created") && BSON_ITER_HOLDS_DATE_TIME(&iter))
		user->created_ms = bson_iter_date_time(&iter);
}

void mongo_users_find(mongoc_collection_t *users, struct store_answer *answer)
{
	bson_t *filter = BCON_NEW("username", BCON_UTF8(answer->user.name));
	bson_t *opts = BCON_NEW("limit", BCON_INT64(1), "sort", "{", "created", BCON_INT32(-1),
		"_id", BCON_INT32(-1), "}");
	mongoc_cursor_t *cursor = mongoc_collection_find_with_opts(users, filter, opts, NULL);
	const bson_t *doc;
	bson_error_t error;

	answer->status = STORE_OK;
	if (mongoc_cursor_next(cursor, &doc))
		read_user(&answer->user, doc);
	else if (mongoc_cursor_error(cursor, &error))
		fail(answer, "look for the user", &error);
	else
		answer->status = STORE_NOT_FOUND;
	mongoc_cursor_destroy(cursor);
	bson_destroy(opts);
	bson_destroy(filter);
}
