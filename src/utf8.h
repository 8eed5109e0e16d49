/*
 * utf8: telling text from other bytes.
 *
 * Whatever a program prints may be anything. JSON and BSON take only valid UTF-8 and a terminal
 * only text; who writes for them goes through here.
 */
#ifndef GRACECTL_UTF8_H
#define GRACECTL_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/*
 * Looks at the first character of text (len > 0). Returns its length in bytes and its code, or 0
 * when the bytes there are not valid UTF-8: too long a form, a surrogate, above U+10FFFF, cut off.
 */
size_t utf8_decode(const char *text, size_t len, uint32_t *code);

/* How many columns of a terminal a character takes: most of East Asia and most pictures 2, what is
 * written onto the character before it 0, others 1. */
unsigned utf8_columns(uint32_t code);

/* How many bytes at the front of text are printable ASCII or tab: a quick way over the common case.
 */
size_t utf8_plain(const char *text, size_t len);

/* How much of a text that was cut at len is left without a character that was cut through. */
size_t utf8_whole(const char *text, size_t len);

/* Appends text with every byte that is not valid UTF-8 replaced by U+FFFD. */
void utf8_append_valid(struct buf *out, const char *text, size_t len);

/*
 * Appends text so that it cannot do anything to a terminal: control characters (C0 without tab,
 * DEL, C1, those that end a line or turn its direction round) and invalid bytes become \x1b; the
 * rest stays.
 */
void utf8_append_safe(struct buf *out, const char *text, size_t len);

/* Appends JSON, the same characters in its strings as \u009b, which means the same. */
void utf8_append_json(struct buf *out, const char *json, size_t len);

/* Replaces in place what would not be text in one line: every control character, and every byte
 * that is not valid UTF-8, by "?". */
void utf8_make_plain(char *text);

#endif
