/* restart: see `details` below; the work itself is in work.c. */
#include "cli.h"
#include "work.h"

static const struct work work = {
	.cmd = "restart",
	.doing = "Restarting",
	.done = "restarted",
	.launches = false,
	.ends = false,
};

static int run(const struct cli *cli, int argc, char **argv)
{
	return work_run(&work, &cmd_restart, cli, argc, argv);
}

static const char details[] = "Returns when the new ones are up and the old ones are gone. Dynos "
			      "that were stopped on purpose stay down.";

const struct command cmd_restart = {
	.name = "restart",
	.arguments = "[TARGET...]",
	.summary = "restart the dynos gracefully, in the configured order",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.run = run,
};

/* As users of Heroku type it. */
const struct command cmd_ps_restart = {
	.name = "ps:restart",
	.arguments = "[TARGET...]",
	.summary = "restart the dynos gracefully, in the configured order",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.hidden = true,
	.run = run,
};
