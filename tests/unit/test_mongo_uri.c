/* What is put into the URI of a MongoDB server, what is left alone, and what is refused. */
#include "../../cmd/demo-server/mongo-uri.h"

#include "tap.h"

/* Every wait has a bound: these are those of the manual. */
static const struct {
	const char *option;
	int32_t value;
} bounds[] = {
	{"serverselectiontimeoutms", 3000},
	{"connecttimeoutms", 2000},
	{"sockettimeoutms", 5000},
	{"waitqueuetimeoutms", 3000},
	{"heartbeatfrequencyms", 1000},
	{"maxpoolsize", 10},
};

enum {
	BOUNDS = sizeof bounds / sizeof *bounds
};

static mongoc_uri_t *read_uri(const char *text)
{
	struct cause cause = {0};
	mongoc_uri_t *uri = mongo_uri_new(text, &cause);

	if (!ok(uri != NULL, text))
		printf("# %s\n", cause.text);
	return uri;
}

static void is_refused(const char *text, const char *why)
{
	struct cause cause = {0};
	mongoc_uri_t *uri = mongo_uri_new(text, &cause);

	ok(uri == NULL, text);
	if (!ok(strstr(cause.text, why) != NULL, why))
		printf("# %s\n", cause.text);
	ok(strstr(cause.text, "secret") == NULL, "the sentence does not tell the password");
}

static void defaults(void)
{
	mongoc_uri_t *uri = read_uri("mongodb://host");

	for (size_t i = 0; i < BOUNDS; i++)
		is_int(mongo_uri_number(uri, bounds[i].option), bounds[i].value, bounds[i].option);
	is_str(mongoc_uri_get_appname(uri), "demo-server", "the server is told who connects");
	is_str(mongo_uri_database(uri), "demo", "without a name the database is demo");
	mongoc_uri_destroy(uri);
}

static void own_values(void)
{
	mongoc_uri_t *uri =
		read_uri("mongodb://host/shop?serverSelectionTimeoutMS=1&connectTimeoutMS=2&"
			 "socketTimeoutMS=3&waitQueueTimeoutMS=4&heartbeatFrequencyMS=500&"
			 "maxPoolSize=6&appname=till&w=majority");

	is_int(mongo_uri_number(uri, "serverselectiontimeoutms"), 1, "the URI's own wins: 1 ms");
	is_int(mongo_uri_number(uri, "connecttimeoutms"), 2, "2 ms");
	is_int(mongo_uri_number(uri, "sockettimeoutms"), 3, "3 ms");
	is_int(mongo_uri_number(uri, "waitqueuetimeoutms"), 4, "4 ms");
	is_int(mongo_uri_number(uri, "heartbeatfrequencyms"), 500, "500 ms");
	is_int(mongo_uri_number(uri, "maxpoolsize"), 6, "6 connections");
	is_str(mongoc_uri_get_appname(uri), "till", "its name");
	is_str(mongo_uri_database(uri), "shop", "its database");
	mongoc_uri_destroy(uri);
}

/* To the driver 0 is its own default, of up to 300 s. */
static void zero_is_no_bound(void)
{
	mongoc_uri_t *uri =
		read_uri("mongodb://host/?socketTimeoutMS=0&waitQueueTimeoutMS=0&"
			 "connectTimeoutMS=-1&serverSelectionTimeoutMS=0&maxPoolSize=0");

	for (size_t i = 0; i < BOUNDS; i++)
		is_int(mongo_uri_number(uri, bounds[i].option), bounds[i].value, bounds[i].option);
	mongoc_uri_destroy(uri);
}

static void refusals(void)
{
	is_refused("mongodb://", "is not valid");
	is_refused("mongodb://me:not@secret@host/", "must be %40");
	is_refused("mongodb://me:secret@host/?w=0", "leave it out");
	is_refused("mongodb://me:secret@host/?safe=false", "w=0");
	mongoc_uri_destroy(read_uri("mongodb://host/?w=1"));
	mongoc_uri_destroy(read_uri("mongodb://host/?w=majority&journal=true"));
}

int main(void)
{
	mongoc_init();
	defaults();
	own_values();
	zero_is_no_bound();
	refusals();
	mongoc_cleanup();
	return tap_done();
}
