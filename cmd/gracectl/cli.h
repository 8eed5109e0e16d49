/*
 * cli: what every command shares: the command table, the option tables, the exit codes.
 *
 * One row of commands[] (main.c) says all about a command; lookup, `help`, usage errors and the
 * shell completions come from it. A command file exports one `const struct command cmd_NAME` and
 * nothing else.
 */
#ifndef GRACECTL_CLI_H
#define GRACECTL_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"

/* The contract of every command, in the manual and tested. */
enum exit_code {
	EXIT_DONE = 0,		/* what was asked for is done */
	EXIT_FAILED = 1,	/* it failed: a dyno crashed, had to be killed, did not come up */
	EXIT_USAGE = 2,		/* wrong use, or a mistake in the configuration */
	EXIT_NO_SUPERVISOR = 3, /* no supervisor runs */
	EXIT_DEADLINE = 4,	/* a deadline passed */
};

/* What stands behind an option or an argument; the completions use it. */
enum arg_kind {
	ARG_NONE,
	ARG_FILE,
	ARG_APP,
	ARG_DYNO,
	ARG_TYPE,
	ARG_TARGET,
	ARG_SOURCE,
	ARG_NUMBER,
	ARG_TIME,
	ARG_REASON,
	ARG_VERDICT,
	ARG_COMMAND,
	ARG_SVG
};

/* One option of a command. The array ends with an entry whose help is NULL. */
struct cli_option {
	char letter;	    /* 'n', or 0 */
	const char *name;   /* "num", or NULL */
	const char *arg;    /* "N": how its value is called in the help; NULL for a flag */
	enum arg_kind kind; /* of the value; of a flag: what may stand among the arguments then */
	const char *help;   /* one line */
	bool *flag;	    /* set to true; for a flag */
	const char **text;  /* set to the value; for an option with one, which may be given once */
};

/* The rows of an option table that name targets, and where they are kept. */
extern const char *cli_dyno, *cli_type;
#define CLI_TARGET_OPTIONS                                                                         \
	{'d', "dyno-name", "DYNO", ARG_DYNO, "only this dyno, as if it were a TARGET", NULL,       \
		&cli_dyno},                                                                        \
		{0, "dyno", "DYNO", ARG_DYNO, "the same", NULL, &cli_dyno},                        \
		{'p', "process-type", "TYPE", ARG_TYPE,                                            \
			"only the dynos of this type, as if it were a TARGET", NULL, &cli_type},   \
	{                                                                                          \
		0, "ps", "TYPE", ARG_TYPE, "the same", NULL, &cli_type                             \
	}

struct cli {
	const char *app;	 /* -a, or NULL */
	const char *config_path; /* -c, or NULL */
	bool json;		 /* --json */
	bool no_color;		 /* --no-color */
};

struct command {
	const char *name;		  /* "restart" */
	const char *arguments;		  /* "[TARGET...]", "" for none */
	const char *summary;		  /* one line for `help` */
	const char *details;		  /* further lines for `gracectl COMMAND --help`, or NULL */
	enum arg_kind argument;		  /* what its arguments are */
	const struct cli_option *options; /* NULL: none of its own */
	const struct cli_option *internal; /* for gracectl itself: not in the help, the manual, the
					      completions; or NULL */
	bool hidden;			   /* not listed */
	/* argv[0 .. argc-1] are the arguments without options and without the command's name. */
	int (*run)(const struct cli *cli, int argc, char **argv);
};

/* "usage: gracectl ps [OPTION...] [TYPE...]" */
void cli_print_usage(const struct command *command, FILE *out);

/* Prints "gracectl: ..." on stderr. What it quotes cannot do anything to a terminal. */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same for a command line that is not as it should be, with where to read of it; returns
 * EXIT_USAGE. */
int cli_usage_error(const struct command *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The end of such a message; returns EXIT_USAGE. */
int cli_point_to_help(const struct command *command);

/*
 * Finds name, state_dir and run_dir of the application that is meant, for commands that speak with
 * a running application or read its logs: mistakes elsewhere in the file do not matter here. While
 * it runs, or has been left by the dead, run_dir is where that is, which the lock tells; and what
 * the dead have kept there is the file, where there is no other.
 * Returns 0, or an exit code after telling why.
 */
int cli_locate(const struct cli *cli, struct config *config);

/* The same, but run_dir is as it is configured. */
int cli_locate_configured(const struct cli *cli, struct config *config);

/* A file that was found and names another application than -a is not taken for that one's; what -c
 * names is. */
bool cli_is_foreign(const struct cli *cli, const struct config *config);

/* True after saying so. */
bool cli_refuse_foreign(const struct cli *cli, const struct config *config);

/* Loads and checks the whole configuration; prints every problem. Returns 0, or EXIT_USAGE. */
int cli_load(const struct cli *cli, struct config *config);

/* The same for who wants to do no more than that. */
int cli_check(const struct cli *cli, struct config *config);

/*
 * What a command has to say when guard and supervisor are dead and no others could be started in
 * their place (see client_reach()). Returns EXIT_FAILED.
 */
int cli_no_successor(const struct config *config, const struct cause *cause);

/*
 * What a command has to say when no supervisor runs and none is to be started: that, with `rest` as
 * the end of the sentence; or, when the configuration is in order and does not know one of the
 * targets, what there is instead, as a supervisor would; or, when one holds the lock all the same,
 * that it does not answer. Returns the exit code.
 */
int cli_no_supervisor(const struct cli *cli, const struct config *config,
	const struct strlist *targets, const char *rest);

/* Takes up what a supervisor and a guard that died at once have left, if there is anything. For
 * commands that do not speak to it. */
void cli_adopt(const struct cli *cli, const struct config *config);

/* True when the file is without mistakes and has the target. */
bool cli_file_has(const struct cli *cli, const struct config *config, const char *target);

/* The targets of a command: its arguments, and what CLI_TARGET_OPTIONS have named. */
void cli_targets(int argc, char **argv, struct strlist *targets);

/* Between the two, local times are those of the application's time zone, unless TZ names another
 * one. A supervisor must not be started there, for it would hand that on. */
void cli_zone_enter(const struct config *config);
void cli_zone_leave(void);

/* Reads a whole number from min to max out of an option's text. Returns 0, or EXIT_USAGE after
 * telling what would be right. */
int cli_number(const struct command *command, const char *option, const char *text, long min,
	long max, long *out);

/* True when colour is wanted on stdout: a terminal (or FORCE_COLOR), not --no-color, NO_COLOR,
 * HEROKU_COLOR=0, TERM=dumb. */
bool cli_color(const struct cli *cli);

/* True when the terminal understands UTF-8, as the first of LC_ALL, LC_CTYPE, LANG that is set
 * tells. */
bool cli_utf8(void);

/* The table: commands[0 .. command_count-1]. */
extern const struct command *const commands[];
extern const size_t command_count;
extern const struct cli_option global_options[];

/* The row of that name, or NULL. */
const struct command *command_find(const char *name);

extern const struct command cmd_start, cmd_stop, cmd_restart, cmd_ps_start, cmd_ps_stop,
	cmd_ps_restart, cmd_ps, cmd_logs, cmd_events, cmd_stops, cmd_check, cmd_daemon, cmd_upgrade,
	cmd_selftest, cmd_help, cmd_version, cmd_complete;

#endif
