/*
 * ps: the dynos, in Heroku's layout: a header for each process type, a line for each dyno.
 *
 * Unlike Heroku it does not hide an old instance that is still ending, and says why a dyno rests
 * and when it is tried again.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "changed.h"
#include "cli.h"
#include "client.h"
#include "doc.h"
#include "livework.h"
#include "stopwarn.h"
#include "utf8.h"

#define WATCH_INTERVAL_MS 1000

static bool long_listing, watch;

static const struct cli_option options[] = {
	{'l', "long", NULL, ARG_NONE, "with pid, port, memory, restarts and the next restart",
		&long_listing, NULL},
	CLI_TARGET_OPTIONS,
	{0, "watch", NULL, ARG_NONE, "show it again every second until Ctrl-C", &watch, NULL},
	{0},
};

/* What is asked for, and the answer. */
struct listing {
	const struct cli *cli;
	const struct config *config;
	struct question question;
	struct answers dynos;
	bool color;
};

/* ---- showing ---- */

static nsec_t time_of(const bson_t *dyno, const char *key)
{
	struct cause cause;
	nsec_t time;

	return time_parse(doc_text(dyno, key), clock_wall(), &time, &cause) == 0 ? time : 0;
}

static const char *paint(const struct listing *listing, const char *code)
{
	return listing->color ? code : "";
}

/* Commands and reasons may hold anything. */
static void print_safe(const char *text)
{
	struct buf safe = BUF_INIT;

	utf8_append_safe(&safe, text, strlen(text));
	fwrite(safe.data, 1, safe.len, stdout);
	buf_release(&safe);
}

/* "in 18m", rounded to whole seconds, or whole minutes when it is far. */
static void add_in(nsec_t left, struct buf *out)
{
	char text[DURATION_TEXT];

	if (left < 0)
		left = 0;
	left -= left % (left >= NSEC_PER_HOUR ? NSEC_PER_MIN : NSEC_PER_SEC);
	buf_addf(out, "in %s", duration_format(left, text));
}

/* "draining 3 connections, SIGKILL in 26s"; when nothing is seen of its sockets, unseen stands for
 * the first part. */
static void add_stop(const bson_t *instance, const char *unseen, struct buf *out)
{
	struct live_stop stop = {0};
	bson_t doc;

	if (doc_child(instance, "stop", &doc))
		live_stop_read(&stop, &doc, 0);
	if (stop.killed || stop.phase != PHASE_UNSEEN)
		live_stop_text(&stop, false, out);
	else
		buf_adds(out, unseen);
	if (stop.killed || stop.kill_at == 0)
		return;
	buf_adds(out, out->len > 0 ? ", SIGKILL " : "SIGKILL ");
	add_in(stop.kill_at, out);
}

static void print_old(const bson_t *instance)
{
	struct buf text = BUF_INIT;

	add_stop(instance, "ending", &text);
	printf("; old instance (pid %d) is %s", (int)doc_int(instance, "pid"), text.data);
	buf_release(&text);
}

static void print_stopping(const bson_t *dyno)
{
	struct buf text = BUF_INIT;

	add_stop(dyno, "", &text);
	if (text.len > 0)
		printf(": %s", text.data);
	buf_release(&text);
	if (strcmp(doc_text(dyno, "wanted"), "up") == 0)
		fputs(", will be started again", stdout);
}

static void print_olds(const bson_t *dyno)
{
	bson_t list, instance;
	bson_iter_t iter;

	if (!doc_child(dyno, "instances", &list) || !bson_iter_init(&iter, &list))
		return;
	while (bson_iter_next(&iter))
		if (doc_at(&iter, &instance) && strcmp(doc_text(&instance, "role"), "old") == 0)
			print_old(&instance);
}

/* What a person wants to know beside the state: why it rests, and when it goes on. */
static void print_remarks(const bson_t *dyno)
{
	const char *state = doc_text(dyno, "state"), *why = doc_text(dyno, "why");
	nsec_t next_try = time_of(dyno, "next_try");

	if (strcmp(state, "cooling") == 0 || strcmp(state, "crashed") == 0) {
		fputs(": ", stdout);
		print_safe(why);
		if (next_try != 0) {
			struct buf text = BUF_INIT;
			add_in(next_try - clock_wall(), &text);
			printf(", next try %s", text.data);
			buf_release(&text);
		} else if (strcmp(state, "crashed") == 0) {
			fputs(doc_int(dyno, "pid") != 0 ? ", what it left behind is being stopped"
							: ", not tried again by itself",
				stdout);
		}
	} else if (strcmp(state, "stopping") == 0) {
		print_stopping(dyno);
	} else if (strcmp(state, "up") == 0 && why[0] != '\0') {
		fputs(": the last restart failed: ", stdout);
		print_safe(why);
	}
	print_olds(dyno);
}

static void print_row(const struct listing *listing, const bson_t *dyno)
{
	const char *state = doc_text(dyno, "state");
	nsec_t since = time_of(dyno, "since");
	char time[TIME_TEXT], ago[TIME_TEXT];
	bool up = strcmp(state, "up") == 0;

	time_format_ps(since, time);
	time_format_ago(clock_wall() - since, ago);
	printf("%s: %s%s%s %s%s%s%s%s", doc_text(dyno, "name"),
		paint(listing, up ? "\033[32m" : "\033[33m"), state, paint(listing, "\033[0m"),
		paint(listing, "\033[2m"), time, ago[0] != '\0' ? " " : "", ago,
		paint(listing, "\033[0m"));
	print_remarks(dyno);
	putchar('\n');
}

