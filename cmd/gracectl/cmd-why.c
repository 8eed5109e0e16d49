/* cmd-why: see the header. */
#include "cmd-why.h"

#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "buf.h"
#include "utf8.h"

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

/* Names of processes may hold anything. */
static void add_safe(struct buf *out, const bson_t *doc, const char *key)
{
	const char *text = doc_text(doc, key);

	utf8_append_safe(out, text, strlen(text));
}

static void print_process(const bson_t *process)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "  pid %lld ", (long long)doc_int(process, "pid"));
	add_safe(&text, process, "command");
	buf_adds(&text, ": ");
	add_safe(&text, process, "text");
	puts(text.data);
	buf_release(&text);
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
			print_process(&process);
	if (left > 0)
		printf("  and %lld more\n", left);
}

static void print_json(const bson_t *doc)
{
	struct buf out = BUF_INIT;

	if (doc_add_json(&out, doc))
		puts(out.data);
	else
		cli_error("the answer about %s holds bytes that are no text, so it cannot be shown "
			  "as JSON; ask without --json",
			doc_text(doc, "dyno"));
	buf_release(&out);
}

int why_run(const struct cli *cli, const struct strlist *targets)
{
	const struct question question = {
		.request = {.cmd = "why", .targets = *targets},
		.type = "why",
		.none = ", so nothing is being stopped",
	};
	struct answers answers = {0};
	struct config config;
	int code = cli_locate(cli, &config);

	if (code != EXIT_DONE)
		return code;
	code = ask_supervisor(cli, &config, &question, &answers);
	if (code == EXIT_DONE && answers.count == 0 && !cli->json)
		printf("No dyno of %s is being stopped\n", config.name);
	for (size_t i = 0; i < answers.count && code == EXIT_DONE; i++)
		(cli->json ? print_json : print_text)(answers.items[i]);
	answers_release(&answers);
	config_release(&config);
	return code;
}
