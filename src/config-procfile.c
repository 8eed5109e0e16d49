/*
 * config-procfile: reads a Procfile by Heroku's grammar.
 *
 * One "type: command" in a line; blank lines and lines that begin with "#" are passed over. Of two
 * lines with the same type the last counts, with a warning. The type "release" is known to Heroku
 * as a step of a deploy and not as a process, so it is not started.
 */
#include "config-source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The type before the colon, and the command behind it; NULL when the line has not this form. */
static char *split_line(char *line, char **command)
{
	char *colon = strchr(line, ':');

	if (colon == NULL)
		return NULL;
	*colon = '\0';
	if (!process_name_is_valid(line)) {
		*colon = ':';
		return NULL;
	}
	*command = text_trim(colon + 1);
	return line;
}

/* The section of a type; when it stands already it is emptied, for the last one counts. */
static struct section *take_section(struct source *source, const char *type, int line)
{
	struct section *section = source_find_section(source, SECTION_PROCESS, type);

	if (section == NULL)
		return source_add_section(source, SECTION_PROCESS, type, line);
	source_warn(source, line,
		"the type `%s` stands a second time, the first is in line %d; this one counts",
		type, section->line);
	section_clear(section);
	section->line = line;
	return section;
}

static void take_line(struct source *source, char *line, int number)
{
	char *command;
	char *type = split_line(line, &command);

	if (type == NULL)
		source_error(source, number,
			"\"%.80s\" is not TYPE: COMMAND; write for example \"web: node "
			"server.js\", "
			"the type with 1 to %d letters, digits, \"-\" or \"_\"",
			line, PROCESS_NAME_MAX);
	else if (*command == '\0')
		source_error(source, number,
			"the type `%s` has no command; write for example \"%s: node server.js\"",
			type, type);
	else if (strcmp(type, "release") == 0)
		source_warn(source, number,
			"the type `release` is a step of a deploy, not a process: it is not "
			"started");
	else
		source_add_setting(
			source, take_section(source, type, number), "command", command, number);
}

void procfile_read(struct source *source, const char *text, size_t len)
{
	struct line_reader lines;
	char *line;

	line_reader_init(&lines, text, len);
	while ((line = line_reader_next(&lines, source)) != NULL) {
		line = text_trim(line);
		if (*line != '\0' && *line != '#')
			take_line(source, line, lines.line);
	}
}
