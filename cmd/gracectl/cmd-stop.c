/* stop: see `details` below; the work itself is in work.c. */
#include "cli.h"
#include "work.h"

static const struct work work = {
	.cmd = "stop",
	.doing = "Stopping",
	.done = "stopped",
	.well = "stopped gracefully",
	.launches = false,
	.ends = true,
};

static int run(const struct cli *cli, int argc, char **argv)
{
	return work_run(&work, &cmd_stop, cli, argc, argv);
}

static const char details[] = "Without a target: all dynos, then the supervisor ends too. Returns "
			      "when the last process is gone. Asked\n"
			      "once more while they are stopping, it makes the stop go on to the "
			      "next step of its ladder.";

const struct command cmd_stop = {
	.name = "stop",
	.arguments = "[TARGET...]",
	.summary = "stop the dynos gracefully; they stay down until `start`",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.run = run,
};

/* As users of Heroku type it. */
const struct command cmd_ps_stop = {
	.name = "ps:stop",
	.arguments = "[TARGET...]",
	.summary = "stop the dynos gracefully; they stay down until `start`",
	.details = details,
	.argument = ARG_TARGET,
	.options = work_options,
	.hidden = true,
	.run = run,
};
