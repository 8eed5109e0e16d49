/*
 * logask: what `logs`, `events` and `stops` are asked for: their options and targets as a query,
 * and the application whose log it is.
 */
#ifndef GRACECTL_LOGASK_H
#define GRACECTL_LOGASK_H

#include <stdbool.h>

#include "cli.h"
#include "logview.h"
#include "strlist.h"

/* The options that say which lines are meant; set by the option tables. */
struct logargs {
	const char *num, *since, *until;
	bool tail;
};

struct logask {
	struct config config;
	struct strlist targets;
	struct logview_query query; /* points into both, so this struct stays where it is */
};

/*
 * Makes a query of options and targets. Without a log, or with a target that nobody knows, it tells
 * so; who follows waits for them. Returns 0, and then logask_close() is due, or an exit code after
 * telling why.
 */
int logask_open(const struct cli *cli, const struct command *command, const struct logargs *args,
	int argc, char **argv, struct logask *ask);

void logask_close(struct logask *ask);

/* What `events` and `stops` have in common: their options (the rows of a table), and the values. */
extern struct logargs logask_event_args;
#define LOGASK_EVENT_OPTIONS(many, follow)                                                         \
	{'n', "num", "N", ARG_NUMBER, many, NULL, &logask_event_args.num},                         \
		{'t', "tail", NULL, ARG_NONE, follow, &logask_event_args.tail, NULL},              \
		CLI_TARGET_OPTIONS,                                                                \
		{0, "since", "TIME", ARG_TIME,                                                     \
			"only from this time on: 10m, 14:30, 2026-06-09T16:13:38Z", NULL,          \
			&logask_event_args.since},                                                 \
	{                                                                                          \
		0, "until", "TIME", ARG_TIME, "only before this time", NULL,                       \
			&logask_event_args.until                                                   \
	}

#endif
