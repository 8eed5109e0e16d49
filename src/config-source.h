/*
 * config-source: a configuration as it is written, before anybody asks what it means.
 *
 * gracectl.ini and the Procfile are both read into this form: sections with settings, each with
 * the line where it stands. A Procfile is a source whose process sections have one setting, the
 * command. Problems are collected in the same place, so the readers need nothing else.
 */
#ifndef GRACECTL_CONFIG_SOURCE_H
#define GRACECTL_CONFIG_SOURCE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"

enum section_kind {
	SECTION_APP,
	SECTION_DEFAULTS,
	SECTION_PROCESS,
	SECTION_UNKNOWN, /* reported already; its settings are ignored */
};

/* One "key = value". */
struct setting {
	char *key;
	char *value; /* without the blanks around it; may be "" */
	int line;
};

struct section {
	enum section_kind kind;
	char *name; /* of the process, for SECTION_PROCESS; "" else */
	int line;
	struct setting *settings;
	size_t count;
};

/* All strings and arrays are owned by it, except path and problems. */
struct source {
	const char *path;
	struct config_problems *problems;
	struct section *sections;
	size_t count;
};

/* Appends a section; the pointer holds until the next one is added. From SECTIONS_MAX on it is a
 * problem, and the last section takes what follows. */
struct section *source_add_section(
	struct source *source, enum section_kind kind, const char *name, int line);

/* The section of that kind and name (NULL: any), or NULL. */
struct section *source_find_section(
	const struct source *source, enum section_kind kind, const char *name);

/*
 * Appends a setting. A key that stands in the section already is a problem: the first one stays,
 * and both lines are named. So are a setting too long to be printed as one line and a value with
 * characters that a line of text cannot hold.
 */
void source_add_setting(struct source *source, struct section *section, const char *key,
	const char *value, int line);

/* The setting of that key in a section (which may be NULL), or NULL. */
const struct setting *section_find(const struct section *section, const char *key);

/* The setting that counts for a process: of its own section, else of [defaults]; NULL when unset.
 */
const struct setting *source_find_setting(
	const struct source *source, const char *process, const char *key);

/* Removes its settings. */
void section_clear(struct section *section);

/* Writes a section's heading, such as "[process web]", for messages. */
enum {
	SECTION_TEXT = PROCESS_NAME_MAX + 16
};
const char *section_format(const struct section *section, char text[static SECTION_TEXT]);

void source_release(struct source *source);

/* Notes a mistake, or something worth telling, in a line of the source; line 0 belongs to no line.
 */
void source_error(struct source *source, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void source_warn(struct source *source, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for any file. Only the first PROBLEMS_MAX are kept; all errors are counted. */
enum {
	PROBLEMS_MAX = 200
};
void problems_add(struct config_problems *problems, const char *file, int line, bool warning,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void problems_vadd(struct config_problems *problems, const char *file, int line, bool warning,
	const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

/* Brings the problems of `file` into the order of its lines, before those of other files. */
void problems_sort(struct config_problems *problems, const char *file);

/*
 * The lines of a text in memory, one by one: counted, without their end (LF or CRLF) and without a
 * byte order mark. A line that is too long or has a NUL byte is reported and passed over.
 */
struct line_reader {
	const char *at;
	const char *end;
	int line; /* of the line returned last, from 1 */
	char text[CONFIG_LINE_MAX + 1];
};

void line_reader_init(struct line_reader *reader, const char *text, size_t len);

/* The next line, which may be changed in place and holds until the next call; NULL at the end. */
char *line_reader_next(struct line_reader *reader, struct source *source);

/* Nobody writes by hand what is larger, and a limit keeps the time to read it short. */
enum {
	SECTIONS_MAX = 4096,
	SETTINGS_MAX = 1024
};

/* The readers: each appends to a source that has its path and problems set. */
void ini_read(struct source *source, const char *text, size_t len);
void procfile_read(struct source *source, const char *text, size_t len);

/* Cuts the blanks at both ends, in place. */
char *text_trim(char *text);

#endif
