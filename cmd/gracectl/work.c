/* work: see the header. */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changed.h"
#include "client.h"
#include "doc.h"
#include "event.h"
#include "fdio.h"
#include "live.h"
#include "reach.h"
#include "results.h"
#include "utf8.h"

/* How long a supervisor may take to say that it has heard the request. */
#define HEARING_TIMEOUT (20 * NSEC_PER_SEC)

/* How long a supervisor may take to end after its last answer. */
#define END_TIMEOUT (5 * NSEC_PER_SEC)

enum {
	RECONNECT_PAUSE_MS = 10
};

/* Instead of an exit code. */
enum {
	LOST = -1,  /* the supervisor went away before it was done */
	ENDING = -2 /* it is about to end, and starts nothing any more */
};

static const char *timeout_text;
static bool quiet;

const struct cli_option work_options[] = {
	CLI_TARGET_OPTIONS,
	{'q', "quiet", NULL, ARG_NONE, "say nothing but what went wrong", &quiet, NULL},
	{0, "timeout", "T", ARG_TIME,
		"wait at most so long (the work goes on); by default as long as it may take", NULL,
		&timeout_text},
	{0},
};

/* One piece of work in progress. */
struct job {
	const struct work *work;
	const struct cli *cli;
	const struct config *config;
	struct client client;
	struct live live; /* the display on a terminal */
	struct strlist targets;
	nsec_t began;
	nsec_t asked; /* when this supervisor was asked; later than began if one had to end first */
	nsec_t patience; /* --timeout, 0: as the supervisor says */
	nsec_t deadline; /* monotonic */
	int guard;	 /* pidfd of the supervisor's guard, -1: none */
	bool told;	 /* what is being done has been said */
	bson_t *base;	 /* what was answered with at first; NULL before. Owned */
	unsigned dynos;	 /* how many are waited for */
	struct results results;
};

/* "all dynos", "all web dynos", "dyno web.1", or a list. */
static void print_object(const struct job *job, FILE *out)
{
	if (job->targets.count == 0) {
		fputs("all dynos", out);
		return;
	}
	for (size_t i = 0; i < job->targets.count; i++) {
		const char *target = job->targets.items[i];
		bool is_type = strchr(target, '.') == NULL;
		fprintf(out, "%s%s%s%s", i > 0 ? ", " : "", is_type ? "all " : "dyno ", target,
			is_type ? " dynos" : "");
	}
}

static enum live_kind kind_of(const struct work *work)
{
	if (work->launches)
		return LIVE_START;
	return work->ends ? LIVE_STOP : LIVE_RESTART;
}

/* Says what is being done, once, when a supervisor is about to do it: what is refused does not
 * begin. True when that was now. */
static bool begin_telling(struct job *job)
{
	if (job->told || quiet || job->cli->json)
		return false;
	job->told = true;
	fprintf(stderr, "%s ", job->work->doing);
	print_object(job, stderr);
	fprintf(stderr, " on %s...\n", job->config->name);
	live_begin(&job->live, kind_of(job->work), job->cli, job->config);
	return true;
}

static void print_event(const bson_t *event)
{
	struct buf text = BUF_INIT, line = BUF_INIT;

	if (event_render(event, &text)) {
		buf_addf(&line, "  %s: ", doc_text(event, "dyno"));
		utf8_append_safe(&line, text.data, text.len);
		fprintf(stderr, "%s\n", line.data);
	}
	buf_release(&text);
	buf_release(&line);
}

static void hear_event(struct job *job, const bson_t *message)
{
	bson_t event;

	if (quiet || job->cli->json || !doc_child(message, "event", &event))
		return;
	if (job->live.on)
		live_event(&job->live, &event);
	else
		print_event(&event);
}

static void hear_result(struct job *job, const bson_t *message)
{
	int64_t code = doc_int(message, "code");
	const char *dyno = doc_text(message, "dyno");

	if (!results_take(&job->results, message) || job->cli->json)
		return;
	if (job->live.on)
		live_result(&job->live, dyno, code != WIRE_DONE, doc_text(message, "text"));
	else if (code != WIRE_DONE)
		cli_error("%s %s", dyno, doc_text(message, "text"));
}

