/*
 * Tests of wire: frames out of a stream of bytes, and requests of clients that mean well or not.
 */
#include "wire.h"

#include <stdlib.h>

#include "doc.h"
#include "tap.h"
#include "xmalloc.h"

/* ---- frames ---- */

static void test_frames(void)
{
	static const unsigned char smallest[] = {5, 0, 0, 0, 0};
	unsigned char bytes[64] = {20, 0, 0, 0};

	is_int(wire_frame("", 0, 100), 0, "nothing is not yet a message");
	is_int(wire_frame(bytes, 3, 100), 0, "three bytes do not even tell its size");
	is_int(wire_frame(bytes, 4, 100), 0, "four bytes tell it, and that it is not complete");
	is_int(wire_frame(bytes, 19, 100), 0, "with one byte missing it is not complete");
	is_int(wire_frame(bytes, 20, 100), 20, "with the last byte it is");
	is_int(wire_frame(bytes, 64, 100), 20, "what follows belongs to the next one");
	is_int(wire_frame(bytes, 64, 20), 20, "it may be as long as the limit");
	is_int(wire_frame(bytes, 64, 19), -1, "but not longer");
	is_int(wire_frame(bytes, 4, 19), -1, "which is noticed as soon as its size is there");
	is_int(wire_frame(smallest, 5, 100), 5, "the smallest message has five bytes");
	for (unsigned char size = 0; size < 5; size++) {
		bytes[0] = size;
		is_int(wire_frame(bytes, 64, 100), -1, "what is smaller is no message");
	}
	is_int(wire_frame("GET / HTTP/1.1\r\n\r\n", 18, WIRE_REQUEST_MAX), -1,
		"HTTP is no message");
	is_int(wire_frame("\xff\xff\xff\xff", 4, WIRE_REQUEST_MAX), -1, "nor is a negative size");
	is_int(wire_frame("\x00\x00\x00\x80", 4, WIRE_REQUEST_MAX), -1, "however it is written");
}

/* ---- requests ---- */

/* Reads a document as a request; what went wrong is in cause. */
static int read_doc(bson_t *doc, struct wire_request *request, struct cause *cause)
{
	cause_set(cause, "%s", "");
	return wire_read_request(bson_get_data(doc), doc->len, request, cause);
}

static bool is_refused(bson_t *doc, const char *sentence)
{
	struct wire_request request;
	struct cause cause;
	int result = read_doc(doc, &request, &cause);

	bson_destroy(doc);
	if (result == 0) {
		wire_request_release(&request);
		printf("# it was not refused\n");
		return false;
	}
	if (strstr(cause.text, sentence) == NULL)
		printf("# it said: %s\n", cause.text);
	return strstr(cause.text, sentence) != NULL;
}

/* {v: 1, cmd: "start"}, to be extended. */
static void begin_request(bson_t *doc)
{
	bson_init(doc);
	BSON_APPEND_INT32(doc, "v", WIRE_VERSION);
	BSON_APPEND_UTF8(doc, "cmd", "start");
}

static void test_round_trip(void)
{
	struct wire_request out = {.cmd = "restart", .events = true, .long_listing = true}, in;
	struct buf bytes = BUF_INIT;
	struct cause cause;

	strlist_add(&out.targets, "web");
	strlist_add(&out.targets, "worker.12");
	buf_adds(&bytes, "before");
	wire_write_request(&out, &bytes);
	size_t len = bytes.len - 6;
	is_int(wire_frame(bytes.data + 6, len, WIRE_REQUEST_MAX), (int64_t)len,
		"a written request is one frame, appended to what was there");
	is_int(wire_read_request(bytes.data + 6, len, &in, &cause), 0, "it is read back");
	is_str(in.cmd, "restart", "with its command");
	ok(in.events && in.long_listing, "its wishes");
	is_int((int64_t)in.targets.count, 2, "its targets");
	is_str(in.targets.items[0], "web", "the first");
	is_str(in.targets.items[1], "worker.12", "and the second");
	ok(in.base == NULL, "and no base");
	wire_request_release(&in);
	is_int(wire_read_request(bytes.data + 6, len - 1, &in, &cause), -1,
		"a byte less is no request");
	buf_addc(&bytes, '\0');
	is_int(wire_read_request(bytes.data + 6, len + 1, &in, &cause), -1, "nor is a byte more");
	wire_request_release(&out);
	buf_release(&bytes);
}

static void test_base(void)
{
	struct wire_request out = {.cmd = "stop"}, in;
	struct buf bytes = BUF_INIT;
	struct cause cause;
	bson_t child;

	out.base = bson_new();
	BSON_APPEND_DOCUMENT_BEGIN(out.base, "0", &child);
	BSON_APPEND_UTF8(&child, "dyno", "web.1");
	BSON_APPEND_INT64(&child, "launches", 7);
	bson_append_document_end(out.base, &child);
	wire_write_request(&out, &bytes);
	is_int(wire_read_request(bytes.data, bytes.len, &in, &cause), 0,
		"a request with a base is read");
	ok(in.base != NULL && bson_equal(in.base, out.base), "with its base");
	memset(bytes.data, 0xff, bytes.len);
	ok(in.base != NULL && bson_equal(in.base, out.base), "which does not live in the message");
	wire_request_release(&in);
	ok(in.base == NULL, "and goes with the request");
	wire_request_release(&out);
	buf_release(&bytes);
}

