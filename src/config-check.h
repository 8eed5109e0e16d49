/*
 * config-check: the checks that need more than one setting, or the machine.
 *
 * What can be wrong with a single value has been said by the options' parsers. Here are the rules
 * between settings (a port used twice, a log file larger than all logs), and what must exist:
 * directories, users, programs.
 */
#ifndef GRACECTL_CONFIG_CHECK_H
#define GRACECTL_CONFIG_CHECK_H

#include "config-source.h"

/* What the checks of one process have to do with. */
struct check {
	struct source *source;
	struct config *config;
	struct process_config *process;
};

/* The line of a setting that counts for the process, else of its section. */
int check_line(const struct check *check, const char *key);

/* Resolves users and groups, and adds what is wrong to the problems of the source. */
void config_check(struct source *source, struct config *config);

#endif
