/*
 * config-command: the checks of what is run: whether it is there, and whether the stop fits it.
 */
#ifndef GRACECTL_CONFIG_COMMAND_H
#define GRACECTL_CONFIG_COMMAND_H

#include "config-check.h"

/* Adds what is wrong with the command of a process, and with its stop, to the problems of the
 * source. */
void check_command(const struct check *check);

#endif
