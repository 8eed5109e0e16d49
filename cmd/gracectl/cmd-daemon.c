/*
 * daemon: guard and supervisor, in the foreground: for systemd, containers and debugging.
 *
 * What is started is the guard; it executes this same command again, with hidden options that hand
 * descriptors on, as the supervisor. `gracectl start` runs it in the background with --ready-fd,
 * and then asks it to start what is wanted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli.h"
#include "control.h"
#include "fdio.h"
#include "guard.h"
#include "lockfile.h"
#include "log.h"
#include "proc.h"
#include "supervisor.h"
#include "xmalloc.h"

static const char *ready_text, *lock_text, *guard_text;
static bool debug, start, guard_again, again, adopt;

static const struct cli_option options[] = {
	{0, "debug", NULL, ARG_NONE, "debug lines on stderr (SIGUSR1 does the same later)", &debug,
		NULL},
	{0},
};

static const struct cli_option internal[] = {
	{0, "ready-fd", "N", ARG_NUMBER,
		"tell on this descriptor when it listens, and start no dyno", NULL, &ready_text},
	{0, "lock-fd", "N", ARG_NUMBER, "the lock, held already", NULL, &lock_text},
	{0, "guard-fd", "N", ARG_NUMBER, "be the supervisor; the link to the guard", NULL,
		&guard_text},
	{0, "adopt", NULL, ARG_NONE, "be both in place of two that died", &adopt, NULL},
	{0, "guard-again", NULL, ARG_NONE, "be the guard in place of another", &guard_again, NULL},
	{0, "again", NULL, ARG_NONE, "be the supervisor in place of one that died", &again, NULL},
	{0, "start", NULL, ARG_NONE, "start every dyno", &start, NULL},
	{0},
};

/* A descriptor that was handed on; from here on it is ours alone. Returns -1 for none, -2 after
 * telling what is wrong. */
static int take_fd(const char *option, const char *text)
{
	long number;

	if (text == NULL)
		return -1;
	if (cli_number(&cmd_daemon, option, text, 3, 1000000, &number) != 0)
		return -2;
	if (fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0) {
		cli_error("%s: %s is no open descriptor", option, text);
		return -2;
	}
	return (int)number;
}

/* Tells the one who launched us, if anybody did, and lets him go. */
static void tell(int *ready_fd, const char *text)
{
	if (*ready_fd >= 0)
		dprintf(*ready_fd, "%s\n", text);
	fdio_close(ready_fd);
}

static int fail(int *ready_fd, bool running, const struct cause *cause)
{
	if (!running || *ready_fd < 0)
		cli_error("%s", cause->text);
	tell(ready_fd, running ? "running" : cause->text);
	return EXIT_FAILED;
}

static int supervise(const struct config *config, const struct guard_order *order, int link)
{
	struct supervisor supervisor;
	struct cause cause;
	int ready_fd = order->ready_fd;

	fdio_keep_to_ourselves(); /* the guard has handed on more than the options name */
	if (proc_check(&cause) < 0 || supervisor_open(&supervisor, config, order, link, &cause) < 0)
		return fail(&ready_fd, false, &cause);
	struct control *control = control_open(&supervisor, &cause);
	if (control == NULL)
		return fail(&ready_fd, false, &cause);
	/* A directory that was made anew has lost it. */
	if (!again || faccessat(supervisor.app.run_dir, supervisor_kept, F_OK, 0) < 0)
		supervisor_keep(&supervisor);
	log_info(
		"%s: supervisor %s listens in %s", config->name, GRACECTL_VERSION, config->run_dir);
	if (start)
		supervisor_start_all(&supervisor);
	supervisor_ready(&supervisor);
	tell(&ready_fd, "ok");
	int code = supervisor_run(&supervisor);
	control_close(control);
	supervisor_close(&supervisor);
	return code;
}

/* The program that supervisors to come are executed from: by its path, so that it may be replaced
 * by a newer one. */
static char *program_path(void)
{
	static const char deleted[] = " (deleted)";
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return (char *)"/proc/self/exe";
	path[n] = '\0';
	size_t tail = sizeof deleted - 1;
	if ((size_t)n > tail && strcmp(path + n - tail, deleted) == 0)
		path[(size_t)n - tail] = '\0';
	return path;
}

/*
 * Whatever our caller had open is no business of the application, which would inherit it: a pipe of
 * his would never end. Only the descriptor on which he waits for us stays.
 */
static void close_inherited(int keep)
{
	unsigned first = STDERR_FILENO + 1;

	if (keep > STDERR_FILENO) {
		if ((unsigned)keep > first)
			close_range(first, (unsigned)keep - 1, 0);
		first = (unsigned)keep + 1;
	}
	close_range(first, ~0U, 0);
}