/* "done, 2 stopped in 1.2 s, 1 was down already" */
static void print_sum(const struct job *job, int code, double seconds)
{
	struct results_sum sum = results_sum(&job->results);

	if (code != EXIT_DONE)
		fprintf(stderr, "failed, %u of %u %s in %.1f s", sum.good, job->dynos,
			job->work->well != NULL ? job->work->well : job->work->done, seconds);
	else if (sum.good > 0 || sum.already == 0)
		fprintf(stderr, "done, %u %s in %.1f s", sum.good, job->work->done, seconds);
	else
		fputs("done", stderr);
	if (sum.already > 0)
		fprintf(stderr, ", %u %s down already", sum.already,
			sum.already == 1 ? "was" : "were");
	fputc('\n', stderr);
}

static void print_end(const struct job *job, int code)
{
	double seconds = (double)(clock_mono() - job->began) / (double)NSEC_PER_SEC;

	if (job->cli->json) {
		results_print(&job->results, job->base, code, seconds);
		return;
	}
	if (quiet)
		return;
	if (job->dynos == 0)
		fprintf(stderr, "nothing to do: %s\n",
			job->targets.count > 0 ? "of this type there is no dyno (scale = 0)"
					       : "no dyno is up");
	else
		print_sum(job, code, seconds);
}

static int open_guard(const struct job *job, const bson_t *message)
{
	return client_open_process(
		&job->client, doc_int(message, "pid"), doc_int(message, "guard"));
}

/* That deadline, or the end of --timeout if it comes before. */
static nsec_t within_timeout(const struct job *job, nsec_t deadline)
{
	nsec_t limit = job->began + job->patience;

	return job->patience > 0 && limit < deadline ? limit : deadline;
}

/* The supervisor ends after its answer, and its guard after it; then nothing of it is left. */
static void await_end(struct job *job)
{
	if (job->work->ends && job->targets.count == 0)
		client_await_end(
			job->config, job->guard, within_timeout(job, clock_mono() + END_TIMEOUT));
}

/* What was accepted once and is refused by the next supervisor was taken back by somebody's stop.
 */
static bool was_accepted(const struct job *job)
{
	return job->base != NULL && !bson_empty(job->base);
}

/* A supervisor that is ending starts nothing; when it has ended, another one can. */
static int hear_ending(struct job *job, const bson_t *message)
{
	job->deadline = job->patience > 0
				? job->began + job->patience
				: clock_mono() + doc_int(message, "deadline_ms") * NSEC_PER_MSEC;
	fdio_close(&job->guard);
	job->guard = open_guard(job, message);
	return ENDING;
}

static int hear_done(struct job *job, const bson_t *message)
{
	int code = (int)doc_int(message, "code");
	const char *text = doc_text(message, "text");

	if (job->work->launches && !was_accepted(job) && bson_has_field(message, "guard"))
		return hear_ending(job, message);
	live_end(&job->live);
	if (text[0] != '\0')
		cli_error("%s", text);
	if (bson_has_field(message, "warning"))
		cli_error("%s", doc_text(message, "warning"));
	changed_tell_target(job->cli, job->config, doc_text(message, "unknown"));
	if (code == WIRE_USAGE)
		return EXIT_USAGE;
	/* What was told before a change of supervisors stays true, whatever the next one sees. */
	if (text[0] == '\0')
		code = results_code(&job->results);
	await_end(job);
	if (text[0] == '\0' || job->cli->json)
		print_end(job, code);
	return code;
}

/* Who asked once more for a stop, only in order to see it, would not expect that. */
static void warn_of_hurry(const struct job *job)
{
	if (job->work->ends)
		cli_error("another `gracectl stop` would end it by force");
}

