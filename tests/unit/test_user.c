/* What is taken as a user of a request, what is refused, and with which words. */
#include "../../cmd/demo-server/user.h"

#include <stdlib.h>

#include "tap.h"

static const char json[] = "application/json";
static const char form[] = "application/x-www-form-urlencoded";

static int read_bytes(
	struct user *user, const char *type, const char *bytes, size_t len, struct cause *cause)
{
	struct buf body = BUF_INIT;

	buf_append(&body, bytes, len);
	int result = user_from_body(user, type, &body, cause);
	buf_release(&body);
	return result;
}

static void takes(const char *type, const char *text, const char *name)
{
	struct user user = {0};
	struct cause cause = {0};

	if (!ok(read_bytes(&user, type, text, strlen(text), &cause) == 0, text))
		printf("#   refused: %s\n", cause.text);
	else
		is_str(user.name, name, "its name");
}

static void refuses(const char *type, const char *text, const char *why)
{
	struct user user = {0};
	struct cause cause = {0};

	ok(read_bytes(&user, type, text, strlen(text), &cause) < 0, text);
	if (!ok(strstr(cause.text, why) != NULL, why))
		printf("#   refused: %s\n", cause.text);
}

static void json_bodies(void)
{
	takes(json, "{\"username\":\"ann\"}", "ann");
	takes(json, " {\"a\":[1,{}],\"username\":\"\\u017dofie\"}\t ", "\u017dofie");
	takes("Application/JSON; charset=utf-8", "{\"username\":\"ann\"}", "ann");
	takes(NULL, " {\"username\":\"ann\"}", "ann");
	refuses(json, "{\"username\":\"a\"", "not valid JSON");
	refuses(json, "{\"username\":", "not valid JSON");
	refuses(json, "{", "not valid JSON");
	refuses(json, "[\"username\"]", "not a JSON object");
	refuses(json, "{\"name\":\"a\"}", "has no \"username\"");
	refuses(json, "{\"username\":5}", "must be a string");
	refuses(json, "{\"username\":\"\"}", "is empty");
	refuses(json, "{\"username\":\"a\\u0000b\"}", "without control characters");
}

/* One body is one user. */
static void json_with_more_behind(void)
{
	struct user user = {0};
	struct cause cause = {0};

	refuses(json, "{\"username\":\"a\"} {\"username\":\"b\"}", "behind the JSON object");
	refuses(json, "{\"username\":\"a\"}{\"username\":\"b\"}", "behind the JSON object");
	refuses(json, "{\"username\":\"a\"} x", "not valid JSON");
	refuses(json, "{\"username\":\"a\"}]]", "not valid JSON");
	refuses(json, "{\"username\":\"a\"} {", "behind the JSON object");
	refuses(json, "{\"username\":\"a\"} 5", "not valid JSON");
	ok(read_bytes(&user, json, "{\"username\":\"a\"}\0", 17, &cause) < 0, "a NUL behind it");
}

static void form_bodies(void)
{
	takes(form, "username=ann", "ann");
	takes(form, "a=1&username=ann+b%20c&x", "ann b c");
	takes(form, "user%6eame=ann", "ann");
	takes(form, "%75sername=a%3Db=c", "a=b=c");
	takes(form, "username=first&username=second", "first");
	takes(NULL, "username=ann", "ann");
	refuses(form, "xusername=a&usernam=b&usernamex=c", "no username=");
	refuses(form, "user%6=ann", "no username=");
	refuses(form, "username", "no username=");
	refuses(form, "&&&", "no username=");
	refuses(form, "username=", "is empty");
	refuses(form, "username=%4", "two hex digits");
	refuses("text/plain", "username=ann", "must be application/json");
	refuses(form, "", "the body is empty");
}

static void characters(void)
{
	takes(form, "username=%C2%A0", "\u00a0");
	takes(form, "username=%F0%9F%98%80", "\U0001f600");
	refuses(form, "username=a%0Ab", "without control characters");
	refuses(form, "username=%7F", "without control characters");
	refuses(form, "username=%C2%9B31m", "without control characters");
	refuses(form, "username=a%C2%80", "without control characters");
	refuses(json, "{\"username\":\"\\u009b\"}", "without control characters");
	refuses(form, "username=%C2", "must be UTF-8");
	refuses(form, "username=%FF", "must be UTF-8");
	refuses(form, "username=%C0%80", "must be UTF-8");
}

static void lengths(void)
{
	char name[USER_NAME_MAX + 2];
	struct user user = {0};
	struct cause cause;

	memset(name, 'a', sizeof name);
	is_int(user_set_name(&user, name, USER_NAME_MAX, &cause), 0, "256 bytes are a name");
	is_int((int64_t)strlen(user.name), USER_NAME_MAX, "all of them are kept");
	is_int(user_set_name(&user, name, USER_NAME_MAX + 1, &cause), -1, "257 bytes are none");
	is_str(cause.text, "username has 257 bytes; at most 256 are allowed", "and told so");
}

static void output(void)
{
	struct user user = {.id = 7, .created_ms = 1000, .name = "a\"b"};
	char *text = user_to_json(&user);

	is_str(text,
		"{ \"id\" : 7, \"username\" : \"a\\\"b\", "
		"\"created\" : { \"$date\" : \"1970-01-01T00:00:01Z\" } }",
		"a user of SQLite has a number");
	free(text);
	memcpy(user.oid, "507f1f77bcf86cd799439011", sizeof user.oid);
	text = user_to_json(&user);
	ok(strstr(text, "\"id\" : \"507f1f77bcf86cd799439011\"") != NULL,
		"one of MongoDB a string");
	free(text);
}

int main(void)
{
	json_bodies();
	json_with_more_behind();
	form_bodies();
	characters();
	lengths();
	output();
	return tap_done();
}
