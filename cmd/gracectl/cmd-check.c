/* check: reads the configuration and says what is wrong with it, or what it comes to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "doc.h"

static bool print;

static const struct cli_option options[] = {
	{0, "print", NULL, ARG_NONE, "print the effective configuration, which reads back the same",
		&print, NULL},
	{0},
};

static unsigned count_dynos(const struct config *config)
{
	unsigned dynos = 0;

	for (size_t i = 0; i < config->process_count; i++)
		dynos += config->process[i].scale;
	return dynos;
}

static void put_problem(bson_t *list, size_t at, const struct config_problem *problem)
{
	char key[16];
	const char *name;
	bson_t doc;

	bson_uint32_to_string((uint32_t)at, &name, key, sizeof key);
	bson_append_document_begin(list, name, -1, &doc);
	doc_put_text(&doc, "file", problem->file);
	if (problem->line > 0)
		BSON_APPEND_INT32(&doc, "line", problem->line);
	doc_put_text(&doc, "text", problem->text);
	BSON_APPEND_BOOL(&doc, "warning", problem->warning);
	bson_append_document_end(list, &doc);
}

static void print_json(const struct config *config, const struct config_problems *problems)
{
	bson_t doc = BSON_INITIALIZER, list;
	struct buf out = BUF_INIT;

	doc_put_text(&doc, "file", config->path);
	doc_put_text(&doc, "app", config->name);
	BSON_APPEND_INT32(&doc, "mistakes", (int32_t)problems->errors);
	if (problems->errors == 0)
		BSON_APPEND_INT32(&doc, "dynos", (int32_t)count_dynos(config));
	bson_append_array_begin(&doc, "problems", -1, &list);
	for (size_t i = 0; i < problems->count; i++)
		put_problem(&list, i, &problems->items[i]);
	bson_append_array_end(&doc, &list);
	doc_add_json(&out, &doc);
	puts(out.data);
	buf_release(&out);
	bson_destroy(&doc);
}

static int check_json(const struct cli *cli)
{
	struct config_problems problems;
	struct config config;
	struct cause cause;
	char *path = config_find(cli->config_path, cli->app, &cause);

	if (path == NULL) {
		cli_error("%s", cause.text);
		return EXIT_USAGE;
	}
	config_load(path, cli->app, &config, &problems);
	bool foreign = cli_refuse_foreign(cli, &config);
	if (!foreign)
		print_json(&config, &problems);
	int code = problems.errors > 0 || foreign ? EXIT_USAGE : EXIT_DONE;
	config_problems_release(&problems);
	config_release(&config);
	free(path);
	return code;
}

static void print_summary(const struct config *config)
{
	unsigned dynos = count_dynos(config);

	printf("%s: no mistakes; application %s, %zu process type%s, %u dyno%s\n", config->path,
		config->name, config->process_count, config->process_count == 1 ? "" : "s", dynos,
		dynos == 1 ? "" : "s");
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct config config;

	(void)argc;
	(void)argv;
	if (cli->json && print)
		return cli_usage_error(&cmd_check, "--print and --json exclude each other");
	if (cli->json)
		return check_json(cli);
	if (cli_check(cli, &config) != EXIT_DONE)
		return EXIT_USAGE;
	if (print)
		config_print(&config, stdout);
	else
		print_summary(&config);
	config_release(&config);
	return EXIT_DONE;
}

const struct command cmd_check = {
	.name = "check",
	.arguments = "",
	.summary = "read the configuration and say what is wrong, with file and line",
	.options = options,
	.run = run,
};
