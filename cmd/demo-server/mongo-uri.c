/* mongo-uri: see the header. */
#include "mongo-uri.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* An option that the driver does not know, for one, is told here only, and then not heeded. */
static void log_cb(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
	(void)domain;
	(void)arg;
	if (level <= MONGOC_LOG_LEVEL_WARNING)
		fprintf(stderr, "demo-server: the URI of the MongoDB server: %s\n", message);
}

/* The driver would take the rest of the password for the host, and tell its name to everybody. */
static bool has_bare_at(const char *text)
{
	const char *authority = strstr(text, "://") + 3;
	const char *end = authority + strcspn(authority, "/?");
	const char *at = memchr(authority, '@', (size_t)(end - authority));

	return at != NULL && memchr(at + 1, '@', (size_t)(end - at - 1)) != NULL;
}

/* Without an answer of the server there would be nothing that a 201 could rest on. */
static const char *find_objection(const mongoc_uri_t *uri)
{
	if (!mongoc_write_concern_is_acknowledged(mongoc_uri_get_write_concern(uri)))
		return "it asks for w=0, by which nobody learns whether a user was stored; leave "
		       "it out, "
		       "or ask for w=1 or w=majority";
	return NULL;
}

mongoc_uri_t *mongo_uri_new(const char *text, struct cause *cause)
{
	bson_error_t error = {.message = "an @ in the user name or the password must be %40"};

	mongoc_log_set_handler(log_cb, NULL);
	mongoc_uri_t *uri = has_bare_at(text) ? NULL : mongoc_uri_new_with_error(text, &error);
	const char *objection = uri != NULL ? find_objection(uri) : error.message;
	if (objection != NULL) {
		cause_set(cause, "the URI of the MongoDB server is not valid: %s", objection);
		mongoc_uri_destroy(uri);
		return NULL;
	}
	set_defaults(uri);
	return uri;
}