static int give_up(struct job *job, enum client_result result)
{
	double seconds = (double)(clock_mono() - job->began) / (double)NSEC_PER_SEC;

	live_end(&job->live);
	if (job->cli->json)
		print_end(job, result == CLIENT_DEADLINE ? EXIT_DEADLINE : EXIT_FAILED);
	/* Before the first answer nobody knows whether the request was heard. */
	if (!was_accepted(job) && result != CLIENT_CLOSED) {
		cli_error(
			"%s %.1f s: the supervisor of %s did not answer, so it may not have heard "
			"this; see `gracectl ps` and %s/supervisor.log",
			result == CLIENT_DEADLINE ? "no answer within" : "interrupted after",
			seconds, job->config->name, job->config->state_dir);
		return result == CLIENT_DEADLINE ? EXIT_DEADLINE : EXIT_FAILED;
	}
	switch (result) {
	case CLIENT_INTERRUPTED:
		cli_error("interrupted after %.1f s; the supervisor goes on with it, see `gracectl "
			  "ps`",
			seconds);
		warn_of_hurry(job);
		return EXIT_FAILED;
	case CLIENT_DEADLINE:
		cli_error(
			"not done after %.1f s; the supervisor goes on with it, see `gracectl ps`",
			seconds);
		warn_of_hurry(job);
		return EXIT_DEADLINE;
	case CLIENT_CLOSED:
	case CLIENT_MESSAGE:
		break;
	}
	cli_error("the supervisor closed the connection before it was done; see `gracectl ps` and "
		  "%s/supervisor.log",
		job->config->state_dir);
	return EXIT_FAILED;
}

static void hear_accepted(struct job *job, const bson_t *message)
{
	nsec_t patience =
		job->patience > 0 ? job->patience : doc_int(message, "deadline_ms") * NSEC_PER_MSEC;
	bson_t base;

	if (begin_telling(job) && !job->work->ends)
		changed_tell(job->cli, job->config);
	job->deadline = (job->patience > 0 ? job->began : job->asked) + patience;
	if (!was_accepted(job) && doc_child(message, "base", &base)) {
		if (job->base != NULL)
			bson_destroy(job->base);
		job->base = bson_copy(&base);
		job->dynos = bson_count_keys(job->base);
		live_expect(&job->live, job->base);
	}
	if (job->guard < 0)
		job->guard = open_guard(job, message);
}

static int converse(struct job *job)
{
	bson_t message;
	enum client_result result;

	while ((result = live_next(&job->live, &job->client, job->deadline, &message)) ==
		CLIENT_MESSAGE) {
		const char *type = doc_text(&message, "type");
		if (strcmp(type, "accepted") == 0)
			hear_accepted(job, &message);
		else if (strcmp(type, "event") == 0)
			hear_event(job, &message);
		else if (strcmp(type, "result") == 0)
			hear_result(job, &message);
		else if (strcmp(type, "done") == 0)
			return hear_done(job, &message);
	}
	return result == CLIENT_CLOSED ? LOST : give_up(job, result);
}

/* ---- one supervisor after the other ---- */

static int ask(struct job *job)
{
	struct wire_request request = {
		.targets = job->targets, .events = !quiet && !job->cli->json, .base = job->base};

	snprintf(request.cmd, sizeof request.cmd, "%s", job->work->cmd);
	return client_send(&job->client, &request) < 0 ? LOST : converse(job);
}

/* Reaches another supervisor, or starts it, when the one before has ended in order. Returns LOST,
 * since everything is to be asked of it, or an exit code. */
static int begin_anew(struct job *job)
{
	int code = reach_supervisor(
		job->cli, job->config, &job->targets, job->work->launches, &job->client);

	job->asked = clock_mono();
	job->deadline =
		job->patience > 0 ? job->began + job->patience : job->asked + HEARING_TIMEOUT;
	return code == EXIT_DONE ? LOST : code;
}

/* Both have died, and whenever another one was to be started in their place it could not be. */
static int give_up_alone(struct job *job, const struct cause *cause)
{
	live_end(&job->live);
	if (job->cli->json)
		print_end(job, EXIT_DEADLINE);
	cli_no_successor(job->config, cause);
	return EXIT_DEADLINE;
}

/* Reaches the supervisor that comes after the one that was lost. Returns LOST as long as there is
 * something left to be asked of it, or an exit code. */
