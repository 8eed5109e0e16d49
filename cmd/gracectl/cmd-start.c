/* start: see `details` below; the work itself is in work.c. */
#include "cli.h"
#include "work.h"

static const struct work work = {
	.cmd = "start",
	.doing = "Starting",
	.done = "up",
	.launches = true,
	.ends = false,
};

static int run(const struct cli *cli, int argc, char **argv)
{
	return work_run(&work, &cmd_start, cli, argc, argv);
}

static const char details[] = "Returns when they are up, or says which are not, and why. What is "
			      "up already is left alone; one that is\n"
			      "being stopped is started again when it is down.";

const struct command cmd_start = {
	.name = "start",
	.arguments = "[TARGET...]",
	.summary = "start the dynos, and the supervisor if none runs",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.run = run,
};

/* As users of Heroku type it. */
const struct command cmd_ps_start = {
	.name = "ps:start",
	.arguments = "[TARGET...]",
	.summary = "start the dynos, and the supervisor if none runs",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.hidden = true,
	.run = run,
};
