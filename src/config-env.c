/* config-env: see the header. */
#include "config-env.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "config-source.h"

struct env_reader {
	const char *at; /* the text ends with a NUL and has none inside */
	int line;
	struct buf key;
	struct buf value;
};

bool env_key_is_valid(const char *key)
{
	if (!isalpha((unsigned char)*key) && *key != '_')
		return false;
	while (isalnum((unsigned char)*key) || *key == '_' || *key == '.' || *key == '-')
		key++;
	return *key == '\0';
}

static void skip_blanks(struct env_reader *reader)
{
	reader->at += strspn(reader->at, " \t");
}

static void next_line(struct env_reader *reader)
{
	reader->at += strcspn(reader->at, "\n");
	if (*reader->at == '\n')
		reader->at++;
	reader->line++;
}

/*
 * The parts of an entry. Each returns NULL, or what is wrong.
 */

static const char *read_key(struct env_reader *reader)
{
	static const char export[] = "export";
	size_t len = sizeof export - 1;

	if (strncmp(reader->at, export, len) == 0 && strchr(" \t", reader->at[len]) != NULL &&
		reader->at[len] != '\0') {
		reader->at += len;
		skip_blanks(reader);
	}
	len = strcspn(reader->at, "= \t\n");
	buf_append(&reader->key, reader->at, len);
	reader->at += len;
	skip_blanks(reader);
	if (*reader->at != '=')
		return "is not KEY=VALUE";
	reader->at++;
	if (!env_key_is_valid(reader->key.data))
		return "has no valid key; a key has letters, digits, \"_\", \".\" and \"-\" and "
		       "begins with a letter or \"_\"";
	return NULL;
}

/* Up to the end of the line; a "#" after a blank begins a comment. */
static const char *read_bare(struct env_reader *reader)
{
	const char *end = reader->at;

	while (*end != '\0' && *end != '\n' && !(*end == '#' && isblank((unsigned char)end[-1])))
		end++;
	buf_append(&reader->value, reader->at, (size_t)(end - reader->at));
	reader->at = end;
	while (reader->value.len > 0 &&
		isspace((unsigned char)reader->value.data[reader->value.len - 1]))
		reader->value.data[--reader->value.len] = '\0';
	return NULL;
}

/* What a letter after a backslash stands for in double quotes, or 0. */
static char unescape(char letter)
{
	static const char from[] = "nrt\"\\$";
	static const char to[] = "\n\r\t\"\\$";
	const char *found = letter != '\0' ? strchr(from, letter) : NULL;

	return found != NULL ? to[found - from] : '\0';
}

static const char *read_quoted(struct env_reader *reader, char quote)
{
	for (reader->at++; *reader->at != quote; reader->at++) {
		char c = *reader->at;

		if (c == '\0')
			return "has a quotation mark that is never closed";
		if (c == '\\' && quote == '"' && unescape(reader->at[1]) != '\0')
			c = unescape(*++reader->at);
		else if (c == '\n')
			reader->line++;
		buf_addc(&reader->value, c);
	}
	reader->at++;
	skip_blanks(reader);
	if (*reader->at != '\0' && *reader->at != '\n' && *reader->at != '#')
		return "goes on after the closing quotation mark";
	return NULL;
}

static const char *read_entry(struct env_reader *reader)
{
	buf_reset(&reader->key);
	buf_reset(&reader->value);
	buf_adds(&reader->value, "");
	const char *wrong = read_key(reader);
	if (wrong != NULL)
		return wrong;
	skip_blanks(reader);
	if (*reader->at == '\'' || *reader->at == '"')
		wrong = read_quoted(reader, *reader->at);
	else
		wrong = read_bare(reader);
	if (wrong == NULL && reader->value.len > ENV_VALUE_MAX)
		return "has too long a value; 65536 bytes are allowed";
	return wrong;
}

/* CRLF becomes LF, also inside quotes. */
static void copy_lines(const char *text, size_t len, struct buf *out)
{
	const char *end = text + len;

	buf_reserve(out, len);
	for (; text < end; text++)
		if (!(*text == '\r' && (text + 1 == end || text[1] == '\n')))
			buf_addc(out, *text);
}

/* How much of a bad line is told: its beginning, never the value, which may be a secret. */
static int shown_length(const char *line)
{
	enum {
		SHOWN_MAX = 40,
		UNKNOWN_MAX = 12
	};
	size_t len = strcspn(line, "=\n");
	size_t max = line[len] == '=' ? SHOWN_MAX : UNKNOWN_MAX;

	return (int)(len < max ? len : max);
}

static void read_lines(struct env_reader *reader, const char *path, struct strlist *out,
	struct config_problems *problems)
{
	for (; *reader->at != '\0'; next_line(reader)) {
		skip_blanks(reader);
		const char *start = reader->at;
		int line = reader->line;

		if (*start == '\n' || *start == '#' || *start == '\0')
			continue;
		const char *wrong = read_entry(reader);
		if (wrong == NULL && out->count >= ENV_COUNT_MAX)
			wrong = "is one too many; at most 4096 variables are allowed";
		if (wrong == NULL) {
			strlist_setenv(out, reader->key.data, reader->value.data);
			continue;
		}
		problems_add(problems, path, line, false,
			"\"%.*s\" %s; write for example KEY=value or KEY=\"a value\"",
			shown_length(start), start, wrong);
		reader->at = start;
		reader->line = line;
	}
}

void env_read(const char *path, const char *text, size_t len, struct strlist *out,
	struct config_problems *problems)
{
	struct buf copy = BUF_INIT;
	struct env_reader reader = {.line = 1};

	if (len > 0 && memchr(text, '\0', len) != NULL) {
		problems_add(problems, path, 0, false,
			"there is a NUL byte in it; the file must be text with lines KEY=value");
		return;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	copy_lines(text, len, &copy);
	buf_adds(&copy, "");
	reader.at = copy.data;
	read_lines(&reader, path, out, problems);
	buf_release(&copy);
	buf_release(&reader.key);
	buf_release(&reader.value);
}
