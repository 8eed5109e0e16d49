/*
 * __complete: what the shells' completions ask, so that they never drift from the tables.
 *
 *     __complete commands           NAME <tab> summary <tab> kind of its arguments
 *     __complete options [COMMAND]  OPTION <tab> help <tab> kind of its value; for a flag nothing,
 *                                   or "+" and the kind of further arguments that it brings
 *     __complete targets | dynos | types
 *                                   one name a line: of the running application, else of its
 *                                   configuration, or, where there is none, of its log
 *     __complete apps               the application of the configuration that was found, and those
 *                                   that this machine knows, one a line
 *     __complete reasons | verdicts
 *                                   the words of `stops`, one a line
 *
 * It never complains: a shell that completes has no place for messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "doc.h"
#include "logview.h"
#include "stopdoc.h"

#define PATIENCE (NSEC_PER_SEC)

static const char *const kind_names[] = {
	[ARG_NONE] = "none",
	[ARG_FILE] = "file",
	[ARG_APP] = "app",
	[ARG_DYNO] = "dyno",
	[ARG_TYPE] = "type",
	[ARG_TARGET] = "target",
	[ARG_SOURCE] = "source",
	[ARG_NUMBER] = "number",
	[ARG_TIME] = "time",
	[ARG_REASON] = "reason",
	[ARG_VERDICT] = "verdict",
	[ARG_COMMAND] = "command",
	[ARG_SVG] = "svg",
};

static void print_commands(void)
{
	for (size_t i = 0; i < command_count; i++)
		if (commands[i]->name[0] != '_')
			printf("%s\t%s\t%s\n", commands[i]->name, commands[i]->summary,
				kind_names[commands[i]->argument]);
}

static void print_options(const struct cli_option *row)
{
	for (; row != NULL && row->help != NULL; row++) {
		const char *kind =
			row->arg != NULL || row->kind != ARG_NONE ? kind_names[row->kind] : "";
		const char *adds = row->arg == NULL && row->kind != ARG_NONE ? "+" : "";
		if (row->letter != 0)
			printf("-%c\t%s\t%s%s\n", row->letter, row->help, adds, kind);
		if (row->name != NULL)
			printf("--%s\t%s\t%s%s\n", row->name, row->help, adds, kind);
	}
}

/* A word is enough where there are two: "late" for "late accepts". */
static void print_words(const char *const *words)
{
	for (; *words != NULL; words++)
		printf("%.*s\n", (int)strcspn(*words, " "), *words);
}

static void print_dyno(const char *kind, const char *type, unsigned number)
{
	if (number == 1 && strcmp(kind, "dynos") != 0)
		puts(type);
	if (strcmp(kind, "types") != 0)
		printf("%s.%u\n", type, number);
}

/* Returns false when no supervisor answers. */
static bool ask_supervisor(const struct config *config, const char *kind)
{
	struct wire_request request = {.cmd = "ps", .targets = STRLIST_INIT};
	struct client client;
	bson_t message;
	bool answered = false;

	if (client_connect(&client, config) < 0)
		return false;
	if (client_send(&client, &request) == 0)
		while (client_next(&client, clock_mono() + PATIENCE, &message) == CLIENT_MESSAGE &&
			strcmp(doc_text(&message, "type"), "dyno") == 0) {
			print_dyno(kind, doc_text(&message, "process"),
				(unsigned)doc_int(&message, "number"));
			answered = true;
		}
	client_close(&client);
	return answered;
}

static void print_configured(const struct config *config, const char *kind)
{
	for (size_t i = 0; i < config->process_count; i++)
		for (unsigned n = 1; n <= config->process[i].scale; n++)
			print_dyno(kind, config->process[i].name, n);
}

/* Those that have left something to read. */
static void print_logged(const struct config *config, const char *kind)
{
	struct strlist dynos = STRLIST_INIT;

	logview_dynos(config->state_dir, &dynos);
	for (size_t i = 0; i < dynos.count; i++) {
		char *dot = strchr(dynos.items[i], '.');
		if (dot == NULL)
			continue; /* such as lost+found */
		*dot = '\0';
		print_dyno(kind, dynos.items[i], (unsigned)strtoul(dot + 1, NULL, 10));
	}
	strlist_release(&dynos);
}

/* The application that a command would take for the one that is meant; false when it would refuse.
 */
static bool locate(const struct cli *cli, struct config *config)
{
	struct config_problems problems = {0};
	struct cause cause;
	char *path = config_find(cli->config_path, cli->app, &cause);

	if (path == NULL && (cli->app == NULL || errno != ENOENT))
		return false;
	if (path == NULL)
		config_for_app(cli->app, config);
	else
		config_load(path, cli->app, config, &problems);
	bool is_foreign = cli_is_foreign(cli, config);
	if (is_foreign)
		config_release(config);
	config_problems_release(&problems);
	free(path);
	return !is_foreign;
}

static void print_names(const struct cli *cli, const char *kind)
{
	struct config config;

	if (!locate(cli, &config))
		return;
	if (ask_supervisor(&config, kind))
		;
	else if (config.process_count > 0)
		print_configured(&config, kind);
	else
		print_logged(&config, kind);
	config_release(&config);
}

static void print_apps(const struct cli *cli)
{
	struct strlist names = STRLIST_INIT;
	struct config config;

	config_apps(&names);
	if (locate(cli, &config)) {
		if (!strlist_has(&names, config.name))
			strlist_add(&names, config.name);
		config_release(&config);
	}
	for (size_t i = 0; i < names.count; i++)
		puts(names.items[i]);
	strlist_release(&names);
}

static bool is_name_kind(const char *kind)
{
	static const char *const kinds[] = {"targets", "dynos", "types"};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kind, kinds[i]) == 0)
			return true;
	return false;
}

static int run(const struct cli *cli, int argc, char **argv)
{
	const char *kind = argc > 0 ? argv[0] : "";

	if (strcmp(kind, "commands") == 0) {
		print_commands();
	} else if (strcmp(kind, "options") == 0) {
		const struct command *command = argc > 1 ? command_find(argv[1]) : NULL;
		if (command != NULL)
			print_options(command->options);
		print_options(global_options);
	} else if (strcmp(kind, "reasons") == 0) {
		print_words(stopfilter_reasons);
	} else if (strcmp(kind, "verdicts") == 0) {
		print_words(stopfilter_verdicts);
	} else if (strcmp(kind, "apps") == 0) {
		print_apps(cli);
	} else if (is_name_kind(kind)) {
		print_names(cli, kind);
	}
	return EXIT_DONE;
}

const struct command cmd_complete = {
	.name = "__complete",
	.arguments = "KIND [COMMAND]",
	.summary = "for the shells' completions",
	.hidden = true,
	.run = run,
};
