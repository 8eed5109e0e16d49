/* dynoenv: see the header. */
#include "dynoenv.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "proctree.h"
#include "xmalloc.h"

static void add_user(struct strlist *env, const char *name)
{
	const struct passwd *user = name != NULL ? getpwnam(name) : NULL;

	if (user == NULL)
		return;
	strlist_setenv(env, "USER", user->pw_name);
	strlist_setenv(env, "LOGNAME", user->pw_name);
	strlist_setenv(env, "HOME", user->pw_dir);
}

static void add_entries(struct strlist *env, const struct strlist *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const char *entry = from->items[i];
		const char *equals = strchr(entry, '=');
		char *name = xstrndup(entry, (size_t)(equals - entry));
		strlist_setenv(env, name, equals + 1);
		free(name);
	}
}

void dynoenv_make(struct strlist *env, const struct app *app, const struct process_config *config,
	const char *dyno, const char *mark, uint16_t port, const char *notify)
{
	char number[16];

	strlist_copy(env, &app->env);
	add_user(env, config->user);
	add_entries(env, &config->env);
	strlist_setenv(env, "DYNO", dyno);
	strlist_setenv(env, PROCTREE_MARK, mark);
	snprintf(number, sizeof number, "%u", port);
	if (port != 0)
		strlist_setenv(env, "PORT", number);
	if (notify != NULL)
		strlist_setenv(env, "NOTIFY_SOCKET", notify);
}

char *dynoenv_show_command(const char *command, uint16_t port)
{
	static const char *const variables[] = {"${PORT}", "$PORT"};
	struct buf out = BUF_INIT;

	for (const char *at = command; *at != '\0';) {
		size_t len = 0;
		for (size_t i = 0; i < 2 && len == 0 && port != 0; i++)
			if (strncmp(at, variables[i], strlen(variables[i])) == 0)
				len = strlen(variables[i]);
		if (len > 0)
			buf_addf(&out, "%u", port);
		else
			buf_addc(&out, *at);
		at += len > 0 ? len : 1;
	}
	return buf_detach(&out);
}
