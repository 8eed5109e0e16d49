/* cli: see the header. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "config-paths.h"
#include "fdio.h"
#include "lockfile.h"
#include "supervisor.h"
#include "utf8.h"
#include "xmalloc.h"

void cli_print_usage(const struct command *command, FILE *out)
{
	bool has_options = command->options != NULL && command->options->help != NULL;

	fprintf(out, "usage: gracectl %s%s%s%s\n", command->name, has_options ? " [OPTION...]" : "",
		command->arguments[0] != '\0' ? " " : "", command->arguments);
}

/* In one piece: two commands at a time may speak to the same terminal. */
static void say_error(const char *fmt, va_list ap)
{
	char *text = xvasprintf(fmt, ap);
	struct buf line = BUF_INIT;

	buf_adds(&line, "gracectl: ");
	utf8_append_safe(&line, text, strlen(text));
	fflush(stdout);
	fprintf(stderr, "%s\n", line.data);
	buf_release(&line);
	free(text);
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_error(fmt, ap);
	va_end(ap);
}

int cli_usage_error(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say_error(fmt, ap);
	va_end(ap);
	return cli_point_to_help(command);
}

int cli_point_to_help(const struct command *command)
{
	fprintf(stderr, "See `gracectl %s --help`.\n", command->name);
	return EXIT_USAGE;
}

#define NOTHING_DONE "; nothing was done"

/* "7 mistakes in FILE and .env; nothing was done" */
static void tell_sum(
	const struct config_problems *problems, const struct config *config, const char *end)
{
	const char *other = NULL;
	bool own = false;

	for (size_t i = 0; i < problems->count; i++) {
		const struct config_problem *problem = &problems->items[i];
		bool here = strcmp(problem->file, config->path) == 0;
		own = own || (here && !problem->warning);
		if (!here && !problem->warning)
			other = problem->file;
	}
	own = own || other == NULL;
	cli_error("%zu mistake%s in %s%s%s%s", problems->errors, problems->errors == 1 ? "" : "s",
		own ? config->path : "", own && other != NULL ? " and " : "",
		other != NULL ? other : "", end);
}

/* Prints every problem. Returns 0, or EXIT_USAGE, and then config is released. */
static int tell_problems(
	const struct config_problems *problems, struct config *config, const char *end)
{
	for (size_t i = 0; i < problems->count; i++)
		config_problem_print(&problems->items[i], stderr);
	if (problems->errors == 0)
		return EXIT_DONE;
	tell_sum(problems, config, end);
	config_release(config);
	return EXIT_USAGE;
}

/* -a APP, and no file. */
static int locate_app(const struct cli *cli, struct config *config)
{
	struct cause cause;

	config_for_app(cli->app, config);
	if (run_dir_check(config->run_dir, false, &cause) == 0)
		return EXIT_DONE;
	cli_error("key `run_dir`: %s", cause.text);
	config_release(config);
	return EXIT_USAGE;
}

bool cli_is_foreign(const struct cli *cli, const struct config *config)
{
	return cli->app != NULL && cli->config_path == NULL && config->own_name != NULL &&
	       strcmp(config->own_name, cli->app) != 0;
}

bool cli_refuse_foreign(const struct cli *cli, const struct config *config)
{
	if (!cli_is_foreign(cli, config))
		return false;
	cli_error("%s is the configuration of %s, not of %s; name that of %s with -c FILE, or put "
		  "it into " GRACECTL_ETC "/%s.ini",
		config->path, config->own_name, cli->app, cli->app, cli->app);
	return true;
}

/* Where a socket can be, a mistake does not matter. */
int cli_locate_configured(const struct cli *cli, struct config *config)
{
	struct config_problems problems = {0};
	struct cause cause;
	char *path = config_find(cli->config_path, cli->app, &cause);
	int code = EXIT_DONE;

	if (path == NULL && cli->app != NULL && errno == ENOENT)
		return locate_app(cli, config);
	if (path == NULL) {
		cli_error("%s", cause.text);
		return EXIT_USAGE;
	}
	config_load(path, cli->app, config, &problems);
	if (cli_refuse_foreign(cli, config)) {
		config_release(config);
		code = EXIT_USAGE;
	} else if (run_dir_check(config->run_dir, true, &cause) < 0) {
		code = tell_problems(&problems, config, NOTHING_DONE);
	}
	config_problems_release(&problems);
	free(path);
	return code;
}

/* Nobody holds the lock, so whoever listens there belongs to another application. */
static bool is_taken(const char *run_dir)
{
	char *path = xasprintf("%s/control.sock", run_dir);
	bool taken = fdio_is_listening(path);

	free(path);
	return taken;
}

/* Without a file, there is still the one that guard and supervisor went on with until both died. */
static void find_kept(struct config *config)
{
	char *kept = xasprintf("%s/%s", config->run_dir, supervisor_kept);

	if (config->path == NULL && access(kept, R_OK) == 0)
		config->path = kept;
	else
		free(kept);
}

int cli_locate(const struct cli *cli, struct config *config)
{
	struct lockfile look;
	int code = cli_locate_configured(cli, config);

	if (code != EXIT_DONE)
		return code;
	lockfile_look(config->state_dir, &look);
	if (look.run_dir.len > 0 &&
		(look.held || (look.unfinished && !is_taken(look.run_dir.data))))
		config_set_run_dir(config, look.run_dir.data);
	if (look.unfinished)
		find_kept(config);
	lockfile_release(&look);
	return EXIT_DONE;
}

