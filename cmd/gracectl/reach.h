/*
 * reach: the supervisor that a piece of work is to be asked of, started when none runs.
 */
#ifndef GRACECTL_REACH_H
#define GRACECTL_REACH_H

#include <stdbool.h>

#include "cli.h"
#include "client.h"

/*
 * Connects to the supervisor of the application. When none runs and `launches` is set, the
 * configuration is read in full, so that its mistakes, and those of the targets, are shown here and
 * not in some log; then one is started. Returns an exit code, after telling why when it is not
 * EXIT_DONE.
 */
int reach_supervisor(const struct cli *cli, const struct config *config,
	const struct strlist *targets, bool launches, struct client *client);

#endif
