/* user: see the header. */
#include "user.h"

#include <bson/bson.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "xmalloc.h"

static const char key[] = "username";

/* U+0000 to U+001F, U+007F, and U+0080 to U+009F, which are two bytes. */
static bool has_control(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		unsigned char next = i + 1 < len ? (unsigned char)bytes[i + 1] : 0;
		if (byte < ' ' || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next < 0xa0))
			return true;
	}
	return false;
}

int user_set_name(struct user *user, const char *bytes, size_t len, struct cause *cause)
{
	if (len == 0)
		return cause_set(cause, "%s is empty", key);
	if (len > USER_NAME_MAX)
		return cause_set(
			cause, "%s has %zu bytes; at most %d are allowed", key, len, USER_NAME_MAX);
	if (has_control(bytes, len) || !bson_utf8_validate(bytes, len, false))
		return cause_set(cause, "%s must be UTF-8 text without control characters", key);
	memcpy(user->name, bytes, len);
	user->name[len] = '\0';
	return 0;
}

static int set_name_from_bson(struct user *user, const bson_t *doc, struct cause *cause)
{
	bson_iter_t iter;
	uint32_t len;

	if (!bson_iter_init_find(&iter, doc, key))
		return cause_set(cause, "the JSON object has no \"%s\"", key);
	if (!BSON_ITER_HOLDS_UTF8(&iter))
		return cause_set(cause, "\"%s\" must be a string", key);
	const char *name = bson_iter_utf8(&iter, &len);
	return user_set_name(user, name, len, cause);
}

static bool first_is(const struct buf *body, char wanted)
{
	size_t i = 0;

	while (i < body->len && isspace((unsigned char)body->data[i]))
		i++;
	return i < body->len && body->data[i] == wanted;
}

/* Reads the next document of several. Returns 1, 0 at the end, or -1 with an error. */
static int read_json(bson_json_reader_t *reader, bson_t *doc, bson_error_t *error)
{
	bson_reinit(doc);
	return bson_json_reader_read(reader, doc, error);
}

static int set_name_from_json(
	struct user *user, bson_json_reader_t *reader, bson_t *doc, struct cause *cause)
{
	bson_error_t error = {.message = "it is not finished"};

	if (read_json(reader, doc, &error) != 1)
		return cause_set(cause, "the body is not valid JSON: %s", error.message);
	if (set_name_from_bson(user, doc, cause) < 0)
		return -1;
	if (read_json(reader, doc, &error) != 0)
		return cause_set(cause, "the body has something behind the JSON object");
	return 0;
}

static int from_json(struct user *user, const struct buf *body, struct cause *cause)
{
	bson_t doc = BSON_INITIALIZER;

	/* libbson also reads an array, as an object with the keys "0", "1"... */
	if (!first_is(body, '{'))
		return cause_set(cause, "the body is not a JSON object");
	bson_json_reader_t *reader = bson_json_data_reader_new(true, 0);
	bson_json_data_reader_ingest(reader, (const uint8_t *)body->data, body->len);
	int result = set_name_from_json(user, reader, &doc, cause);
	bson_json_reader_destroy(reader);
	bson_destroy(&doc);
	return result;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Appends the decoded text of [at, end) to out. Returns 0, or -1 where a % is not followed by hex.
 */
static int form_decode(const char *at, const char *end, struct buf *out)
{
	for (; at < end; at++) {
		if (*at != '%') {
			buf_addc(out, *at == '+' ? ' ' : *at);
			continue;
		}
		int high = end - at > 2 ? hex_digit(at[1]) : -1;
		int low = end - at > 2 ? hex_digit(at[2]) : -1;
		if (high < 0 || low < 0)
			return -1;
		buf_addc(out, (char)(high << 4 | low));
		at += 2;
	}
	return 0;
}

static bool form_key_is(const char *at, const char *end, const char *name)
{
	struct buf decoded = BUF_INIT;

	bool is = form_decode(at, end, &decoded) == 0 && decoded.len == strlen(name) &&
		  memcmp(decoded.data, name, decoded.len) == 0;
	buf_release(&decoded);
	return is;
}

/* Finds the value of a field in a=1&b=2. Returns false when it is not there. */
static bool form_find(
	const struct buf *body, const char *name, const char **value, const char **value_end)
{
	const char *at = body->data;
	const char *end = at + body->len;

	while (at < end) {
		const char *stop = memchr(at, '&', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		const char *equals = memchr(at, '=', (size_t)(stop - at));
		if (equals != NULL && form_key_is(at, equals, name)) {
			*value = equals + 1;
			*value_end = stop;
			return true;
		}
		at = stop + 1;
	}
	return false;
}

static int from_form(struct user *user, const struct buf *body, struct cause *cause)
{
	const char *value, *value_end;
	struct buf name = BUF_INIT;

	if (!form_find(body, key, &value, &value_end))
		return cause_set(cause, "the form has no %s=", key);
	int result =
		form_decode(value, value_end, &name) == 0
			? user_set_name(user, name.data, name.len, cause)
			: cause_set(cause, "%s has a %% that two hex digits do not follow", key);
	buf_release(&name);
	return result;
}

static bool type_is(const char *type, const char *wanted)
{
	size_t len = strcspn(type, "; \t");

	return len == strlen(wanted) && strncasecmp(type, wanted, len) == 0;
}

int user_from_body(struct user *user, const char *type, const struct buf *body, struct cause *cause)
{
	static const char json[] = "application/json";
	static const char form[] = "application/x-www-form-urlencoded";

	if (body->len == 0)
		return cause_set(cause, "the body is empty");
	if (type == NULL)
		type = first_is(body, '{') ? json : form;
	if (type_is(type, json))
		return from_json(user, body, cause);
	if (type_is(type, form))
		return from_form(user, body, cause);
	return cause_set(cause, "the body must be %s or %s", json, form);
}

char *user_to_json(const struct user *user)
{
	bson_t doc = BSON_INITIALIZER;

	if (user->oid[0] != '\0')
		BSON_APPEND_UTF8(&doc, "id", user->oid);
	else
		BSON_APPEND_INT64(&doc, "id", user->id);
	BSON_APPEND_UTF8(&doc, key, user->name);
	BSON_APPEND_DATE_TIME(&doc, "created", user->created_ms);
	char *json = bson_as_relaxed_extended_json(&doc, NULL);
	char *copy = xstrdup(json != NULL ? json : "{}");
	bson_free(json);
	bson_destroy(&doc);
	return copy;
}
