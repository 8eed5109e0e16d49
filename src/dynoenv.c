/* dynoenv: see the header. */
#include "dynoenv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "proctree.h"
#include "xmalloc.h"

/* The system is not asked here: its answer may come over a network, and takes long when that is
 * down. */
static void add_user(struct strlist *env, const struct process_config *config)
{
	if (config->user == NULL || config->user_name == NULL)
		return;
	strlist_setenv(env, "USER", config->user_name);
	strlist_setenv(env, "LOGNAME", config->user_name);
	strlist_setenv(env, "HOME", config->home);
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
	add_user(env, config);
	add_entries(env, &config->env);
	strlist_setenv(env, "DYNO", dyno);
	strlist_setenv(env, PROCTREE_MARK, mark);
	snprintf(number, sizeof number, "%u", port);
	if (port != 0)
		strlist_setenv(env, "PORT", number);
	if (notify != NULL)
		strlist_setenv(env, "NOTIFY_SOCKET", notify);
}

/* The length of $PORT or ${PORT}, as a shell reads it, at the front of a text; 0: it is neither. */
static size_t port_variable(const char *at)
{
	static const char braces[] = "${PORT}", plain[] = "$PORT";
	unsigned char next;

	if (strncmp(at, braces, sizeof braces - 1) == 0)
		return sizeof braces - 1;
	if (strncmp(at, plain, sizeof plain - 1) != 0)
		return 0;
	next = (unsigned char)at[sizeof plain - 1];
	return isalnum(next) || next == '_' ? 0 : sizeof plain - 1;
}

char *dynoenv_show_command(const char *command, uint16_t port)
{
	struct buf out = BUF_INIT;

	for (const char *at = command; *at != '\0';) {
		size_t len = port != 0 ? port_variable(at) : 0;
		if (len > 0)
			buf_addf(&out, "%u", port);
		else
			buf_addc(&out, *at);
		at += len > 0 ? len : 1;
	}
	return buf_detach(&out);
}
