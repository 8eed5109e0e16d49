/* logask: see the header. */
#include "logask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "journalfile.h"
#include "suggest.h"

enum {
	NAMES_SHOWN = 20,
	DEFAULT_LINES = 100,
	LINES_MAX = 1000000000,
	PAUSE_MS = 100
};

struct logargs logask_event_args;

/* ---- options ---- */

static int read_options(
	const struct command *command, const struct logargs *args, struct logview_query *query)
{
	query->lines = args->since != NULL ? LOGVIEW_ALL : DEFAULT_LINES;
	query->follow = args->tail;
	if (args->num != NULL &&
		cli_number(command, "--num", args->num, 0, LINES_MAX, &query->lines) != 0)
		return EXIT_USAGE;
	if (args->until != NULL && args->tail)
		return cli_usage_error(command, "--until and --tail exclude each other");
	return EXIT_DONE;
}

static int read_time(
	const struct command *command, const char *option, const char *text, nsec_t *time)
{
	struct cause cause;

	if (text == NULL || time_parse(text, clock_wall(), time, &cause) == 0)
		return EXIT_DONE;
	return cli_usage_error(command, "%s: %s", option, cause.text);
}

/* ---- is there a log? ---- */

static bool is_empty(int dir, const char *state_dir)
{
	struct strlist names = STRLIST_INIT;
	struct journalfiles files;

	logview_dynos(state_dir, &names);
	bool empty = journalfile_list(dir, &files) == 0 && files.count == 0 && names.count == 0;
	journalfile_release(&files);
	strlist_release(&names);
	return empty;
}

/* Sets errno when there is none: 0, when the directory for it is there. */
static bool has_log(const char *state_dir)
{
	int dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	bool empty = is_empty(dir, state_dir);
	fdio_close(&dir);
	errno = 0;
	return !empty;
}

/* Nothing is held that needs an orderly end, and a write to a stopped terminal must not delay one.
 */
static void end_now(int signal_number)
{
	(void)signal_number;
	_exit(EXIT_DONE);
}

/* Ends with the reader. Only the first start of all is waited for here, so a look now and then is
 * good enough. */
static void await_log(const char *state_dir)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};

	cli_error("there is no log in %s yet; waiting for it", state_dir);
	while (!has_log(state_dir) && (errno == 0 || errno == ENOENT)) {
		poll(&reader, 1, PAUSE_MS);
		if ((reader.revents & (POLLERR | POLLHUP)) != 0)
			end_now(0);
	}
}

static int check_log(const struct logask *ask)
{
	const char *state_dir = ask->config.state_dir;

	if (has_log(state_dir))
		return EXIT_DONE;
	bool can_come = errno == 0 || errno == ENOENT;
	if (can_come && ask->query.follow) {
		await_log(state_dir);
		return EXIT_DONE;
	}
	if (can_come)
		cli_error("there is no log in %s yet: nothing has been started there", state_dir);
	else
		cli_error("there is no log in %s: %s", state_dir, strerror(errno));
	return EXIT_FAILED;
}

/* ---- are the targets there? ---- */

static bool take_one(void *arg, const struct logview_line *line)
{
	(void)line;
	*(bool *)arg = true;
	return false;
}

static bool go_on(void *arg)
{
	(void)arg;
	return true;
}

/* What is long gone stands in the journal only. */
static bool has_event(const struct logask *ask, const struct logview_query *one)
{
	bool found = false;
	struct logview_query query = {.state_dir = ask->config.state_dir,
		.targets = one->targets,
		.events = true,
		.every_event = true,
		.lines = 1};
	struct logview_sink sink = {.line = take_one, .idle = go_on, .out = -1, .arg = &found};
	struct cause cause;

	logview_run(&query, &sink, &cause);
	return found;
}

static bool is_known(const struct cli *cli, const struct logask *ask, const struct strlist *names,
	const char *target)
{
	struct strlist targets = STRLIST_INIT;
	const struct logview_query one = {.targets = &targets};
	bool known = strcmp(target, "supervisor") == 0;

	strlist_add(&targets, target);
	for (size_t i = 0; i < names->count && !known; i++)
		known = logview_wants(&one, names->items[i]);
	known = known || cli_file_has(cli, &ask->config, target) || has_event(ask, &one);
	strlist_release(&targets);
	return known;
}

static void add_types(const struct strlist *dynos, struct strlist *types)
{
	for (size_t i = 0; i < dynos->count; i++) {
		const char *dyno = dynos->items[i];
		strlist_addf(types, "%.*s", (int)strcspn(dyno, "."), dyno);
	}
}

static void tell_unknown(const struct strlist *unknown, const struct strlist *names, bool waits)
{
	struct strlist types = STRLIST_INIT;
	struct buf text = BUF_INIT;

	add_types(names, &types);
	for (size_t i = 0; i < unknown->count; i++) {
		buf_adds(&text, i > 0 ? ", " : "");
		suggest_add_target(
			&text, unknown->items[i], (const char *const *)types.items, types.count);
	}
	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		buf_addf(&text, "%s%s", i == 0 ? "; there are: " : ", ", names->items[i]);
	if (names->count > NAMES_SHOWN)
		buf_addf(&text, " and %zu more", names->count - NAMES_SHOWN);
	cli_error("there is no dyno or process type %s%s", text.data,
		waits ? "; waiting for it" : "");
	buf_release(&text);
	strlist_release(&types);
}

static int check_targets(const struct cli *cli, const struct logask *ask)
{
	struct strlist names = STRLIST_INIT, unknown = STRLIST_INIT;

	logview_dynos(ask->config.state_dir, &names);
	for (size_t i = 0; i < ask->targets.count; i++)
		if (!is_known(cli, ask, &names, ask->targets.items[i]))
			strlist_add(&unknown, ask->targets.items[i]);
	int code = unknown.count > 0 && !ask->query.follow ? EXIT_USAGE : EXIT_DONE;
	if (unknown.count > 0)
		tell_unknown(&unknown, &names, ask->query.follow);
	strlist_release(&names);
	strlist_release(&unknown);
	return code;
}

/* ---- all of it ---- */

/* Times are read in the zone in which `ps` shows them. */
static int read_times(const struct command *command, const struct logargs *args, struct logask *ask)
{
	cli_zone_enter(&ask->config);
	int code = read_time(command, "--since", args->since, &ask->query.since);
	if (code == EXIT_DONE)
		code = read_time(command, "--until", args->until, &ask->query.until);
	cli_zone_leave();
	return code;
}

static int look(const struct cli *cli, struct logask *ask)
{
	if (ask->query.follow) {
		signal(SIGINT, end_now);
		signal(SIGTERM, end_now);
	}
	cli_adopt(cli, &ask->config);
	int code = check_log(ask);
	return code == EXIT_DONE ? check_targets(cli, ask) : code;
}

int logask_open(const struct cli *cli, const struct command *command, const struct logargs *args,
	int argc, char **argv, struct logask *ask)
{
	*ask = (struct logask){0};
	int code = read_options(command, args, &ask->query);
	if (code == EXIT_DONE)
		code = cli_locate(cli, &ask->config);
	if (code != EXIT_DONE)
		return code;
	cli_targets(argc, argv, &ask->targets);
	ask->query.targets = &ask->targets;
	ask->query.state_dir = ask->config.state_dir;
	code = read_times(command, args, ask);
	if (code == EXIT_DONE)
		code = look(cli, ask);
	if (code != EXIT_DONE)
		logask_close(ask);
	return code;
}

void logask_close(struct logask *ask)
{
	config_release(&ask->config);
	strlist_release(&ask->targets);
}
