/* cmd-why: see the header. */
#include "cmd-why.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "doc.h"
#include "xmalloc.h"

#define ANSWER_TIMEOUT (5 * NSEC_PER_SEC)

enum {
	TRIES = 20,
	ASK_AGAIN = -1
};

/* What is asked for, and the answer: a document for each instance. */
struct question {
	const struct cli *cli;
	const struct config *config;
	struct strlist targets;
	bson_t **answers; /* owned copies */
	size_t count;
};

/* ---- asking ---- */

static void forget(struct question *question)
{
	for (size_t i = 0; i < question->count; i++)
		bson_destroy(question->answers[i]);
	free(question->answers);
	question->answers = NULL;
	question->count = 0;
}

static void keep(struct question *question, const bson_t *message)
{
	bson_t *copy = bson_new();

	bson_copy_to_excluding_noinit(message, copy, "v", "type", NULL);
	question->answers =
		xreallocarray(question->answers, question->count + 1, sizeof *question->answers);
	question->answers[question->count++] = copy;
}

static int hear(struct question *question, struct client *client)
{
	nsec_t deadline = clock_mono() + ANSWER_TIMEOUT;
	enum client_result result;
	bson_t message;

	while ((result = client_next(client, deadline, &message)) == CLIENT_MESSAGE) {
		const char *type = doc_text(&message, "type"), *text = doc_text(&message, "text");
		if (strcmp(type, "why") == 0)
			keep(question, &message);
		if (strcmp(type, "done") != 0)
			continue;
		if (text[0] != '\0')
			cli_error("%s", text);
		return (int)doc_int(&message, "code");
	}
	if (result == CLIENT_CLOSED)
		return ASK_AGAIN;
	cli_error("the supervisor of %s does not answer", question->config->name);
	return EXIT_DEADLINE;
}

static int tell_unreachable(const struct question *question)
{
	const struct config *config = question->config;

	if (errno == ENOENT || errno == ECONNREFUSED) {
		cli_error("no supervisor of %s runs, so nothing is being stopped", config->name);
		return EXIT_NO_SUPERVISOR;
	}
	cli_error("cannot reach the supervisor of %s in %s: %s", config->name, config->run_dir,
		strerror(errno));
	return EXIT_FAILED;
}

static int ask_once(struct question *question)
{
	const struct wire_request request = {.cmd = "why", .targets = question->targets};
	struct client client;
	int code = ASK_AGAIN;

	if (client_reach(&client, question->config, question->cli->app) < 0)
		return tell_unreachable(question);
	if (client_send(&client, &request) == 0)
		code = hear(question, &client);
	client_close(&client);
	return code;
}

/* A supervisor that dies while it is asked has a successor, which sees the same processes. */
static int ask(struct question *question)
{
	int code = ASK_AGAIN;

	for (int i = 0; i < TRIES && code == ASK_AGAIN; i++) {
		forget(question);
		code = ask_once(question);
	}
	if (code != ASK_AGAIN)
		return code;
	cli_error("the supervisor of %s closed the connection again and again; see "
		  "%s/supervisor.log",
		question->config->name, question->config->state_dir);
	return EXIT_FAILED;
}

/* ---- showing ---- */

/* "15.0 s"; minutes and hours as in a configuration. */
static const char *time_of(const bson_t *doc, const char *key, char text[static DURATION_TEXT])
{
	nsec_t time = doc_int(doc, key) * NSEC_PER_MSEC;

	if (time < 2 * NSEC_PER_MIN)
		snprintf(text, DURATION_TEXT, "%.1f s", (double)time / (double)NSEC_PER_SEC);
	else
		duration_format(time - time % NSEC_PER_SEC, text);
	return text;
}

static void print_name(const bson_t *doc)
{
	if (doc_bool(doc, "old"))
		printf("the old instance of %s (launch %lld)", doc_text(doc, "dyno"),
			(long long)doc_int(doc, "launch"));
	else
		fputs(doc_text(doc, "dyno"), stdout);
}

static void print_stop(const bson_t *doc, long long processes)
{
	const char *signal = doc_text(doc, "signal");
	char time[DURATION_TEXT];

	printf(" has been stopping for %s: %s was sent", time_of(doc, "elapsed_ms", time), signal);
	if (bson_has_field(doc, "kill_in_ms"))
		printf(", SIGKILL comes in %s", time_of(doc, "kill_in_ms", time));
	else if (strcmp(signal, "SIGKILL") != 0)
		fputs(", no SIGKILL will come by itself", stdout);
	if (processes == 0)
		puts("; no process is left that could be found");
	else
		printf("; %lld %s left\n", processes,
			processes == 1 ? "process is" : "processes are");
}

static void print_head(const bson_t *doc, long long processes)
{
	const char *state = doc_text(doc, "state");

	print_name(doc);
	if (!bson_has_field(doc, "processes"))
		printf(" is %s: there is nothing to stop\n", state);
	else if (bson_has_field(doc, "elapsed_ms"))
		print_stop(doc, processes);
	else if (strcmp(state, "stopping") == 0)
		puts(" has ended, and its end is being noticed");
	else
		printf(" is %s; if it were stopped now (%s), %lld %s would have to end\n", state,
			doc_text(doc, "ladder"), processes,
			processes == 1 ? "process" : "processes");
}

static void print_text(const bson_t *doc)
{
	long long left = doc_int(doc, "processes");
	bson_iter_t iter;
	bson_t list, process;

	print_head(doc, left);
	if (!doc_child(doc, "held_by", &list) || !bson_iter_init(&iter, &list))
		return;
	for (; bson_iter_next(&iter); left--)
		if (doc_at(&iter, &process))
			printf("  pid %lld %s: %s\n", (long long)doc_int(&process, "pid"),
				doc_text(&process, "command"), doc_text(&process, "text"));
	if (left > 0)
		printf("  and %lld more\n", left);
}

static void print_json(const bson_t *doc)
{
	char *json = bson_as_relaxed_extended_json(doc, NULL);

	puts(json);
	bson_free(json);
}

static void show(const struct question *question)
{
	if (question->count == 0 && !question->cli->json)
		printf("No dyno of %s is being stopped\n", question->config->name);
	for (size_t i = 0; i < question->count; i++)
		if (question->cli->json)
			print_json(question->answers[i]);
		else
			print_text(question->answers[i]);
}

int why_run(const struct cli *cli, int argc, char **argv)
{
	struct config config;
	struct question question = {.cli = cli, .config = &config, .targets = STRLIST_INIT};

	int code = cli_locate(cli, &config);
	if (code != EXIT_DONE)
		return code;
	for (int i = 0; i < argc; i++)
		strlist_add(&question.targets, argv[i]);
	code = ask(&question);
	if (code == EXIT_DONE)
		show(&question);
	forget(&question);
	strlist_release(&question.targets);
	config_release(&config);
	return code;
}