static void test_defaults(void)
{
	struct wire_request request;
	struct cause cause;
	bson_t doc;

	begin_request(&doc);
	is_int(read_doc(&doc, &request, &cause), 0, "version and command are enough");
	is_str(request.cmd, "start", "the command is there");
	ok(!request.events && !request.long_listing && request.targets.count == 0,
		"and nothing else is wished");
	wire_request_release(&request);
	BSON_APPEND_INT32(&doc, "events", 1);
	BSON_APPEND_UTF8(&doc, "long", "true");
	BSON_APPEND_UTF8(&doc, "colour", "green");
	is_int(read_doc(&doc, &request, &cause), 0, "a field that nobody knows does not matter");
	ok(!request.events && !request.long_listing, "a wish of a wrong type is none");
	wire_request_release(&request);
	bson_destroy(&doc);

	bson_init(&doc);
	BSON_APPEND_INT64(&doc, "v", WIRE_VERSION);
	BSON_APPEND_INT32(&doc, "cmd", 5);
	BSON_APPEND_INT32(&doc, "base", 5);
	is_int(read_doc(&doc, &request, &cause), 0, "a version may be a long number");
	is_str(request.cmd, "", "a command of a wrong type is none");
	ok(request.base == NULL, "nor is a base");
	wire_request_release(&request);
	bson_destroy(&doc);

	bson_init(&doc);
	BSON_APPEND_INT32(&doc, "v", WIRE_VERSION);
	BSON_APPEND_UTF8(&doc, "cmd", "startstartstartstart");
	is_int(read_doc(&doc, &request, &cause), 0, "a long command is cut");
	is_int((int64_t)strlen(request.cmd), sizeof request.cmd - 1, "to the room that there is");
	wire_request_release(&request);
	bson_destroy(&doc);
}

static void test_versions(void)
{
	bson_t doc;

	bson_init(&doc);
	BSON_APPEND_UTF8(&doc, "cmd", "start");
	ok(is_refused(&doc, "speaks version 0 of the protocol"),
		"a request without version is refused");
	bson_init(&doc);
	BSON_APPEND_INT32(&doc, "v", WIRE_VERSION + 1);
	ok(is_refused(&doc, "speaks version 2 of the protocol, the supervisor version 1"),
		"another version is refused, and both are named");
	bson_init(&doc);
	BSON_APPEND_UTF8(&doc, "v", "1");
	ok(is_refused(&doc, "speaks version 0"), "a version of a wrong type is none");
	bson_init(&doc);
	BSON_APPEND_INT64(&doc, "v", WIRE_VERSION + (INT64_C(1) << 32));
	ok(is_refused(&doc, "speaks version 4294967297"), "a version is not cut to 32 bits");
}

/* A request with one target of that type. */
static void begin_targets(bson_t *doc, bson_t *list)
{
	begin_request(doc);
	bson_append_array_begin(doc, "targets", -1, list);
}

static bool target_is_refused(const char *target, int len, const char *sentence)
{
	bson_t doc, list;

	begin_targets(&doc, &list);
	bson_append_utf8(&list, "0", 1, target, len);
	bson_append_array_end(&doc, &list);
	return is_refused(&doc, sentence);
}

static void test_targets(void)
{
	char name[130];
	bson_t doc, list;

	begin_request(&doc);
	BSON_APPEND_UTF8(&doc, "targets", "web");
	ok(is_refused(&doc, "targets are not a list"), "targets that are a text are refused");
	begin_request(&doc);
	BSON_APPEND_DOCUMENT_BEGIN(&doc, "targets", &list);
	bson_append_document_end(&doc, &list);
	ok(is_refused(&doc, "targets are not a list"), "targets that are a document too");
	begin_request(&doc);
	BSON_APPEND_NULL(&doc, "targets");
	ok(is_refused(&doc, "targets are not a list"), "and targets that are null");
	begin_targets(&doc, &list);
	BSON_APPEND_UTF8(&list, "0", "web");
	BSON_APPEND_INT32(&list, "1", 5);
	bson_append_array_end(&doc, &list);
	ok(is_refused(&doc, "targets are not names"), "a number is no target");
	ok(target_is_refused("", 0, "empty or too long"), "nor is an empty name");
	memset(name, 'a', sizeof name);
	ok(target_is_refused(name, 129, "empty or too long"), "nor one of 129 bytes");
	ok(!target_is_refused(name, 128, "empty or too long"),
		"but one of 128 is (see the line above)");
	ok(target_is_refused("web\0.1", 6, "not a valid document"), "nor one with a NUL in it");
	ok(target_is_refused("web\xff", 4, "not a valid document"), "nor one that is no UTF-8");
	begin_request(&doc);
	BSON_APPEND_SYMBOL(&doc, "more", "x");
	ok(is_refused(&doc, "not a valid document"), "no request has a symbol");
	begin_request(&doc);
	BSON_APPEND_CODE(&doc, "more", "x");
	ok(is_refused(&doc, "not a valid document"), "nor code");
}

