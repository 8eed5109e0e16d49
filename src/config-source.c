/* config-source: see the header. */
#include "config-source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "xmalloc.h"

/*
 * Sections and settings
 */

struct section *source_add_section(
	struct source *source, enum section_kind kind, const char *name, int line)
{
	if (source->count == SECTIONS_MAX) {
		source_error(source, line, "there are more than %d sections or process types",
			SECTIONS_MAX);
		return &source->sections[source->count - 1];
	}
	source->sections =
		xreallocarray(source->sections, source->count + 1, sizeof *source->sections);
	struct section *section = &source->sections[source->count++];
	*section = (struct section){.kind = kind, .name = xstrdup(name), .line = line};
	return section;
}

struct section *source_find_section(
	const struct source *source, enum section_kind kind, const char *name)
{
	for (size_t i = 0; i < source->count; i++) {
		struct section *section = &source->sections[i];

		if (section->kind == kind && (name == NULL || strcmp(section->name, name) == 0))
			return section;
	}
	return NULL;
}

const char *section_format(const struct section *section, char text[static SECTION_TEXT])
{
	static const char *const titles[] = {"app", "defaults", "process", "?"};

	snprintf(text, SECTION_TEXT, "[%s%s%s]", titles[section->kind],
		section->name[0] != '\0' ? " " : "", section->name);
	return text;
}

const struct setting *section_find(const struct section *section, const char *key)
{
	if (section == NULL)
		return NULL;
	for (size_t i = 0; i < section->count; i++)
		if (strcmp(section->settings[i].key, key) == 0)
			return &section->settings[i];
	return NULL;
}

const struct setting *source_find_setting(
	const struct source *source, const char *process, const char *key)
{
	const struct setting *own =
		section_find(source_find_section(source, SECTION_PROCESS, process), key);

	return own != NULL ? own
			   : section_find(source_find_section(source, SECTION_DEFAULTS, NULL), key);
}

/* A carriage return or another control character would not survive, or would take over a terminal.
 */
static bool is_plain(const char *value)
{
	for (; *value != '\0'; value++)
		if (iscntrl((unsigned char)*value) && *value != '\t')
			return false;
	return true;
}

void source_add_setting(struct source *source, struct section *section, const char *key,
	const char *value, int line)
{
	const struct setting *twin = section_find(section, key);
	char title[SECTION_TEXT];

	if (twin != NULL) {
		source_error(source, line,
			"key `%.80s`: \"%.80s\" stands in %s a second time, the first is in line "
			"%d; keep one of them",
			key, value, section_format(section, title), twin->line);
		return;
	}
	if (strlen(key) + strlen(" = ") + strlen(value) > CONFIG_LINE_MAX) {
		source_error(source, line,
			"key `%.80s`: \"%.40s...\" is too long; a key and its value have at most "
			"%d bytes",
			key, value, CONFIG_LINE_MAX - 3);
		return;
	}
	if (!is_plain(key) || !is_plain(value)) {
		source_error(source, line,
			"key `%.80s`: \"%.80s\" has a control character in it; remove it", key,
			value);
		return;
	}
	if (section->count == SETTINGS_MAX) {
		source_error(source, line, "key `%.80s`: the section has more than %d keys", key,
			SETTINGS_MAX);
		return;
	}
	section->settings =
		xreallocarray(section->settings, section->count + 1, sizeof *section->settings);
	section->settings[section->count++] =
		(struct setting){.key = xstrdup(key), .value = xstrdup(value), .line = line};
}

void section_clear(struct section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		free(section->settings[i].key);
		free(section->settings[i].value);
	}
	free(section->settings);
	section->settings = NULL;
	section->count = 0;
}

void source_release(struct source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		section_clear(&source->sections[i]);
		free(source->sections[i].name);
	}
	free(source->sections);
	source->sections = NULL;
	source->count = 0;
}

/*
 * Problems
 */

/* A value of [defaults] may be found wrong once for each process; it is told once. */
static bool is_known(
	const struct config_problems *problems, const char *file, int line, const char *text)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct config_problem *known = &problems->items[i];

		if (known->line == line && strcmp(known->file, file) == 0 &&
			strcmp(known->text, text) == 0)
			return true;
	}
	return false;
}

