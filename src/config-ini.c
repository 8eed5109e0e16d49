/*
 * config-ini: reads gracectl.ini with inih.
 *
 * inih says neither in which line a setting stands nor that a section has begun, cuts section
 * names at 49 characters, and reports only the first bad line. All this is known to the function
 * that hands it its lines: it counts them, takes the section headings for itself, and sees a line
 * that no call of the handler answered. inih's extensions are turned off, because each could change
 * a command unseen: no comment behind a value (a ";" belongs to the command), no value over several
 * lines, no ":" in the place of "=".
 */
#include "config-source.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "suggest.h"

enum {
	INI_NO_MEMORY = -2
};

struct ini {
	struct line_reader lines;
	struct source *source;
	int section;   /* index of the current one, -1 before the first */
	bool awaited;  /* a line was handed to inih that must give a setting */
	bool indented; /* it began with a blank */
};

/*
 * Section headings
 */

static const char *const titles[] = {"app", "defaults", "process"};
enum {
	TITLE_COUNT = sizeof titles / sizeof titles[0]
};

static void refuse_heading(struct ini *ini, const char *heading)
{
	int word = (int)strcspn(heading, " \t");
	char first[SECTION_TEXT];

	snprintf(first, sizeof first, "%.*s", word, heading);
	const char *meant = suggest_closest(first, titles, TITLE_COUNT);
	const char *name = meant != NULL ? heading + word : heading;

	while (isspace((unsigned char)*name))
		name++;
	if (meant == NULL && process_name_is_valid(name))
		meant = "process";
	if (meant == NULL)
		source_error(ini->source, ini->lines.line,
			"section [%.80s] is unknown; there are [app], [defaults] and "
			"[process NAME]",
			heading);
	else
		source_error(ini->source, ini->lines.line,
			"section [%.80s] is unknown; did you mean [%s%s%.63s]?", heading, meant,
			strcmp(meant, "process") == 0 ? " " : "",
			strcmp(meant, "process") != 0 ? ""
			: *name != '\0'		      ? name
						      : "NAME");
}

/* Splits a heading into kind and the process's name, which is "" for the other kinds. */
static enum section_kind read_heading(struct ini *ini, char *heading, const char **name)
{
	*name = "";
	if (strcmp(heading, "app") == 0)
		return SECTION_APP;
	if (strcmp(heading, "defaults") == 0)
		return SECTION_DEFAULTS;
	if (strncmp(heading, "process", 7) != 0 ||
		(heading[7] != '\0' && !isspace((unsigned char)heading[7]))) {
		refuse_heading(ini, heading);
		return SECTION_UNKNOWN;
	}
	const char *given = text_trim(heading + 7);
	if (process_name_is_valid(given)) {
		*name = given;
		return SECTION_PROCESS;
	}
	source_error(ini->source, ini->lines.line,
		"section [process%s%.80s]: the name of a process has 1 to %d letters, digits, "
		"\"-\" "
		"or \"_\", such as [process web]",
		*given != '\0' ? " " : "", given, PROCESS_NAME_MAX);
	return SECTION_UNKNOWN;
}

/* Makes the section current: a new one, or the one that stands already. */
static void open_section(struct ini *ini, enum section_kind kind, const char *name)
{
	struct section *section = source_find_section(ini->source, kind, name);
	char title[SECTION_TEXT];

	if (section == NULL || kind == SECTION_UNKNOWN)
		section = source_add_section(ini->source, kind, name, ini->lines.line);
	else
		source_error(ini->source, ini->lines.line,
			"section %s stands a second time, the first is in line %d; keep one of "
			"them",
			section_format(section, title), section->line);
	ini->section = (int)(section - ini->source->sections);
}

static void take_heading(struct ini *ini, char *line)
{
	char *close = strchr(line, ']');
	const char *name = "";
	enum section_kind kind = SECTION_UNKNOWN;

	if (close == NULL)
		source_error(ini->source, ini->lines.line,
			"\"%.80s\": the \"]\" of the section is missing", line);
	else if (strspn(close + 1, " \t") != strcspn(close + 1, ";#"))
		source_error(ini->source, ini->lines.line,
			"\"%.80s\": nothing may follow the \"]\" of a section", line);
	else {
		*close = '\0';
		kind = read_heading(ini, text_trim(line + 1), &name);
	}
	open_section(ini, kind, name);
}

/*
 * Lines and settings
 */

/* A line that inih made no setting of. */
static void refuse_line(struct ini *ini)
{
	if (!ini->awaited)
		return;
	ini->awaited = false;
	source_error(ini->source, ini->lines.line, "\"%.80s\" is not KEY = VALUE%s",
		ini->lines.text, ini->indented ? "; a value cannot go on in the next line" : "");
}

static bool is_comment(const char *text)
{
	return *text == '\0' || *text == ';' || *text == '#';
}

/* inih's way to ask for a line: fgets() on our text. Headings and comments are not its business. */
static char *next_line_cb(char *to, int size, void *stream)
{
	struct ini *ini = stream;
	char *line;

	refuse_line(ini);
	while ((line = line_reader_next(&ini->lines, ini->source)) != NULL) {
		ini->indented = isspace((unsigned char)line[0]);
		line = text_trim(line);
		if (is_comment(line))
			continue;
		if (*line != '[')
			break;
		take_heading(ini, line);
	}
	if (line == NULL)
		return NULL;
	memmove(ini->lines.text, line, strlen(line) + 1);
	ini->awaited = true;
	snprintf(to, (size_t)size, "%s", ini->lines.text);
	return to;
}

static int setting_cb(void *user, const char *heading, const char *key, const char *value)
{
	struct ini *ini = user;
	const char *line = ini->lines.text;

	(void)heading;
	if (*key == '\0' || line[strcspn(line, "=:")] == ':')
		return 0;
	ini->awaited = false;
	if (ini->section < 0) {
		source_error(ini->source, ini->lines.line,
			"key `%.80s` stands before any section; begin with [app], [defaults] or "
			"[process NAME]",
			key);
		return 1;
	}
	struct section *section = &ini->source->sections[ini->section];
	if (section->kind != SECTION_UNKNOWN)
		source_add_setting(ini->source, section, key, value, ini->lines.line);
	return 1;
}

void ini_read(struct source *source, const char *text, size_t len)
{
	struct ini ini = {.source = source, .section = -1};

	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_use_stack = false;
	ini_initial_alloc = ini_max_line = CONFIG_LINE_MAX + 3;
	line_reader_init(&ini.lines, text, len);
	if (ini_parse_stream(next_line_cb, &ini, setting_cb, &ini) == INI_NO_MEMORY)
		source_error(source, 0, "there is not enough memory to read it");
}