static void test_many_targets(void)
{
	struct wire_request request;
	struct cause cause;
	bson_t doc, list;
	char key[16];

	for (int extra = 0; extra < 2; extra++) {
		begin_targets(&doc, &list);
		for (int i = 0; i < WIRE_TARGETS_MAX + extra; i++) {
			snprintf(key, sizeof key, "%d", i);
			BSON_APPEND_UTF8(&list, key, "web.1");
		}
		bson_append_array_end(&doc, &list);
		if (extra == 1) {
			ok(is_refused(&doc, "too many"),
				"one target more than the limit is refused");
			continue;
		}
		ok(doc.len <= WIRE_REQUEST_MAX, "as many targets as allowed fit into a frame");
		is_int(read_doc(&doc, &request, &cause), 0, "and are read");
		is_int((int64_t)request.targets.count, WIRE_TARGETS_MAX, "all of them");
		wire_request_release(&request);
		bson_destroy(&doc);
	}
}

/* ---- garbage ---- */

static void test_garbage(void)
{
	struct wire_request request;
	struct cause cause = {""};
	bson_t doc;

	begin_request(&doc);
	size_t len = doc.len;
	unsigned char *bytes = xmalloc(len);
	int crashes = 0;
	/* Every byte of a request, changed to some values each. */
	for (size_t at = 4; at < len; at++)
		for (int value = 0; value < 256; value += 15) {
			memcpy(bytes, bson_get_data(&doc), len);
			bytes[at] = (unsigned char)value;
			if (wire_read_request(bytes, len, &request, &cause) == 0)
				wire_request_release(&request);
			else if (cause.text[0] == '\0')
				crashes++;
		}
	is_int(crashes, 0, "a request with a wrong byte is read, or refused with a sentence");
	is_int(wire_read_request("\5\0\0\0\0", 5, &request, &cause), -1,
		"the empty message is no request");
	is_int(wire_read_request("", 0, &request, &cause), -1, "neither is nothing");
	free(bytes);
	bson_destroy(&doc);
}

/* Documents in documents, as deep as the limit of a request allows: 7 bytes for each. */
static void test_depth(void)
{
	enum {
		LEVEL = 7,
		INNER = 5
	};
	size_t depth = (WIRE_REQUEST_MAX - INNER) / LEVEL;
	size_t len = depth * LEVEL + INNER;
	unsigned char *bytes = xcalloc(1, len);
	struct wire_request request;
	struct cause cause = {""};

	for (size_t i = 0; i <= depth; i++) {
		uint32_t size = BSON_UINT32_TO_LE((uint32_t)(len - i * LEVEL));
		if (i < depth)
			size = BSON_UINT32_TO_LE((uint32_t)((depth - i) * LEVEL + INNER));
		else
			size = BSON_UINT32_TO_LE(INNER);
		unsigned char *at = bytes + i * (LEVEL - 1);
		memcpy(at, &size, sizeof size);
		if (i < depth)
			at[4] = 0x03; /* a document with the name "" */
	}
	is_int(wire_frame(bytes, len, WIRE_REQUEST_MAX), (int64_t)len,
		"a deep document is a frame");
	is_int(wire_read_request(bytes, len, &request, &cause), -1,
		"but no request, and does not exhaust the stack");
	free(bytes);
}

/* ---- answers ---- */

static void test_answer(void)
{
	struct buf out = BUF_INIT;
	bson_t doc, read;

	for (int i = 0; i < 2; i++) {
		wire_begin(&doc, "done");
		BSON_APPEND_INT32(&doc, "code", i);
		wire_add(&doc, &out);
	}
	ssize_t first = wire_frame(out.data, out.len, WIRE_ANSWER_MAX);
	ok(first > 0 && (size_t)first * 2 == out.len, "two answers are two frames");
	ok(bson_init_static(&read, (uint8_t *)out.data + first, (size_t)first),
		"the second can be read");
	is_int(doc_int(&read, "v"), WIRE_VERSION, "it has the version");
	is_str(doc_text(&read, "type"), "done", "the type");
	is_int(doc_int(&read, "code"), 1, "and what was added");
	is_str(doc_text(&read, "code"), "", "a number is no text");
	is_int(doc_int(&read, "type"), 0, "and a text no number");
	is_int(doc_int(&read, "missing"), 0, "a missing field is nothing");
	buf_release(&out);
}

int main(void)
{
	test_frames();
	test_round_trip();
	test_base();
	test_defaults();
	test_versions();
	test_targets();
	test_many_targets();
	test_garbage();
	test_depth();
	test_answer();
	return tap_done();
}
