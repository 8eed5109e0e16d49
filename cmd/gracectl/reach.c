/* reach: see the header. */
#include "reach.h"

#include <errno.h>
#include <string.h>

static int launch(const struct cli *cli, const struct strlist *targets)
{
	struct config checked;
	struct cause cause;

	int code = cli_load(cli, &checked);
	if (code != EXIT_DONE)
		return code;
	if (!config_has_targets(&checked, targets, &cause))
		code = EXIT_USAGE;
	else if (client_launch_supervisor(&checked, cli->app, &cause) < 0)
		code = client_is_late() ? EXIT_DEADLINE : EXIT_FAILED;
	config_release(&checked);
	if (code != EXIT_DONE)
		cli_error("%s", cause.text);
	return code;
}

int reach_supervisor(const struct cli *cli, const struct config *config,
	const struct strlist *targets, bool launches, struct client *client)
{
	struct cause cause;

	if (client_reach(client, config, cli->app, &cause) == 0)
		return EXIT_DONE;
	if (client_is_late()) {
		cli_error("not done in time: the supervisor of %s does not listen yet; see "
			  "`gracectl ps`",
			config->name);
		return EXIT_DEADLINE;
	}
	if (errno != ENOENT && errno != ECONNREFUSED) {
		cli_error("cannot reach the supervisor of %s in %s: %s", config->name,
			config->run_dir, strerror(errno));
		return EXIT_FAILED;
	}
	if (!launches && cause.text[0] != '\0')
		return cli_no_successor(config, &cause);
	if (!launches)
		return cli_no_supervisor(cli, config, targets, "; `gracectl start` starts one");
	int code = launch(cli, targets);
	if (code == EXIT_DONE && client_reach(client, config, cli->app, &cause) < 0) {
		cli_error("the supervisor of %s has started but cannot be reached in %s: %s",
			config->name, config->run_dir, strerror(errno));
		code = client_is_late() ? EXIT_DEADLINE : EXIT_FAILED;
	}
	return code;
}