static int open_run_dir(const struct config *config, struct cause *cause)
{
	if (config_make_run_dir(config, cause) < 0)
		return -1;
	int fd = open(config->run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? cause_errno(cause, "cannot open the directory %s", config->run_dir) : fd;
}

static int guard(struct config *config, struct guard_order *order)
{
	struct cause cause;
	bool running = false, left = false;

	if (order->lock < 0)
		close_inherited(order->ready_fd);
	if (order->lock < 0 && proc_check(&cause) == 0)
		order->lock = supervisor_lock(config, &running, &left, &cause);
	if (order->lock < 0)
		return fail(&order->ready_fd, running, &cause);
	order->run_dir = open_run_dir(config, &cause);
	if (order->run_dir < 0)
		return fail(&order->ready_fd, false, &cause);
	int code = guard_run(order, &cause);
	/* What could not be taken over is left to the next one. */
	if (code == EXIT_DONE || !left)
		lockfile_finish(order->lock);
	fdio_close(&order->lock);
	return cause.text[0] != '\0' ? fail(&order->ready_fd, false, &cause) : code;
}

/* What was right when it was kept may be wrong now: a program is gone, a port is taken. Whoever
 * supervises goes on all the same, for that concerns the next launch. */
static int go_on_with(const char *path, const char *app, struct config *config)
{
	struct config_problems problems;

	config_load(path, app, config, &problems);
	for (size_t i = 0; i < problems.count; i++)
		log_warn("the kept configuration: %s", problems.items[i].text);
	config_problems_release(&problems);
	return config->process_count > 0 ? EXIT_DONE : EXIT_USAGE;
}

static int load_kept(const struct cli *cli, const char *run_dir, struct config *config)
{
	char *path = xasprintf("%s/%s", run_dir, supervisor_kept);
	int code = access(path, R_OK) == 0 ? go_on_with(path, cli->app, config)
					   : cli_load(cli, config);

	free(path);
	return code;
}

/* The guard in the place of another one needs to know no more than where. */
static int load_in(
	const struct cli *cli, bool is_supervisor, const char *run_dir, struct config *config)
{
	*config = (struct config){0};
	int code = !is_supervisor ? EXIT_DONE
		   : again	  ? load_kept(cli, run_dir, config)
				  : cli_load(cli, config);

	if (code == EXIT_DONE)
		config_set_run_dir(config, run_dir);
	return code;
}

/* Whoever was handed the lock works where it says, whatever file and environment say by now. Where
 * it could not be written, they are all that there is. */
static int load_handed(const struct cli *cli, bool is_supervisor, int lock, struct config *config)
{
	char *run_dir = lockfile_run_dir(lock);
	struct config located;
	int code = EXIT_DONE;

	if (run_dir == NULL && (code = cli_locate_configured(cli, &located)) == EXIT_DONE) {
		run_dir = xstrdup(located.run_dir);
		config_release(&located);
	}
	if (code == EXIT_DONE)
		code = load_in(cli, is_supervisor, run_dir, config);
	free(run_dir);
	return code;
}

static int load(const struct cli *cli, bool is_supervisor, int lock, struct config *config)
{
	if (lock >= 0)
		return load_handed(cli, is_supervisor, lock, config);
	return adopt ? cli_locate_configured(cli, config) : cli_load(cli, config);
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct config config;
	int link = take_fd("--guard-fd", guard_text);
	struct guard_order order = {
		.program = program_path(),
		.app = cli->app,
		.lock = take_fd("--lock-fd", lock_text),
		.run_dir = -1,
		.ready_fd = take_fd("--ready-fd", ready_text),
		.start = ready_text == NULL && !guard_again,
		.again = again || guard_again,
		.adopt = adopt,
		.debug = debug,
	};

	(void)argc;
	(void)argv;
	log_set_debug(debug);
	prctl(PR_SET_NAME, "gracectl"); /* and not "exe", of which we were executed */
	if (link == -2 || order.lock == -2 || order.ready_fd == -2)
		return EXIT_USAGE;
	if (load(cli, link >= 0, order.lock, &config) != EXIT_DONE)
		return EXIT_USAGE;
	order.config_path = order.lock >= 0 ? cli->config_path : config.path;
	if (chdir("/") < 0)
		log_warn("cannot enter /: %s", strerror(errno));
	int code = link >= 0 ? supervise(&config, &order, link) : guard(&config, &order);
	fdio_close(&order.lock);
	config_release(&config);
	return code;
}

const struct command cmd_daemon = {
	.name = "daemon",
	.arguments = "",
	.summary = "run the supervisor in the foreground, for systemd, containers and debugging",
	.details =
		"Starts every dyno, and ends when SIGTERM, SIGINT or SIGHUP has stopped them all.\n"
		"Another one, a second later or more, makes the stop go on to the next step of "
		"the\n"
		"ladder.",
	.options = options,
	.internal = internal,
	.run = run,
};
