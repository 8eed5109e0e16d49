/* options: see the header. */
#include "options.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options-ini.h"
#include "suggest.h"
#include "version.h"
#include "xmalloc.h"

enum {
	PORT_MAX = 65535
};

/* The long options that are no settings; those have their index. */
enum {
	OPT_CONFIG = 256,
	OPT_VERSION,
	OPT_SETTING
};

static const char help[] =
	"usage: demo-server [options]\n"
	"\n"
	"A small HTTP server with a database that shuts down gracefully.\n"
	"\n"
	"  -p, --port PORT            listen on this port (default: $PORT, else any free one)\n"
	"      --config FILE          read settings from the section [demo-server] of this file\n"
	"      --database DATABASE    keep the users in this SQLite file, or in the MongoDB "
	"server\n"
	"                             of a mongodb:// URI (default: $MONGO_DB, $MONGODB_URI,\n"
	"                             $DATABASE, else demo.db)\n"
	"      --deadline TIME        give up a shutdown after this time (25s)\n"
	"      --header-timeout TIME  while stopping, wait this long for half-sent headers (2s)\n"
	"      --lame-duck TIME       serve on this long after readiness has turned to 503 (0s)\n"
	"  -h, --help                 show this help\n"
	"      --version              show the version\n"
	"\n"
	"A TIME is a number with a unit: 250ms, 2s, 1m30s.\n";

static int set_port(const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	size_t digits = strspn(text, "0123456789");
	long port = digits > 0 && text[digits] == '\0' ? strtol(text, NULL, 10) : -1;

	if (port < 0 || port > PORT_MAX)
		return cause_set(cause, "%s is \"%s\"; it must be a number from 0 to %d", origin,
			text, PORT_MAX);
	opts->port = (int)port;
	return 0;
}

/* The URI of another kind of server is not told in full: there may be a password in it. */
static int set_database(
	const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	const char *colon = strstr(text, "://");
	int scheme = colon != NULL ? (int)(colon - text) : 0;

	if (text[0] == '\0')
		return cause_set(cause,
			"%s is empty; it must name a SQLite file, or a server by a mongodb:// URI",
			origin);
	if (colon != NULL && strncmp(text, "mongodb://", 10) != 0 &&
		strncmp(text, "mongodb+srv://", 14) != 0)
		return cause_set(cause,
			"%s begins with \"%.*s://\"; it must name a SQLite file, or a server by a "
			"mongodb:// or mongodb+srv:// URI",
			origin, scheme, text);
	free(opts->database);
	opts->database = xstrdup(text);
	return 0;
}

static int set_server(
	const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	if (strstr(text, "://") == NULL)
		return cause_set(cause,
			"%s is not a URI; it must begin with mongodb:// or mongodb+srv://", origin);
	return set_database(origin, text, opts, cause);
}

static int set_time(const char *origin, const char *text, nsec_t *out, struct cause *cause)
{
	struct cause why;

	if (duration_parse(text, out, &why) < 0)
		return cause_set(cause, "%s: %s", origin, why.text);
	return 0;
}

static int set_deadline(
	const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	return set_time(origin, text, &opts->deadline, cause);
}

static int set_header_timeout(
	const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	return set_time(origin, text, &opts->header_timeout, cause);
}

static int set_lame_duck(
	const char *origin, const char *text, struct options *opts, struct cause *cause)
{
	return set_time(origin, text, &opts->lame_duck, cause);
}

/* What can be set, by its name in the file; on the command line it has "-" for "_". */
static const struct setting {
	const char *key; /* first, for suggest_closest_in() */
	int (*set)(const char *origin, const char *text, struct options *opts, struct cause *cause);
} settings[] = {
	{"database", set_database},
	{"deadline", set_deadline},
	{"header_timeout", set_header_timeout},
	{"lame_duck", set_lame_duck},
	{"port", set_port},
};

enum {
	SETTING_DATABASE,
	SETTING_DEADLINE,
	SETTING_HEADER_TIMEOUT,
	SETTING_LAME_DUCK,
	SETTING_PORT,
	SETTINGS
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, OPT_CONFIG},
	{"database", required_argument, NULL, OPT_SETTING + SETTING_DATABASE},
	{"deadline", required_argument, NULL, OPT_SETTING + SETTING_DEADLINE},
	{"header-timeout", required_argument, NULL, OPT_SETTING + SETTING_HEADER_TIMEOUT},
	{"help", no_argument, NULL, 'h'},
	{"lame-duck", required_argument, NULL, OPT_SETTING + SETTING_LAME_DUCK},
	{"port", required_argument, NULL, OPT_SETTING + SETTING_PORT},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

