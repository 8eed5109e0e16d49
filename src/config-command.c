/* config-command: see the header. */
#include "config-command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config-paths.h"
#include "spawn.h"
#include "xmalloc.h"

/* The path that the dyno will search, as the launch composes its environment. */
static const char *search_path(const struct check *check)
{
	const char *own = strlist_getenv(&check->process->env, "PATH");
	const char *file = strlist_getenv(&check->config->env, "PATH");
	const char *ours = getenv("PATH");

	return own != NULL    ? own
	       : file != NULL ? file
	       : ours != NULL ? ours
			      : "/usr/local/bin:/usr/bin:/bin";
}

enum program_state {
	PROGRAM_MISSING,
	PROGRAM_NOT_EXECUTABLE,
	PROGRAM_FINE,
};

/* The path of one that is fine goes to *fine. */
static enum program_state look_at(const char *workdir, const char *path, char **fine)
{
	char *absolute = path_absolute(workdir, path);
	struct stat st;
	enum program_state state = PROGRAM_MISSING;

	if (stat(absolute, &st) == 0)
		state = S_ISREG(st.st_mode) && access(absolute, X_OK) == 0 ? PROGRAM_FINE
									   : PROGRAM_NOT_EXECUTABLE;
	if (state == PROGRAM_FINE)
		*fine = absolute;
	else
		free(absolute);
	return state;
}

static enum program_state search(const struct check *check, const char *program, char **fine)
{
	enum program_state best = PROGRAM_MISSING;

	for (const char *at = search_path(check); at != NULL && best != PROGRAM_FINE;) {
		size_t len = strcspn(at, ":");
		char *path = xasprintf("%.*s/%s", (int)len, at, program);
		/* An empty entry is the current directory, which "/program" would not be. */
		enum program_state state =
			look_at(check->process->workdir, len > 0 ? path : program, fine);

		if (state > best)
			best = state;
		free(path);
		at = at[len] == ':' ? at + len + 1 : NULL;
	}
	return best;
}

/* It may be there when it is started, as what is deployed together comes in any order. */
static void check_interpreter(const struct check *check, const char *path)
{
	char interpreter[SPAWN_INTERPRETER];

	if (spawn_lacks_interpreter(path, interpreter) && interpreter[0] == '/')
		source_warn(check->source, check_line(check, "command"),
			"key `command`: \"%.80s\": the interpreter of `%.120s`, \"%.120s\" in its "
			"first line, does not exist",
			check->process->command, path, interpreter);
}

static void check_program(const struct check *check, const char *program)
{
	const char *command = check->process->command;
	bool is_path = strchr(program, '/') != NULL;
	char *fine = NULL;
	enum program_state state = is_path ? look_at(check->process->workdir, program, &fine)
					   : search(check, program, &fine);
	int line = check_line(check, "command");
	const char *path = search_path(check);

	if (state == PROGRAM_NOT_EXECUTABLE)
		source_error(check->source, line,
			"key `command`: \"%.80s\": `%.80s` is not an executable file; make it one "
			"with chmod +x, or name its interpreter",
			command, program);
	else if (state == PROGRAM_MISSING && is_path)
		source_error(check->source, line,
			"key `command`: \"%.80s\": `%.80s` does not exist (relative paths begin in "
			"workdir, %.120s)",
			command, program, check->process->workdir);
	else if (state == PROGRAM_MISSING)
		source_error(check->source, line,
			"key `command`: \"%.80s\": there is no program `%.80s` in the PATH "
			"(%.200s%s); install it or write its full path",
			command, program, path, strlen(path) > 200 ? "..." : "");
	else
		check_interpreter(check, fine);
	free(fine);
}

/* Programs for which TERM is the quick stop, and the signal that is the graceful one. */
static const struct lint {
	const char *program;
	const char *signal;
} lints[] = {
	{"nginx", "QUIT"},
	{"unicorn", "QUIT"},
	{"php-fpm", "QUIT"},
	{"haproxy", "USR1"},
	{"apache2", "WINCH"},
	{"httpd", "WINCH"},
};

/* Words that only lead to the program that is really run. */
static bool is_prefix(const char *word)
{
	static const char *const prefixes[] = {"exec", "env", "nohup", "bundle"};

	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (strcmp(word, prefixes[i]) == 0)
			return true;
	return strchr(word, '=') != NULL;
}

/* The name of the program that a command runs, without its directory. To free. */
static char *program_name(const char *command)
{
	char *word = NULL;

	do {
		free(word);
		command += strspn(command, " \t");
		size_t len = strcspn(command, " \t");
		word = xstrndup(command, len);
		command += len;
	} while (is_prefix(word));
	const char *slash = strrchr(word, '/');
	char *name = xstrdup(slash != NULL ? slash + 1 : word);
	free(word);
	return name;
}

/* The text that stands in the line of the warning: as it was written, else the default. NULL when
 * it was refused and told already. */
static const char *stop_text(const struct check *check, char text[static LADDER_TEXT])
{
	const struct setting *setting =
		source_find_setting(check->source, check->process->name, "stop");
	struct ladder ladder;
	struct cause cause;

	if (setting == NULL)
		return ladder_format(&check->process->stop, text);
	return ladder_parse(setting->value, &ladder, &cause) == 0 ? setting->value : NULL;
}

static void lint_stop(const struct check *check)
{
	const struct process_config *process = check->process;
	const struct ladder *stop = &process->stop;
	const struct ladder_rung *last = &stop->rung[stop->count - 1];
	char written[LADDER_TEXT], better[LADDER_TEXT];
	const char *text = stop_text(check, written);
	char *program = program_name(process->command);

	for (size_t i = 0; text != NULL && i < sizeof lints / sizeof lints[0]; i++)
		if (strcmp(program, lints[i].program) == 0 && stop->rung[0].signo == SIGTERM)
			source_warn(check->source, check_line(check, "stop"),
				"key `stop`: \"%s\": %s takes TERM as its quick stop and drops "
				"requests; write for [process %s] stop = %s/30/KILL/5",
				text, program, process->name, lints[i].signal);
	if (text != NULL && last->signo != SIGKILL && last->wait != LADDER_FOREVER)
		source_warn(check->source, check_line(check, "stop"),
			"key `stop`: \"%s\" does not end with KILL: what ignores it is never "
			"ended; write for example %s/KILL/5",
			text, ladder_format(stop, better));
	free(program);
}

void check_command(const struct check *check)
{
	const char *command = check->process->command;

	if (command == NULL) {
		/* A command that was refused has been told already. */
		if (source_find_setting(check->source, check->process->name, "command") == NULL)
			source_error(check->source, check->process->line,
				"key `command` is missing in [process %s]; write what is to be "
				"run, such as command = node server.js",
				check->process->name);
		return;
	}
	lint_stop(check);
	if (spawn_needs_shell(command))
		return;
	char *program = xstrndup(command, strcspn(command, " \t"));
	check_program(check, program);
	free(program);
}
