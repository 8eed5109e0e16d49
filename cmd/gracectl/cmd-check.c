/* check: reads the configuration and says what is wrong with it, or what it comes to. */
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static bool print;

static const struct cli_option options[] = {
	{0, "print", NULL, ARG_NONE, "print the effective configuration, which reads back the same",
		&print, NULL},
	{0},
};

static int run(const struct cli *cli, int argc, char **argv)
{
	struct config config;

	(void)argc;
	(void)argv;
	if (cli_load(cli, &config) != EXIT_DONE)
		return EXIT_USAGE;
	if (print) {
		config_print(&config, stdout);
	} else {
		unsigned dynos = 0;
		for (size_t i = 0; i < config.process_count; i++)
			dynos += config.process[i].scale;
		printf("%s: no mistakes; application %s, %zu process type%s, %u dyno%s\n",
			config.path, config.name, config.process_count,
			config.process_count == 1 ? "" : "s", dynos, dynos == 1 ? "" : "s");
	}
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
