/* ask: see the header. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "changed.h"
#include "client.h"
#include "xmalloc.h"

enum {
	ANSWER_SECONDS = 5,
	TRIES = 20,
	ASK_AGAIN = -1
};

void answers_release(struct answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		bson_destroy(answers->items[i]);
	free(answers->items);
	*answers = (struct answers){0};
}

static void keep(struct answers *answers, const bson_t *message)
{
	bson_t *copy = bson_new();

	bson_copy_to_excluding_noinit(message, copy, "v", "type", NULL);
	answers->items = xreallocarray(answers->items, answers->count + 1, sizeof *answers->items);
	answers->items[answers->count++] = copy;
}

/* A part of an answer says nothing. */
static int interrupted(struct answers *answers)
{
	answers_release(answers);
	answers->interrupted = true;
	return EXIT_DONE;
}

static int hear(const struct cli *cli, const struct config *config, const struct question *question,
	struct client *client, struct answers *answers)
{
	nsec_t deadline = clock_mono() + ANSWER_SECONDS * NSEC_PER_SEC;
	enum client_result result;
	bson_t message;

	while ((result = client_next(client, deadline, &message)) == CLIENT_MESSAGE) {
		const char *type = doc_text(&message, "type"), *text = doc_text(&message, "text");
		if (strcmp(type, question->type) == 0)
			keep(answers, &message);
		if (strcmp(type, "done") != 0)
			continue;
		if (text[0] != '\0')
			cli_error("%s", text);
		changed_tell_target(cli, config, doc_text(&message, "unknown"));
		return (int)doc_int(&message, "code");
	}
	if (result == CLIENT_INTERRUPTED)
		return interrupted(answers);
	if (result == CLIENT_CLOSED)
		return ASK_AGAIN;
	cli_error("the supervisor of %s does not answer within %d s; see %s/supervisor.log",
		config->name, ANSWER_SECONDS, config->state_dir);
	return EXIT_DEADLINE;
}

static int tell_unreachable(const struct cli *cli, const struct config *config,
	const struct question *question, const struct cause *cause)
{
	if (cause->text[0] != '\0')
		return cli_no_successor(config, cause);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return cli_no_supervisor(cli, config, &question->request.targets, question->none);
	cli_error("cannot reach the supervisor of %s in %s: %s", config->name, config->run_dir,
		strerror(errno));
	return EXIT_FAILED;
}

int ask_supervisor(const struct cli *cli, const struct config *config,
	const struct question *question, struct answers *answers)
{
	struct client client;
	struct cause cause;
	int code = ASK_AGAIN;

	for (int i = 0; i < TRIES && code == ASK_AGAIN; i++) {
		answers_release(answers);
		if (client_reach(&client, config, cli->app, &cause) < 0)
			return client_interrupted()
				       ? interrupted(answers)
				       : tell_unreachable(cli, config, question, &cause);
		if (client_send(&client, &question->request) == 0)
			code = hear(cli, config, question, &client, answers);
		client_close(&client);
	}
	if (code != ASK_AGAIN)
		return code;
	cli_error("the supervisor of %s closed the connection again and again; see "
		  "%s/supervisor.log",
		config->name, config->state_dir);
	return EXIT_FAILED;
}
