/* config-options: see the header. */
#include "config-options.h"

#include <string.h>

#include "config-types.h"
#include "suggest.h"

/*
 * The table, in the order of the manual and of `check --print`
 */

#define APP(field) .sections = IN_APP, .offset = offsetof(struct config, field)
#define BOTH(field) .sections = IN_BOTH, .offset = offsetof(struct process_config, field)
#define PROCESS(field) .sections = IN_PROCESS, .offset = offsetof(struct process_config, field)
#define KIB INT64_C(1024)
#define TIB (KIB * KIB * KIB * KIB)

const struct config_option config_options[] = {
	{"name", APP(name), .type = &type_app_name, .syntax = "NAME",
		.otherwise = "the last part of root",
		.help = "The name of the application, in messages and in the names of "
			"directories."},
	{"root", APP(root), .type = &type_path, .syntax = "DIRECTORY",
		.otherwise = "the directory of the file",
		.help = "The application's directory; other relative paths begin here."},
	{"env_file", APP(env_file), .type = &type_path, .syntax = "FILE",
		.otherwise = ".env, which may be missing",
		.help = "A file with environment variables for all processes."},
	{"state_dir", APP(state_dir), .type = &type_path, .syntax = "DIRECTORY",
		.otherwise = "/var/lib/gracectl/NAME or $XDG_STATE_HOME/gracectl/NAME",
		.help = "Where logs, journal, state and the lock are kept."},
	{"run_dir", APP(run_dir), .type = &type_path, .syntax = "DIRECTORY",
		.otherwise = "/run/gracectl/NAME or $XDG_RUNTIME_DIR/gracectl/NAME",
		.help = "Where the control socket and the pipes of the dynos are."},
	{"timezone", APP(timezone), .type = &type_text, .syntax = "a name such as Europe/Berlin",
		.otherwise = "that of the machine",
		.help = "The time zone of restart_at and of the times that ps shows."},

	{"command", PROCESS(command), .type = &type_text, .syntax = "COMMAND",
		.otherwise = "none, it must be given",
		.help = "What is run; through /bin/sh when it has characters of the shell."},
	{"scale", BOTH(scale), .type = &type_count, .max = SCALE_MAX, .initial = "1",
		.syntax = "NUMBER", .help = "How many dynos of this type run."},
	{"port", BOTH(port), .type = &type_port, .min = 1, .max = UINT16_MAX,
		.otherwise = "auto for a process named web, else none",
		.syntax = "auto, none or NUMBER",
		.help = "The port in $PORT: a free one, none, or NUMBER for dyno 1, NUMBER + 1 for "
			"dyno 2."},
	{"env.KEY", BOTH(env), .type = &type_env, .otherwise = "none", .syntax = "VALUE",
		.help = "An environment variable; it counts more than one of env_file."},
	{"workdir", BOTH(workdir), .type = &type_path, .otherwise = "root", .syntax = "DIRECTORY",
		.help = "The directory in which the command runs."},
	{"user", BOTH(user), .type = &type_text, .otherwise = "that of the supervisor",
		.syntax = "USER", .help = "The user as whom the command runs."},
	{"group", BOTH(group), .type = &type_text, .otherwise = "the primary group of user",
		.syntax = "GROUP", .help = "The group as which the command runs."},
	{"umask", BOTH(umask), .type = &type_umask, .max = 0777, .initial = "022",
		.syntax = "an octal number", .help = "The permissions that new files do not get."},
	{"stop", BOTH(stop), .type = &type_stop, .initial = "TERM/30/KILL/5",
		.syntax = "SIGNAL/WAIT/SIGNAL/WAIT",
		.help = "The signals of a stop, and how long each may take."},
	{"stop_timeout", BOTH(stop), .type = &type_stop_timeout, .max = DURATION_MAX,
		.otherwise = "as in stop", .syntax = "DURATION or forever",
		.help = "Another first wait of stop."},
	{"stop_to", BOTH(stop_to), .type = &type_enum, .words = stop_to_names, .initial = "all",
		.syntax = "all or main",
		.help = "Who gets the signals of a stop: every process of the dyno or only the "
			"first one."},
	{"ready", BOTH(ready), .type = &type_ready, .words = ready_names,
		.otherwise = "port for a process with a port, else none",
		.syntax = "none, port, http:/PATH or notify",
		.help = "When a dyno is up: at once, when its port is open, when PATH is answered, "
			"when it says so."},
	{"boot_timeout", BOTH(boot_timeout), .type = &type_duration, .min = NSEC_PER_MSEC,
		.max = DURATION_MAX, .initial = "60s", .syntax = "DURATION",
		.help = "How long a dyno may take until it is up; after that it is a crash (R10)."},
	{"restart_order", BOTH(order), .type = &type_enum, .words = order_names,
		.otherwise = "overlap; stop-first for a process with a fixed port",
		.syntax = "overlap, stop-first or start-first",
		.help = "Whether the new instance waits for the end of the old one, or the old one "
			"for the new."},
	{"backoff", BOTH(backoff), .type = &type_backoff, .initial = "0 20m 40m 60m 180m 320m",
		.syntax = "DURATIONS or never",
		.help = "The pauses before the restarts of a dyno that crashes again and again."},
	{"backoff_reset", BOTH(backoff_reset), .type = &type_duration, .max = DURATION_MAX,
		.initial = "10m", .syntax = "DURATION",
		.help = "Up for so long, a dyno's crashes are forgotten."},
	{"cycle", BOTH(cycle), .type = &type_duration, .min = NSEC_PER_SEC, .max = DURATION_MAX,
		.zero = true, .initial = "24h", .syntax = "DURATION",
		.help = "Every dyno is restarted when it is that old; 0 for never."},
	{"cycle_jitter", BOTH(cycle_jitter), .type = &type_duration, .max = DURATION_MAX,
		.initial = "216m", .syntax = "DURATION",
		.help = "A random part of this is added to the cycle, drawn anew at each start."},
	{"restart_at", BOTH(restart_at_text), .type = &type_restart_at, .otherwise = "none",
		.syntax = "a cron expression or none",
		.help = "The hour of the daily restart, in the place of the cycle."},
	{"restart_window", BOTH(restart_window), .type = &type_duration, .max = DURATION_MAX,
		.initial = "1h", .syntax = "DURATION",
		.help = "How late a restart_at is made up that was missed."},
	{"log_segment", BOTH(log_segment), .type = &type_size, .min = 4 * KIB, .max = TIB,
		.initial = "64M", .syntax = "SIZE", .help = "How large one log file grows."},
	{"log_keep", BOTH(log_keep), .type = &type_size, .min = 4 * KIB, .max = TIB,
		.initial = "256M", .syntax = "SIZE", .help = "How much log is kept for each dyno."},
};