/* Takes ownership of the text. */
static void keep_problem(
	struct config_problems *problems, const char *file, int line, bool warning, char *text)
{
	problems->items =
		xreallocarray(problems->items, problems->count + 1, sizeof *problems->items);
	problems->items[problems->count++] = (struct config_problem){
		.file = xstrdup(file), .line = line, .text = text, .warning = warning};
}

void problems_vadd(struct config_problems *problems, const char *file, int line, bool warning,
	const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap);

	if (is_known(problems, file, line, text)) {
		free(text);
		return;
	}
	problems->errors += !warning;
	if (problems->count < PROBLEMS_MAX) {
		keep_problem(problems, file, line, warning, text);
		return;
	}
	free(text);
	if (problems->count == PROBLEMS_MAX)
		keep_problem(problems, file, 0, warning,
			xasprintf(
				"there are more than %d problems; mend these first", PROBLEMS_MAX));
}

void problems_add(struct config_problems *problems, const char *file, int line, bool warning,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problems_vadd(problems, file, line, warning, fmt, ap);
	va_end(ap);
}

void source_error(struct source *source, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problems_vadd(source->problems, source->path, line, false, fmt, ap);
	va_end(ap);
}

void source_warn(struct source *source, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	problems_vadd(source->problems, source->path, line, true, fmt, ap);
	va_end(ap);
}

/* Other files after `file`, and what belongs to no line after the lines. */
static long problem_rank(const struct config_problem *problem, const char *file)
{
	bool other = strcmp(problem->file, file) != 0;

	return other * 0x200000000L + (problem->line > 0 ? problem->line : 0x100000000L);
}

/* By insertion, because two problems of one line must keep their order. */
void problems_sort(struct config_problems *problems, const char *file)
{
	for (size_t i = 1; i < problems->count; i++) {
		struct config_problem moved = problems->items[i];
		long rank = problem_rank(&moved, file);
		size_t to = i;

		for (; to > 0 && problem_rank(&problems->items[to - 1], file) > rank; to--)
			problems->items[to] = problems->items[to - 1];
		problems->items[to] = moved;
	}
}

void config_problems_release(struct config_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		free(problems->items[i].file);
		free(problems->items[i].text);
	}
	free(problems->items);
	*problems = (struct config_problems){0};
}

void config_problem_print(const struct config_problem *problem, FILE *out)
{
	struct buf text = BUF_INIT;

	fprintf(out, "%s:", problem->file);
	if (problem->line > 0)
		fprintf(out, "%d:", problem->line);
	fprintf(out, " %s: ", problem->warning ? "warning" : "error");
	/* The text quotes the file, which must not be able to steer a terminal. */
	utf8_append_safe(&text, problem->text, strlen(problem->text));
	fprintf(out, "%s\n", text.data);
	buf_release(&text);
}

/*
 * Lines
 */

void line_reader_init(struct line_reader *reader, const char *text, size_t len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

	reader->at = text + skip;
	reader->end = text + len;
	reader->line = 0;
}

char *line_reader_next(struct line_reader *reader, struct source *source)
{
	while (reader->at < reader->end) {
		const char *start = reader->at;
		size_t rest = (size_t)(reader->end - start);
		const char *newline = memchr(start, '\n', rest);
		size_t len = newline != NULL ? (size_t)(newline - start) : rest;

		reader->at = newline != NULL ? newline + 1 : reader->end;
		reader->line++;
		if (len > 0 && start[len - 1] == '\r')
			len--;
		if (len > CONFIG_LINE_MAX) {
			source_error(source, reader->line,
				"the line has %zu bytes, at most %d are allowed", len,
				CONFIG_LINE_MAX);
			continue;
		}
		if (memchr(start, '\0', len) != NULL) {
			source_error(source, reader->line,
				"the line has a NUL byte in it; the file must be text");
			continue;
		}
		memcpy(reader->text, start, len);
		reader->text[len] = '\0';
		return reader->text;
	}
	return NULL;
}

char *text_trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}
