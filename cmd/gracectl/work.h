/*
 * work: what start, stop and restart have in common: the targets, the request, the progress and the
 * truth at the end.
 */
#ifndef GRACECTL_WORK_H
#define GRACECTL_WORK_H

#include "cli.h"

/* The options of all three. */
extern const struct cli_option work_options[];

/* The words of one kind of work. */
struct work {
	const char *cmd;   /* on the wire: "stop" */
	const char *doing; /* "Stopping" */
	const char *done;  /* "stopped" */
	const char *well;  /* what those were that count when others have failed; NULL: done */
	bool launches;	   /* starts a supervisor when none runs */
	bool ends;	   /* without a target the supervisor ends too */
};

int work_run(const struct work *work, const struct command *command, const struct cli *cli,
	int argc, char **argv);

#endif