static void format_memory(int64_t bytes, char *out, size_t size)
{
	if (bytes <= 0)
		snprintf(out, size, "-");
	else if (bytes < 10 * 1024 * 1024)
		snprintf(out, size, "%.1fM", (double)bytes / (1024. * 1024.));
	else
		snprintf(out, size, "%lldM", (long long)(bytes / (1024 * 1024)));
}

static void format_number(int64_t number, char *out, size_t size)
{
	if (number > 0)
		snprintf(out, size, "%lld", (long long)number);
	else
		snprintf(out, size, "-");
}

/* Of the column of names, so that the others stand in line behind the longest one too. */
static int name_width(const struct answers *dynos)
{
	enum {
		WIDTH = 16
	};
	size_t width = WIDTH;

	for (size_t i = 0; i < dynos->count; i++) {
		size_t len = strlen(doc_text(dynos->items[i], "name"));
		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_long_row(const bson_t *dyno, int width)
{
	char pid[24], port[24], memory[24], since[TIME_TEXT], next[TIME_TEXT] = "-";
	nsec_t restart = time_of(dyno, "next_restart");

	format_number(doc_int(dyno, "pid"), pid, sizeof pid);
	format_number(doc_int(dyno, "port"), port, sizeof port);
	format_memory(doc_int(dyno, "memory"), memory, sizeof memory);
	if (restart != 0)
		time_format_ps(restart, next);
	printf("%-*s %-9s %-25s %8s %6s %7s %8lld  %s", width, doc_text(dyno, "name"),
		doc_text(dyno, "state"), time_format_ps(time_of(dyno, "since"), since), pid, port,
		memory, (long long)doc_int(dyno, "restarts"), next);
	print_remarks(dyno);
	putchar('\n');
}

static void print_type(const struct listing *listing, size_t first, int width)
{
	const struct answers *dynos = &listing->dynos;
	const char *type = doc_text(dynos->items[first], "process");
	size_t of_type = 0;

	for (size_t i = first; i < dynos->count; i++)
		of_type += strcmp(doc_text(dynos->items[i], "process"), type) == 0;
	printf("%s=== %s: ", first > 0 ? "\n" : "", type);
	print_safe(doc_text(dynos->items[first], "command"));
	printf(" (%zu)\n\n", of_type);
	if (long_listing)
		printf("%-*s %-9s %-25s %8s %6s %7s %8s  %s\n", width, "DYNO", "STATE", "SINCE",
			"PID", "PORT", "MEMORY", "RESTARTS", "NEXT RESTART");
}

/* The dynos come type by type, so a header is due where the type changes. */
static void print_text(const struct listing *listing)
{
	const char *type = "";
	int width = name_width(&listing->dynos);

	if (listing->dynos.count == 0)
		printf("No dynos on %s\n", listing->config->name);
	for (size_t i = 0; i < listing->dynos.count; i++) {
		const bson_t *dyno = listing->dynos.items[i];
		if (strcmp(type, doc_text(dyno, "process")) != 0)
			print_type(listing, i, width);
		type = doc_text(dyno, "process");
		if (long_listing)
			print_long_row(dyno, width);
		else
			print_row(listing, dyno);
	}
	if (listing->dynos.count > 0)
		putchar('\n');
}

static void print_json(const struct listing *listing)
{
	struct buf out = BUF_INIT;

	buf_addc(&out, '[');
	for (size_t i = 0; i < listing->dynos.count; i++) {
		buf_adds(&out, i > 0 ? ",\n " : " ");
		doc_add_json(&out, listing->dynos.items[i]);
	}
	buf_adds(&out, " ]");
	puts(out.data);
	buf_release(&out);
}

/* What stands before it goes out only with it, so that the screen is never empty meanwhile. */
static int show(struct listing *listing, const char *before)
{
	int code =
		ask_supervisor(listing->cli, listing->config, &listing->question, &listing->dynos);

	if (listing->dynos.interrupted)
		return EXIT_DONE;
	if (code == EXIT_DONE && listing->cli->json) {
		stopwarn_add(
			listing->config->state_dir, listing->dynos.items, listing->dynos.count);
		print_json(listing);
	} else if (code == EXIT_DONE) {
		fputs(before, stdout);
		cli_zone_enter(listing->config);
		print_text(listing);
		cli_zone_leave();
		stopwarn_print(
			listing->config->state_dir, listing->dynos.items, listing->dynos.count);
	}
	answers_release(&listing->dynos);
	return code;
}

static int show_again_and_again(struct listing *listing)
{
	bool terminal = isatty(STDOUT_FILENO);
	int code;

	client_catch_interrupts();
	for (;;) {
		code = show(listing, terminal && !listing->cli->json ? "\033[H\033[2J" : "");
		if (fflush(stdout) != 0 || ferror(stdout) || code != EXIT_DONE ||
			client_pause(WATCH_INTERVAL_MS))
			return code;
	}
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct config config;
	struct listing listing = {
		.cli = cli,
		.config = &config,
		.question = {.request = {.cmd = "ps", .long_listing = long_listing},
			.type = "dyno",
			.none = "; `gracectl start` starts one"},
	};
	struct strlist *targets = &listing.question.request.targets;

	int code = cli_locate(cli, &config);
	if (code != EXIT_DONE)
		return code;
	cli_targets(argc, argv, targets);
	listing.color = cli_color(cli);
	code = watch ? show_again_and_again(&listing) : show(&listing, "");
	if (code == EXIT_DONE && !watch && !cli->json)
		changed_tell(cli, &config);
	strlist_release(targets);
	config_release(&config);
	return code;
}

const struct command cmd_ps = {
	.name = "ps",
	.arguments = "[TARGET...]",
	.summary = "show the dynos",
	.argument = ARG_TARGET,
	.options = options,
	.run = run,
};
