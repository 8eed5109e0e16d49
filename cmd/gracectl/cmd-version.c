/* version: which gracectl this is. */
#include <stdio.h>

#include "cli.h"
#include "supervisor.h"

static int run(const struct cli *cli, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts(cli->json ? "{ \"version\" : \"" GRACECTL_VERSION "\" }"
		       : "gracectl " GRACECTL_VERSION);
	return EXIT_DONE;
}

const struct command cmd_version = {
	.name = "version",
	.arguments = "",
	.summary = "print the version",
	.run = run,
};
