/*
 * cmd-why: `gracectl stops --why [TARGET...]`: what holds a stop up, asked of the supervisor.
 *
 * With targets the dynos that are up are shown too, by what they would have to end; without any,
 * all that are being stopped.
 */
#ifndef GRACECTL_CMD_WHY_H
#define GRACECTL_CMD_WHY_H

#include "cli.h"
#include "strlist.h"

/* Prints the answer; returns an exit code. That nothing is being stopped is an answer as well, and
 * no failure. */
int why_run(const struct cli *cli, const struct strlist *targets);

#endif
