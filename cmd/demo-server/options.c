/* options: see the header. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef GRACECTL_VERSION
#define GRACECTL_VERSION "(unreleased)"
#endif

enum {
	PORT_MAX = 65535
};

enum {
	OPT_VERSION = 256,
	OPT_DATABASE,
	OPT_DEADLINE,
	OPT_HEADER_TIMEOUT,
	OPT_LAME_DUCK
};

static const char help[] =
	"usage: demo-server [options]\n"
	"\n"
	"A small HTTP server with a database that shuts down gracefully.\n"
	"\n"
	"  -p, --port PORT            listen on this port (default: $PORT, else any free one)\n"
	"      --database FILE        keep the users in this SQLite file (default: $DATABASE, "
	"else\n"
	"                             demo.db)\n"
	"      --deadline TIME        give up a shutdown after this time (25s)\n"
	"      --header-timeout TIME  while stopping, wait this long for half-sent headers (2s)\n"
	"      --lame-duck TIME       serve on this long after readiness has turned to 503 (0s)\n"
	"  -h, --help                 show this help\n"
	"      --version              show the version\n"
	"\n"
	"A TIME is a number with a unit: 250ms, 2s, 1m30s.\n";

static const struct option long_options[] = {
	{"database", required_argument, NULL, OPT_DATABASE},
	{"deadline", required_argument, NULL, OPT_DEADLINE},
	{"header-timeout", required_argument, NULL, OPT_HEADER_TIMEOUT},
	{"help", no_argument, NULL, 'h'},
	{"lame-duck", required_argument, NULL, OPT_LAME_DUCK},
	{"port", required_argument, NULL, 'p'},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

static int set_port(const char *origin, const char *text, int *out, struct cause *cause)
{
	size_t digits = strspn(text, "0123456789");
	long port = digits > 0 && text[digits] == '\0' ? strtol(text, NULL, 10) : -1;

	if (port < 0 || port > PORT_MAX)
		return cause_set(cause, "%s is \"%s\"; it must be a number from 0 to %d", origin,
			text, PORT_MAX);
	*out = (int)port;
	return 0;
}

static int set_database(const char *origin, const char *text, const char **out, struct cause *cause)
{
	if (text[0] == '\0')
		return cause_set(cause, "%s is empty; it must name a SQLite file", origin);
	if (strstr(text, "://") != NULL)
		return cause_set(cause, "%s is \"%s\"; it must name a SQLite file, not a server",
			origin, text);
	*out = text;
	return 0;
}

static int set_time(const char *origin, const char *text, nsec_t *out, struct cause *cause)
{
	struct cause why;

	if (duration_parse(text, out, &why) < 0)
		return cause_set(cause, "%s: %s", origin, why.text);
	return 0;
}

static int from_environment(struct options *opts, struct cause *cause)
{
	const char *port = getenv("PORT");
	const char *database = getenv("DATABASE");

	if (port != NULL && set_port("PORT", port, &opts->port, cause) < 0)
		return -1;
	if (database != NULL && set_database("DATABASE", database, &opts->database, cause) < 0)
		return -1;
	return 0;
}

static int set_option(int c, struct options *opts, struct cause *cause)
{
	switch (c) {
	case 'p':
		return set_port("--port", optarg, &opts->port, cause);
	case OPT_DATABASE:
		return set_database("--database", optarg, &opts->database, cause);
	case OPT_DEADLINE:
		return set_time("--deadline", optarg, &opts->deadline, cause);
	case OPT_HEADER_TIMEOUT:
		return set_time("--header-timeout", optarg, &opts->header_timeout, cause);
	case OPT_LAME_DUCK:
		return set_time("--lame-duck", optarg, &opts->lame_duck, cause);
	default: /* getopt_long() has said what was wrong */
		return cause_set(cause, "demo-server --help shows what can be given");
	}
}

static int check_together(int argc, char **argv, const struct options *opts, struct cause *cause)
{
	if (optind < argc)
		return cause_set(cause, "\"%s\" is too much: only options are taken", argv[optind]);
	if (opts->lame_duck >= opts->deadline)
		return cause_set(cause, "--deadline must be longer than --lame-duck, or no time is"
					" left for the requests");
	return 0;
}

enum options_result options_parse(int argc, char **argv, struct options *opts, struct cause *cause)
{
	int c;

	*opts = (struct options){
		.database = "demo.db",
		.deadline = 25 * NSEC_PER_SEC,
		.header_timeout = 2 * NSEC_PER_SEC,
	};
	int env = from_environment(opts, cause);
	while ((c = getopt_long(argc, argv, "hp:", long_options, NULL)) != -1) {
		if (c == 'h' || c == OPT_VERSION) {
			fputs(c == 'h' ? help : "demo-server " GRACECTL_VERSION "\n", stdout);
			return OPTIONS_DONE;
		}
		if (set_option(c, opts, cause) < 0)
			return OPTIONS_BAD;
	}
	if (env < 0 || check_together(argc, argv, opts, cause) < 0)
		return OPTIONS_BAD;
	return OPTIONS_RUN;
}