/* The environment; what stands later wins. */
static const struct {
	const char *name;
	int (*set)(const char *origin, const char *text, struct options *opts, struct cause *cause);
} variables[] = {
	{"PORT", set_port},
	{"DATABASE", set_database},
	{"MONGODB_URI", set_server},
	{"MONGO_DB", set_server},
};

/* The words of the command line. */
struct words {
	const char *config;
	const char *settings[SETTINGS]; /* NULL where it was not given */
};

/* What is read from the file. */
struct file_settings {
	struct options *opts;
	bool seen[SETTINGS];
};

static int refuse_key(const char *where, const char *key, struct cause *cause)
{
	const char *meant = suggest_closest_in(key, settings, SETTINGS, sizeof *settings);

	if (meant != NULL)
		return cause_set(
			cause, "%s: key `%s` is unknown; did you mean `%s`?", where, key, meant);
	return cause_set(cause,
		"%s: key `%s` is unknown; there are port, database, deadline, header_timeout and "
		"lame_duck",
		where, key);
}

static int take_from_file(
	void *arg, const char *where, const char *key, const char *value, struct cause *cause)
{
	struct file_settings *file = arg;
	size_t i = 0;

	while (i < SETTINGS && strcmp(settings[i].key, key) != 0)
		i++;
	if (i == SETTINGS)
		return refuse_key(where, key, cause);
	if (file->seen[i])
		return cause_set(cause, "%s: key `%s` stands a second time", where, key);
	file->seen[i] = true;
	char *origin = xasprintf("%s: key `%s`", where, key);
	int result = settings[i].set(origin, value, file->opts, cause);
	free(origin);
	return result;
}

static int apply_environment(struct options *opts, struct cause *cause)
{
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		const char *value = getenv(variables[i].name);
		if (value != NULL && variables[i].set(variables[i].name, value, opts, cause) < 0)
			return -1;
	}
	return 0;
}

static int apply_words(const struct words *words, struct options *opts, struct cause *cause)
{
	for (const struct option *option = long_options; option->name != NULL; option++) {
		if (option->val < OPT_SETTING)
			continue;
		int i = option->val - OPT_SETTING;
		char *origin = xasprintf("--%s", option->name);
		int result = words->settings[i] != NULL
				     ? settings[i].set(origin, words->settings[i], opts, cause)
				     : 0;
		free(origin);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int apply_all(const struct words *words, struct options *opts, struct cause *cause)
{
	struct file_settings file = {.opts = opts};

	if (words->config != NULL && ini_load(words->config, take_from_file, &file, cause) < 0)
		return -1;
	if (apply_environment(opts, cause) < 0 || apply_words(words, opts, cause) < 0)
		return -1;
	if (opts->lame_duck >= opts->deadline)
		return cause_set(cause, "--deadline must be longer than --lame-duck, or no time is"
					" left for the requests");
	return 0;
}

/* Sorts the words of the command line; -1 when one is wrong, 1 when it was a question. */
static int read_words(int argc, char **argv, struct words *words, struct cause *cause)
{
	int c;

	while ((c = getopt_long(argc, argv, "hp:", long_options, NULL)) != -1) {
		if (c == 'h' || c == OPT_VERSION) {
			fputs(c == 'h' ? help : "demo-server " GRACECTL_VERSION "\n", stdout);
			return 1;
		}
		if (c == '?') /* getopt_long() has said what was wrong */
			return cause_set(cause, "demo-server --help shows what can be given");
		if (c == OPT_CONFIG)
			words->config = optarg;
		else
			words->settings[c == 'p' ? SETTING_PORT : c - OPT_SETTING] = optarg;
	}
	if (optind < argc)
		return cause_set(cause, "\"%s\" is too much: only options are taken", argv[optind]);
	return 0;
}

enum options_result options_parse(int argc, char **argv, struct options *opts, struct cause *cause)
{
	struct words words = {0};

	*opts = (struct options){
		.database = xstrdup("demo.db"),
		.deadline = 25 * NSEC_PER_SEC,
		.header_timeout = 2 * NSEC_PER_SEC,
	};
	int read = read_words(argc, argv, &words, cause);
	if (read > 0)
		return OPTIONS_DONE;
	return read < 0 || apply_all(&words, opts, cause) < 0 ? OPTIONS_BAD : OPTIONS_RUN;
}

void options_release(struct options *opts)
{
	free(opts->database);
}
