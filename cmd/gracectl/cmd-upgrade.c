/* upgrade: the program that is installed now takes over from the one that runs; the instances do
 * not notice. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "client.h"
#include "doc.h"

#define TIMEOUT (20 * NSEC_PER_SEC)
enum {
	PAUSE_MS = 10,
	VERSION_MAX = 32
};

/* Who answers. */
struct answerer {
	int pid;
	char version[VERSION_MAX];
};

/* Sends a command that is answered at once. Returns an exit code, or -1 when nobody could be asked;
 * for cause see client_reach(). */
static int ask(
	const struct config *config, const char *cmd, struct answerer *who, struct cause *cause)
{
	struct wire_request request = {.targets = STRLIST_INIT};
	struct client client;
	bson_t message;
	int code = -1;

	if (client_reach(&client, config, NULL, cause) < 0)
		return -1;
	snprintf(request.cmd, sizeof request.cmd, "%s", cmd);
	client_send(&client, &request);
	while (code < 0 &&
		client_next(&client, clock_mono() + TIMEOUT, &message) == CLIENT_MESSAGE) {
		if (strcmp(doc_text(&message, "type"), "accepted") == 0) {
			who->pid = (int)doc_int(&message, "pid");
			snprintf(who->version, sizeof who->version, "%s",
				doc_text(&message, "version"));
		} else if (strcmp(doc_text(&message, "type"), "done") == 0) {
			code = (int)doc_int(&message, "code");
			if (doc_text(&message, "text")[0] != '\0')
				cli_error("%s", doc_text(&message, "text"));
		}
	}
	client_close(&client);
	return code;
}

static void print_change(const struct cli *cli, const struct config *config,
	const struct answerer *before, const struct answerer *now)
{
	printf(cli->json ? "{ \"app\" : \"%s\", \"version\" : \"%s\", \"pid\" : %d, "
			   "\"old_version\" : \"%s\", \"old_pid\" : %d }\n"
			 : "%s: supervisor %s (pid %d) has taken over from %s (pid %d)\n",
		config->name, now->version, now->pid, before->version, before->pid);
}

/* Waits until another process answers. */
static int await_successor(
	const struct cli *cli, const struct config *config, const struct answerer *before)
{
	nsec_t deadline = clock_mono() + TIMEOUT;
	struct answerer now = {0};
	struct cause cause;

	while (clock_mono() < deadline) {
		if (ask(config, "ping", &now, &cause) == EXIT_DONE && now.pid != before->pid) {
			print_change(cli, config, before, &now);
			return EXIT_DONE;
		}
		if (client_pause(PAUSE_MS)) {
			cli_error("interrupted; see `gracectl ps`");
			return EXIT_FAILED;
		}
	}
	cli_error("no new supervisor answered in time; see %s/supervisor.log", config->state_dir);
	return EXIT_DEADLINE;
}

/* The supervisor may die while it is asked; the next one can be asked as well. */
static int ask_for_upgrade(const struct config *config, struct answerer *who, struct cause *cause)
{
	nsec_t deadline = clock_mono() + TIMEOUT;
	int code;

	do
		code = ask(config, "upgrade", who, cause);
	while (code == -1 && cause->text[0] == '\0' && clock_mono() < deadline &&
		!client_nothing_left(config) && !client_pause(PAUSE_MS));
	return code;
}

static int run(const struct cli *cli, int argc, char **argv)
{
	static const struct strlist nobody = STRLIST_INIT;
	struct config config;
	struct answerer before = {0};
	struct cause cause;

	(void)argc;
	(void)argv;
	int code = cli_locate(cli, &config);
	if (code != EXIT_DONE)
		return code;
	client_catch_interrupts();
	code = ask_for_upgrade(&config, &before, &cause);
	if (code == -1 && cause.text[0] != '\0')
		code = cli_no_successor(&config, &cause);
	else if (code == -1)
		code = cli_no_supervisor(cli, &config, &nobody, "; there is nothing to upgrade");
	else if (code == EXIT_DONE)
		code = await_successor(cli, &config, &before);
	config_release(&config);
	return code;
}

const struct command cmd_upgrade = {
	.name = "upgrade",
	.arguments = "",
	.summary = "replace the running supervisor by the installed program; the dynos run on",
	.run = run,
};