static int load(const struct cli *cli, struct config *config, const char *end)
{
	struct config_problems problems = {0};
	struct cause cause;
	char *path = config_find(cli->config_path, cli->app, &cause);

	if (path == NULL) {
		cli_error("%s", cause.text);
		return EXIT_USAGE;
	}
	config_load(path, cli->app, config, &problems);
	int code = EXIT_USAGE;
	if (cli_refuse_foreign(cli, config))
		config_release(config);
	else
		code = tell_problems(&problems, config, end);
	config_problems_release(&problems);
	free(path);
	return code;
}

int cli_load(const struct cli *cli, struct config *config)
{
	return load(cli, config, NOTHING_DONE);
}

int cli_check(const struct cli *cli, struct config *config)
{
	return load(cli, config, "");
}

/* What the file says of targets. With mistakes in it that is nothing: what it lacks may be what
 * could not be read. */
enum file_says {
	FILE_NOTHING,
	FILE_KNOWN,
	FILE_UNKNOWN
};

static enum file_says ask_file(const struct cli *cli, const struct config *config,
	const struct strlist *targets, struct cause *cause)
{
	struct config_problems problems = {0};
	struct config checked;
	enum file_says says = FILE_NOTHING;

	if (targets->count == 0 || config->path == NULL)
		return FILE_NOTHING;
	config_load(config->path, cli->app, &checked, &problems);
	if (problems.errors == 0)
		says = config_has_targets(&checked, targets, cause) ? FILE_KNOWN : FILE_UNKNOWN;
	config_problems_release(&problems);
	config_release(&checked);
	return says;
}

bool cli_file_has(const struct cli *cli, const struct config *config, const char *target)
{
	struct strlist targets = STRLIST_INIT;
	struct cause cause;

	strlist_add(&targets, target);
	bool known = ask_file(cli, config, &targets, &cause) == FILE_KNOWN;
	strlist_release(&targets);
	return known;
}

int cli_no_successor(const struct config *config, const struct cause *cause)
{
	cli_error("guard and supervisor of %s are dead, and no others can take their place: %s; "
		  "what runs of it runs on, and the next command tries again",
		config->name, cause->text);
	return EXIT_FAILED;
}

int cli_no_supervisor(const struct cli *cli, const struct config *config,
	const struct strlist *targets, const char *rest)
{
	struct cause cause;

	if (ask_file(cli, config, targets, &cause) == FILE_UNKNOWN) {
		cli_error("%s", cause.text);
		return EXIT_USAGE;
	}
	if (!client_nothing_left(config)) {
		cli_error("a supervisor of %s holds %s/lock, but does not answer in %s; see "
			  "%s/supervisor.log",
			config->name, config->state_dir, config->run_dir, config->state_dir);
		return EXIT_DEADLINE;
	}
	cli_error("no supervisor of %s runs%s", config->name, rest);
	return EXIT_NO_SUPERVISOR;
}

void cli_adopt(const struct cli *cli, const struct config *config)
{
	struct client client;
	struct cause cause;

	if (client_reach(&client, config, cli->app, &cause) == 0)
		client_close(&client);
	else if (cause.text[0] != '\0')
		cli_no_successor(config, &cause);
}

const char *cli_dyno, *cli_type;

void cli_targets(int argc, char **argv, struct strlist *targets)
{
	const char *const named[] = {cli_dyno, cli_type};

	for (int i = 0; i < argc; i++)
		strlist_add(targets, argv[i]);
	for (size_t i = 0; i < sizeof named / sizeof *named; i++)
		if (named[i] != NULL)
			strlist_add(targets, named[i]);
}

static bool zone_entered;

void cli_zone_enter(const struct config *config)
{
	zone_entered = config->timezone != NULL && getenv("TZ") == NULL;
	if (!zone_entered)
		return;
	setenv("TZ", config->timezone, 1);
	tzset();
}

void cli_zone_leave(void)
{
	if (!zone_entered)
		return;
	unsetenv("TZ");
	tzset();
}

int cli_number(const struct command *command, const char *option, const char *text, long min,
	long max, long *out)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);
	if (*text != '\0' && *end == '\0' && errno == 0 && value >= min && value <= max) {
		*out = value;
		return 0;
	}
	return cli_usage_error(command, "%s: \"%s\" is not a whole number from %ld to %ld", option,
		text, min, max);
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

static bool is_value(const char *name, const char *value)
{
	const char *found = getenv(name);

	return found != NULL && strcmp(found, value) == 0;
}

bool cli_color(const struct cli *cli)
{
	if (cli->no_color || cli->json || is_set("NO_COLOR") || is_value("HEROKU_COLOR", "0"))
		return false;
	if (is_set("FORCE_COLOR") && !is_value("FORCE_COLOR", "0"))
		return true;
	return isatty(STDOUT_FILENO) && !is_value("TERM", "dumb");
}

/* Not asked of the C library: it knows only the locales that are installed here, and the terminal
 * may be on another machine. */
bool cli_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (is_set(names[i])) {
			const char *value = getenv(names[i]);
			return strcasestr(value, "utf-8") != NULL ||
			       strcasestr(value, "utf8") != NULL;
		}
	return false;
}