enum {
	OPTION_COUNT = sizeof config_options / sizeof config_options[0]
};
const size_t config_option_count = OPTION_COUNT;

/*
 * The table at work
 */

static bool is_env(const char *key)
{
	return strncmp(key, "env.", 4) == 0;
}

const struct config_option *option_find(const char *key)
{
	const char *sought = is_env(key) ? "env.KEY" : key;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (strcmp(config_options[i].key, sought) == 0)
			return &config_options[i];
	return NULL;
}

static unsigned section_bit(enum section_kind kind)
{
	static const unsigned bits[] = {
		[SECTION_APP] = IN_APP,
		[SECTION_DEFAULTS] = IN_DEFAULTS,
		[SECTION_PROCESS] = IN_PROCESS,
		[SECTION_UNKNOWN] = 0,
	};

	return bits[kind];
}

static const char *where_it_belongs(const struct config_option *option)
{
	return option->sections == IN_APP	? "[app]"
	       : option->sections == IN_PROCESS ? "[process NAME]"
						: "[defaults] or [process NAME]";
}

static void refuse_key(struct source *source, const struct setting *setting)
{
	const char *meant = suggest_closest_in(
		setting->key, config_options, OPTION_COUNT, sizeof config_options[0]);

	source_error(source, setting->line, "key `%.80s`: \"%.80s\": there is no such key%s%s%s",
		setting->key, setting->value,
		meant != NULL ? "; did you mean `" : ", see gracectl.ini(5)",
		meant != NULL ? meant : "", meant != NULL ? "`?" : "");
}

/* People write comments behind a value; where that made the value wrong, it is worth a word. */
static const char *comment_hint(const char *value)
{
	return strstr(value, " #") != NULL || strstr(value, " ;") != NULL
		       ? " (a comment needs a line of its own)"
		       : "";
}

static void refuse_section(struct source *source, const struct section *section,
	const struct setting *setting, const struct config_option *option)
{
	char title[SECTION_TEXT];

	source_error(source, setting->line,
		"key `%.80s`: \"%.80s\" stands in %s; it belongs into %s", setting->key,
		setting->value, section_format(section, title), where_it_belongs(option));
}

void section_apply(struct source *source, const struct section *section, void *object)
{
	bool quiet = source->problems == NULL;

	for (size_t i = 0; i < section->count; i++) {
		const struct setting *setting = &section->settings[i];
		const struct config_option *option = option_find(setting->key);
		struct cause cause;

		if (option == NULL) {
			if (!quiet)
				refuse_key(source, setting);
		} else if ((option->sections & section_bit(section->kind)) == 0) {
			if (!quiet)
				refuse_section(source, section, setting, option);
		} else if (option->type->parse(option, setting, object, &cause) < 0 && !quiet)
			source_error(source, setting->line, "key `%.80s`: %s%s", setting->key,
				cause.text, comment_hint(setting->value));
	}
}

void options_initialize(unsigned sections, void *object)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];
		struct setting setting = {(char *)option->key, (char *)option->initial, 0};
		struct cause cause;

		if ((option->sections & sections) != 0 && option->initial != NULL)
			option->type->parse(option, &setting, object, &cause);
	}
}

void options_print(unsigned sections, const void *object, FILE *out)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if ((config_options[i].sections & sections) != 0)
			config_options[i].type->print(&config_options[i], object, out);
}
