/*
 * daemon: the supervisor itself, in the foreground: for systemd, containers and debugging. `gracectl start` runs it in the
 * background with --ready-fd, and then asks it to start what is wanted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "control.h"
#include "fdio.h"
#include "log.h"
#include "supervisor.h"

static const char *ready_fd_text;
static bool debug;

static const struct cli_option options[] = {
	{0, "ready-fd", "N", ARG_NUMBER, "tell on this descriptor when it listens, and start no dyno yet", NULL,
		&ready_fd_text},
	{0, "debug", NULL, ARG_NONE, "debug lines on stderr (SIGUSR1 does the same later)", &debug, NULL},
	{0},
};

/* Tells the one who launched us, if anybody did, and lets him go. */
static void tell(int *ready_fd, const char *text)
{
	if (*ready_fd >= 0)
		fdio_write_all(*ready_fd, text, strlen(text));
	fdio_close(ready_fd);
}

static int fail(int *ready_fd, bool running, const struct cause *cause)
{
	if (*ready_fd < 0)
		cli_error("%s", cause->text);
	tell(ready_fd, running ? "running" : cause->text);
	return EXIT_FAILED;
}

static int supervise(const struct config *config, int *ready_fd)
{
	struct supervisor supervisor;
	struct cause cause;
	bool running;

	if (supervisor_open(&supervisor, config, &running, &cause) < 0)
		return fail(ready_fd, running, &cause);
	struct control *control = control_open(&supervisor, &cause);
	if (control == NULL)
		return fail(ready_fd, false, &cause);
	log_info("%s: supervisor %s listens in %s", config->name, GRACECTL_VERSION, config->run_dir);
	if (*ready_fd < 0)
		supervisor_start_all(&supervisor);
	tell(ready_fd, "ok");
	supervisor_run(&supervisor);
	control_close(control);
	supervisor_close(&supervisor);
	return EXIT_DONE;
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct config config;
	int ready_fd = -1;
	long number;

	(void)argc;
	(void)argv;
	log_set_debug(debug);
	if (ready_fd_text != NULL) {
		if (cli_number("--ready-fd", ready_fd_text, 3, 1023, &number) < 0)
			return EXIT_USAGE;
		ready_fd = (int)number;
	}
	if (cli_load(cli, &config) != EXIT_DONE)
		return EXIT_USAGE;
	if (chdir("/") < 0)
		log_warn("cannot enter /: %s", strerror(errno));
	int code = supervise(&config, &ready_fd);
	config_release(&config);
	return code;
}

const struct command cmd_daemon = {
	.name = "daemon",
	.arguments = "",
	.summary = "run the supervisor in the foreground, for systemd, containers and debugging",
	.details = "Starts every dyno, and ends when SIGTERM, SIGINT or SIGHUP has stopped them all.\n"
		   "A second signal makes the stop go on to the next rung of the ladder.",
	.options = options,
	.run = run,
};
