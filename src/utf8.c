/* utf8: see the header. */
#include "utf8.h"

#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

size_t utf8_decode(const char *text, size_t len, uint32_t *code)
{
	/* The smallest code of each length; less is a longer form than needed. */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	unsigned char first = (unsigned char)text[0];
	size_t need = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (need == 0 || first > 0xf4 || need > len)
		return 0;
	*code = need == 1 ? first : first & (0xffu >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		unsigned char next = (unsigned char)text[i];
		if ((next & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (next & 0x3f);
	}
	if (*code < least[need] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return need;
}

/* The C library knows, but tells it of the characters of the locale only, which may be any. */
unsigned utf8_columns(uint32_t code)
{
	static locale_t all;

	if (code < 0x300)
		return 1;
	if (all == 0)
		all = newlocale(LC_CTYPE_MASK, "C.UTF-8", 0);
	if (all == 0)
		return 1;
	locale_t before = uselocale(all);
	int columns = wcwidth((wchar_t)code);
	uselocale(before);
	return columns >= 0 ? (unsigned)columns : 1;
}

size_t utf8_plain(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((text[i] >= ' ' && text[i] <= '~') || text[i] == '\t'))
		i++;
	return i;
}

size_t utf8_whole(const char *text, size_t len)
{
	size_t last = len;
	uint32_t code;

	while (last > 0 && len - last < 3 && ((unsigned char)text[last - 1] & 0xc0) == 0x80)
		last--;
	if (last == 0 || (unsigned char)text[last - 1] < 0xc0)
		return len;
	return utf8_decode(text + last - 1, len - last + 1, &code) > 0 ? len : last - 1;
}

/* C0 without tab (that one is plain), DEL and C1; marks of direction and ends of lines; overrides
 * and isolates. */
static bool is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void append_escaped(struct buf *out, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_addf(out, "\\x%02x", (unsigned char)bytes[i]);
}

void utf8_append_valid(struct buf *out, const char *text, size_t len)
{
	while (len > 0) {
		uint32_t code;
		size_t n = utf8_plain(text, len);
		if (n == 0)
			n = utf8_decode(text, len, &code);
		if (n > 0)
			buf_append(out, text, n);
		else
			buf_adds(out, "\xef\xbf\xbd");
		text += n > 0 ? n : 1;
		len -= n > 0 ? n : 1;
	}
}

void utf8_append_safe(struct buf *out, const char *text, size_t len)
{
	while (len > 0) {
		uint32_t code = 0;
		size_t n = utf8_plain(text, len);
		if (n > 0) {
			buf_append(out, text, n);
		} else if ((n = utf8_decode(text, len, &code)) > 0 && !is_control(code)) {
			buf_append(out, text, n);
		} else {
			n = n > 0 ? n : 1;
			append_escaped(out, text, n);
		}
		text += n;
		len -= n;
	}
}

/* All of them have four digits at most, and none stands between the strings. */
void utf8_append_json(struct buf *out, const char *json, size_t len)
{
	while (len > 0) {
		uint32_t code = 0;
		size_t n = utf8_plain(json, len);
		if (n > 0 || (n = utf8_decode(json, len, &code)) == 0 || !is_control(code))
			buf_append(out, json, n > 0 ? n : 1);
		else
			buf_addf(out, "\\u%04x", (unsigned)code);
		json += n > 0 ? n : 1;
		len -= n > 0 ? n : 1;
	}
}

void utf8_make_plain(char *text)
{
	size_t len = strlen(text), size;
	uint32_t code;

	for (size_t at = 0; at < len; at += size) {
		size = utf8_decode(text + at, len - at, &code);
		bool is_text = size > 0 && !is_control(code);
		if (size == 0)
			size = 1;
		if (!is_text)
			memset(text + at, '?', size);
	}
}
