/*
 * dynoenv: what an instance is told by its environment: the supervisor's own, the .env file, the
 * user's, env.KEY of the configuration, and then PORT, DYNO and what gracectl needs to know its
 * processes again.
 */
#ifndef GRACECTL_DYNOENV_H
#define GRACECTL_DYNOENV_H

#include <stdint.h>

#include "app.h"
#include "config.h"
#include "strlist.h"

/* port 0: none; notify: the path of its notify socket, or NULL. */
void dynoenv_make(struct strlist *env, const struct app *app, const struct process_config *config,
	const char *dyno, const char *mark, uint16_t port, const char *notify);

/* The command as it is logged: with the port put in, as a shell would. The caller frees it. */
char *dynoenv_show_command(const char *command, uint16_t port);

#endif
