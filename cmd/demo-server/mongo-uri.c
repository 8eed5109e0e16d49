/* mongo-uri: see the header. */
#include "mongo-uri.h"

static const char app_name[] = "demo-server";
static const char default_database[] = "demo";

/* Our bounds; the driver's own are 30 s, 10 s, 300 s, none, 10 s and 100. */
static const struct {
	const char *option;
	int32_t value;
} defaults[] = {
	{MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 3000},
	{MONGOC_URI_CONNECTTIMEOUTMS, 2000},
	{MONGOC_URI_SOCKETTIMEOUTMS, 5000},
	{MONGOC_URI_WAITQUEUETIMEOUTMS, 3000},
	{MONGOC_URI_HEARTBEATFREQUENCYMS, 1000},
	{MONGOC_URI_MAXPOOLSIZE, 10},
};

int32_t mongo_uri_number(const mongoc_uri_t *uri, const char *option)
{
	return mongoc_uri_get_option_as_int32(uri, option, 0);
}

const char *mongo_uri_database(const mongoc_uri_t *uri)
{
	const char *name = mongoc_uri_get_database(uri);

	return name != NULL && name[0] != '\0' ? name : default_database;
}

/* 0 would not mean "no wait" to the driver, but its default. */
static void set_defaults(mongoc_uri_t *uri)
{
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		if (mongo_uri_number(uri, defaults[i].option) <= 0)
			mongoc_uri_set_option_as_int32(uri, defaults[i].option, defaults[i].value);
	if (mongoc_uri_get_appname(uri) == NULL)
		mongoc_uri_set_appname(uri, app_name);
}

mongoc_uri_t *mongo_uri_new(const char *text, struct cause *cause)
{
	bson_error_t error;
	mongoc_uri_t *uri = mongoc_uri_new_with_error(text, &error);

	if (uri == NULL)
		cause_set(cause, "the URI of the MongoDB server is not valid: %s", error.message);
	else
		set_defaults(uri);
	return uri;
}
