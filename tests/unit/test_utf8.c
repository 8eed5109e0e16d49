/* Unit tests of utf8: what is text, and what becomes of the rest. */
#include "tap.h"
#include "utf8.h"

static const char *valid(const char *text, size_t len)
{
	static struct buf out;

	buf_reset(&out);
	utf8_append_valid(&out, text, len);
	return out.len > 0 ? out.data : "";
}

static const char *safe(const char *text, size_t len)
{
	static struct buf out;

	buf_reset(&out);
	utf8_append_safe(&out, text, len);
	return out.len > 0 ? out.data : "";
}

#define VALID(text) valid(text, sizeof(text) - 1)
#define SAFE(text) safe(text, sizeof(text) - 1)
#define BAD "\xef\xbf\xbd"

static const char *plain(const char *given)
{
	static char text[64];

	snprintf(text, sizeof text, "%s", given);
	utf8_make_plain(text);
	return text;
}

static void test_whole(void)
{
	const char *text = "a\u00e9\u20ac";

	is_int((int64_t)utf8_whole(text, 6), 6, "a text that ends with a character is whole");
	is_int((int64_t)utf8_whole(text, 5), 3, "two bytes of three are left out");
	is_int((int64_t)utf8_whole(text, 4), 3, "one byte of three is left out");
	is_int((int64_t)utf8_whole(text, 2), 1, "one byte of two is left out");
	is_int((int64_t)utf8_whole(text, 1), 1, "an ASCII character is whole");
	is_int((int64_t)utf8_whole(text, 0), 0, "so is nothing");
	is_int((int64_t)utf8_whole("\x80\x80\x80\x80\x80", 5), 5, "what was no text is left alone");
}

static void test_columns(void)
{
	is_int(utf8_columns('a'), 1, "a letter is a column wide");
	is_int(utf8_columns(0xe9), 1, "also one with an accent");
	is_int(utf8_columns(0x301), 0, "the accent alone is not");
	is_int(utf8_columns(0x670d), 2, "a character of East Asia is two");
	is_int(utf8_columns(0x1f680), 2, "a picture is two");
	is_int(utf8_columns(0x2588), 1, "a block is one");
	is_int(utf8_columns(0x10ffff), 1, "what is not known is taken for one");
}

static void test_plain(void)
{
	is_str(plain("node"), "node", "a plain name stays");
	is_str(plain("caf\u00e9"), "caf\u00e9", "letters of any language stay");
	is_str(plain("a\nb\033[31mc\x7f"), "a?b?[31mc?", "control characters do not");
	is_str(plain("x\xff\xc3"), "x??", "nor bytes that are no text, or cut off");
	is_str(plain("\xc2\x85"), "??", "nor the control characters beyond ASCII");
	is_str(plain("a\u202e\u2028b"), "a??????b", "nor those that change the line");
	is_str(plain(""), "", "nothing stays nothing");
}

static void test_json(void)
{
	struct buf out = BUF_INIT;
	static const char text[] = "{ \"a\\n\" : \"caf\xc3\xa9 \xc2\x9b"
				   "2J\x7f \xe2\x80\xae \xf0\x9f\x92\xa5\xff\" }";

	utf8_append_json(&out, text, sizeof text - 1);
	is_str(out.data,
		"{ \"a\\n\" : \"caf\xc3\xa9 \\u009b2J\\u007f \\u202e "
		"\xf0\x9f\x92\xa5\xff\" }",
		"in JSON they are written as numbers, and nothing else changes");
	buf_release(&out);
}

int main(void)
{
	test_columns();
	is_str(VALID("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa5"),
		"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x92\xa5",
		"characters of one to four bytes are valid");
	is_str(VALID("a\xff"
		     "b\x80"),
		"a" BAD "b" BAD, "stray bytes are replaced one by one");
	is_str(VALID("\xc3"), BAD, "a character that is cut off is replaced");
	is_str(VALID("\xe2\x82"
		     "A"),
		BAD BAD "A", "and what follows it is kept");
	is_str(VALID("\xc0\xaf"), BAD BAD, "a longer form than needed is not valid");
	is_str(VALID("\xe0\x80\xaf"), BAD BAD BAD, "whatever its length");
	is_str(VALID("\xed\xa0\x80"), BAD BAD BAD, "a surrogate is not valid");
	is_str(VALID("\xf4\x90\x80\x80"), BAD BAD BAD BAD, "nor anything above U+10FFFF");
	is_str(VALID("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf", "U+10FFFF is");

	is_str(SAFE("plain\ttext \xc3\xa9"), "plain\ttext \xc3\xa9", "text and tabs are safe");
	is_str(SAFE("\x1b[2J\a\r\n"), "\\x1b[2J\\x07\\x0d\\x0a", "C0 characters are shown");
	is_str(SAFE("a\0b\x7f"), "a\\x00b\\x7f", "so are NUL and DEL");
	is_str(SAFE("\xc2\x9b"
		    "2J\xc2\xa0"),
		"\\xc2\\x9b2J\xc2\xa0", "so are C1 characters, but not what follows them");
	is_str(SAFE("\u202e\u2066\u200f"), "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8f",
		"what turns the direction round is shown");
	is_str(SAFE("\u2028\u2029"), "\\xe2\\x80\\xa8\\xe2\\x80\\xa9", "and what ends a line");
	is_str(SAFE("\u200d\u202f\u2065"), "\u200d\u202f\u2065",
		"but not what stands beside these");
	is_str(SAFE("\x9b\xff"), "\\x9b\\xff", "and bytes that are no text");
	test_json();
	test_whole();
	test_plain();
	return tap_done();
}