static int reach_next(struct job *job)
{
	struct cause cause, first = {0};

	client_close(&job->client);
	/* Not even answered yet: it may have been heard, and then nothing may be told twice. */
	if (job->base == NULL && !job->client.unheard)
		job->base = bson_new();
	while (clock_mono() < job->deadline) {
		/* It was about to end when it was asked to start something. */
		if (job->work->launches && !was_accepted(job) && client_nothing_left(job->config))
			return begin_anew(job);
		/* A supervisor that ends after a stop of everything may not live to say so. */
		if (job->work->ends && job->targets.count == 0 &&
			client_nothing_left(job->config)) {
			live_end(&job->live);
			print_end(job, results_code(&job->results));
			return results_code(&job->results);
		}
		/* Also before the first try: the next one may close the connection as well. */
		if (client_pause(RECONNECT_PAUSE_MS))
			return give_up(job, CLIENT_INTERRUPTED);
		if (client_reach(&job->client, job->config, job->cli->app, &cause) == 0)
			return LOST;
		/* The last one may only have come too late. */
		if (first.text[0] == '\0')
			first = cause;
	}
	return first.text[0] != '\0' ? give_up_alone(job, &first) : give_up(job, CLIENT_DEADLINE);
}

/* Waits for the end of the supervisor that has just said that it is ending. */
static int outlast(struct job *job)
{
	const char *name = job->config->name;

	client_close(&job->client);
	begin_telling(job);
	if (!quiet && !job->cli->json)
		fprintf(stderr,
			"  the supervisor of %s is ending; another one is started after it\n",
			name);
	bool ended = client_await_end(job->config, job->guard, job->deadline);
	fdio_close(&job->guard);
	if (ended)
		return begin_anew(job);
	double seconds = (double)(clock_mono() - job->began) / (double)NSEC_PER_SEC;
	live_end(&job->live);
	if (job->cli->json)
		print_end(job, client_interrupted() ? EXIT_FAILED : EXIT_DEADLINE);
	cli_error("%s %.1f s: the supervisor of %s is still ending, so nothing was started; see "
		  "`gracectl ps`",
		client_interrupted() ? "interrupted after" : "not done after", seconds, name);
	return client_interrupted() ? EXIT_FAILED : EXIT_DEADLINE;
}

/* When the supervisor is replaced by another while we wait, that one adopts everything, and the
 * request goes on with it. */
static int see_through(struct job *job)
{
	int code = ask(job);

	for (;;) {
		if (code == ENDING)
			code = outlast(job);
		else if (code == LOST)
			code = reach_next(job);
		else
			return code;
		if (code == LOST)
			code = ask(job);
	}
}

static int read_options(struct job *job, const struct command *command, int argc, char **argv)
{
	struct cause cause;

	cli_targets(argc, argv, &job->targets);
	if (timeout_text != NULL && duration_parse(timeout_text, &job->patience, &cause) < 0)
		return cli_usage_error(command, "--timeout: %s", cause.text);
	if (timeout_text != NULL && job->patience == 0)
		return cli_usage_error(command,
			"--timeout: \"%s\" leaves no time at all; give at least 1ms, such as "
			"500ms, 30 or 1h30m, or leave it out to wait as long as it may take",
			timeout_text);
	return EXIT_DONE;
}

int work_run(const struct work *work, const struct command *command, const struct cli *cli,
	int argc, char **argv)
{
	struct config config;
	struct job job = {.work = work,
		.cli = cli,
		.config = &config,
		.client.fd = -1,
		.guard = -1,
		.targets = STRLIST_INIT};

	int code = read_options(&job, command, argc, argv);
	if (code == EXIT_DONE)
		code = cli_locate(cli, &config);
	if (code != EXIT_DONE) {
		strlist_release(&job.targets);
		return code;
	}
	client_catch_interrupts();
	job.began = clock_mono();
	if (job.patience > 0)
		client_limit(job.began + job.patience);
	code = reach_supervisor(cli, &config, &job.targets, work->launches, &job.client);
	if (code == EXIT_DONE) {
		job.asked = clock_mono();
		job.deadline = within_timeout(&job, job.asked + HEARING_TIMEOUT);
		code = see_through(&job);
	}
	live_end(&job.live);
	client_close(&job.client);
	fdio_close(&job.guard);
	if (job.base != NULL)
		bson_destroy(job.base);
	strlist_release(&job.targets);
	results_release(&job.results);
	config_release(&config);
	return code;
}
