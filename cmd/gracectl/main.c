/*
 * gracectl: the command line.
 *
 * The table of commands stands here. main() reads the global options, finds the row, reads the
 * command's own options into the variables that its table names, and calls it. `daemon` is a row
 * like any other; it alone becomes the supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "cli.h"
#include "fdio.h"
#include "strlist.h"
#include "suggest.h"
#include "xmalloc.h"

enum {
	OPTIONS_MAX = 32,
	LONG_ONLY = 256
};

const struct command *const commands[] = {
	&cmd_start,
	&cmd_stop,
	&cmd_restart,
	&cmd_ps,
	&cmd_logs,
	&cmd_events,
	&cmd_stops,
	&cmd_check,
	&cmd_daemon,
	&cmd_upgrade,
	&cmd_selftest,
	&cmd_help,
	&cmd_version,
	&cmd_ps_start,
	&cmd_ps_stop,
	&cmd_ps_restart,
	&cmd_complete,
};
const size_t command_count = sizeof commands / sizeof *commands;

static struct cli cli;
static bool wants_help;
static bool wants_version;

const struct cli_option global_options[] = {
	{'a', "app", "APP", ARG_APP,
		"the application, when it is not that of the configuration found", NULL, &cli.app},
	{'c', "config", "FILE", ARG_FILE, "the configuration: gracectl.ini or a Procfile", NULL,
		&cli.config_path},
	{0, "json", NULL, ARG_NONE, "print JSON", &cli.json, NULL},
	{0, "no-color", NULL, ARG_NONE, "no colours", &cli.no_color, NULL},
	{'h', "help", NULL, ARG_NONE, "print help", &wants_help, NULL},
	{0, "version", NULL, ARG_NONE, "print the version", &wants_version, NULL},
	{0},
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

/* ---- options ---- */

/* What getopt_long(3) wants to know, made from our tables. */
struct parser {
	const struct cli_option
		*rows[OPTIONS_MAX]; /* by the value that getopt returns, see code_of() */
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	size_t count;
	size_t long_count;
};

static int code_of(const struct parser *parser, const struct cli_option *row)
{
	return row->letter != 0 ? row->letter : LONG_ONLY + (int)parser->count;
}

static void parser_add(struct parser *parser, const struct cli_option *row)
{
	if (parser->count == OPTIONS_MAX)
		return;
	if (row->letter != 0) {
		char text[3] = {row->letter, row->arg != NULL ? ':' : '\0', '\0'};
		strcat(parser->letters, text);
	}
	if (row->name != NULL)
		parser->longs[parser->long_count++] = (struct option){
			.name = row->name,
			.has_arg = row->arg != NULL ? required_argument : no_argument,
			.val = code_of(parser, row),
		};
	parser->rows[parser->count++] = row;
}

static void parser_add_all(struct parser *parser, const struct cli_option *rows)
{
	for (; rows != NULL && rows->help != NULL; rows++)
		parser_add(parser, rows);
}

static const struct cli_option *parser_find(const struct parser *parser, int code)
{
	if (code >= LONG_ONLY)
		return parser->rows[code - LONG_ONLY];
	for (size_t i = 0; i < parser->count; i++)
		if (parser->rows[i]->letter == code)
			return parser->rows[i];
	return NULL;
}

/* Of two values one would be ignored without a word. */
static int take_option(const struct cli_option *row, const char *value)
{
	if (row->flag != NULL) {
		*row->flag = true;
		return 0;
	}
	if (*row->text != NULL) {
		cli_error("the option --%s was given twice, with \"%s\" and \"%s\"; give it once",
			row->name, *row->text, value);
		return -1;
	}
	*row->text = value;
	return 0;
}

/* "did you mean --json?": of the options that are shown to a person. */
static void refuse_unknown(const struct command *command, const char *word)
{
	const char *names[2 * OPTIONS_MAX], *meant;
	const struct cli_option *const tables[] = {
		global_options, command != NULL ? command->options : NULL};
	size_t count = 0, len = strcspn(word, "=");
	char *name = xstrndup(word + 2, len - 2);

	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		for (const struct cli_option *row = tables[i]; row != NULL && row->help != NULL;
			row++)
			names[count++] = row->name;
	meant = suggest_closest(name, names, count);
	cli_error("there is no option --%s%s%s%s", name, meant != NULL ? "; did you mean --" : "",
		meant != NULL ? meant : "", meant != NULL ? "?" : "");
	free(name);
}

/* What getopt_long() answered with '?' or ':', in words. */
static void refuse_option(
	const struct parser *parser, const struct command *command, int code, const char *word)
{
	const struct cli_option *row = optopt != 0 ? parser_find(parser, optopt) : NULL;

	if (code == ':' && strncmp(word, "--", 2) == 0)
		cli_error("the option --%s needs a value", row->name);
	else if (code == ':')
		cli_error("the option -%c needs a value", optopt);
	else if (optopt == 0)
		refuse_unknown(command, word);
	else if (row != NULL)
		cli_error("the option --%s takes no value", row->name);
	else
		cli_error("there is no option -%c", optopt);
}

/*
 * Reads options into their variables; order "+" stops at the first word that is none. Returns the
 * index of the first argument in argv, or -1 after telling what is wrong.
 */
static int parse(const struct command *command, const char *order, int argc, char **argv)
{
	struct parser parser = {0};
	int code;

	strcpy(parser.letters, order);
	strcat(parser.letters, ":");
	parser_add_all(&parser, global_options);
	if (command != NULL) {
		parser_add_all(&parser, command->options);
		parser_add_all(&parser, command->internal);
	}
	optind = 0;
	opterr = 0;
	while ((code = getopt_long(argc, argv, parser.letters, parser.longs, NULL)) != -1) {
		if (code == '?' || code == ':') {
			refuse_option(&parser, command, code, argv[optind - 1]);
			return -1;
		}
		const struct cli_option *row = parser_find(&parser, code);
		if (take_option(row, optarg) < 0)
			return -1;
	}
	return optind;
}

/* ---- help ---- */

static void print_option(const struct cli_option *row)
{
	struct buf left = BUF_INIT;

	if (row->letter != 0)
		buf_addf(&left, "-%c", row->letter);
	if (row->name != NULL)
		buf_addf(&left, "%s--%s", row->letter != 0 ? ", " : "    ", row->name);
	if (row->arg != NULL)
		buf_addf(&left, " %s", row->arg);
	printf("  %-28s %s\n", left.data, row->help);
	buf_release(&left);
}

static void print_options(const char *title, const struct cli_option *rows)
{
	if (rows == NULL || rows->help == NULL)
		return;
	printf("\n%s\n", title);
	for (; rows->help != NULL; rows++)
		print_option(rows);
}

static int print_help(void)
{
	puts("usage: gracectl [-a APP] [-c FILE] [--json] [--no-color] COMMAND ...\n\n"
	     "Runs an application as Heroku runs a dyno, and stops it gracefully.\n\ncommands:");
	for (size_t i = 0; i < command_count; i++)
		if (!commands[i]->hidden)
			printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	print_options("options of every command:", global_options);
	puts("\nWithout -c and -a the application is that of gracectl.ini or the Procfile in this\n"
	     "directory. A TARGET is one of its dynos (web.1), or a type, for all dynos of it "
	     "(web).\n\n"
	     "exit status: 0 done, 1 failed, 2 wrong use or a mistake in the configuration,\n"
	     "3 no supervisor runs, 4 a deadline passed\n\n"
	     "See `gracectl COMMAND --help`, gracectl(1) and gracectl.ini(5).");
	return EXIT_DONE;
}

static int print_command_help(const struct command *command)
{
	cli_print_usage(command, stdout);
	printf("\n%s\n", command->summary);
	if (command->details != NULL)
		printf("\n%s\n", command->details);
	if (command->argument == ARG_TARGET)
		puts("\nTARGET is a dyno (web.1), or a type, for all dynos of it (web). Without "
		     "one all\n"
		     "are meant.");
	print_options("options:", command->options);
	print_options("options of every command:", global_options);
	return EXIT_DONE;
}

static int unknown_command(const char *name)
{
	const char *names[sizeof commands / sizeof *commands];
	size_t count = 0;

	for (size_t i = 0; i < command_count; i++)
		if (!commands[i]->hidden)
			names[count++] = commands[i]->name;
	const char *closest = suggest_closest(name, names, count);
	if (closest != NULL)
		cli_error("there is no command \"%s\"; did you mean \"%s\"?", name, closest);
	else
		cli_error("there is no command \"%s\"; see `gracectl help`", name);
	return EXIT_USAGE;
}

static int run_help(const struct cli *unused, int argc, char **argv)
{
	(void)unused;
	if (argc == 0)
		return print_help();
	const struct command *command = command_find(argv[0]);
	if (command == NULL)
		return unknown_command(argv[0]);
	if (argc > 1)
		return cli_usage_error(
			&cmd_help, "help tells about one command, not about \"%s\" too", argv[1]);
	return print_command_help(command);
}

const struct command cmd_help = {
	.name = "help",
	.arguments = "[COMMAND]",
	.summary = "tell about gracectl or one of its commands",
	.argument = ARG_COMMAND,
	.run = run_help,
};

/* ---- dispatch ---- */

/* `ps restart` is what Heroku's users type for ps:restart. */
static const struct command *find_command(int *argc, char ***argv)
{
	const struct command *command = command_find((*argv)[0]);
	char two_words[64];

	if (command == &cmd_ps && *argc > 1) {
		snprintf(two_words, sizeof two_words, "ps:%s", (*argv)[1]);
		const struct command *pair = command_find(two_words);
		if (pair != NULL) {
			(*argc)--;
			(*argv)++;
			return pair;
		}
	}
	return command;
}

static int check_app(void)
{
	if (cli.app == NULL || app_name_is_valid(cli.app))
		return 0;
	cli_error("-a: \"%s\" cannot be the name of an application: use letters, digits, \".\", "
		  "\"-\" and \"_\"",
		cli.app);
	return -1;
}

static int run_command(int argc, char **argv)
{
	const char *name = argv[0];
	const struct command *command = find_command(&argc, &argv);

	if (command == NULL)
		return unknown_command(name);
	int first = parse(command, "", argc, argv);
	if (first < 0 || check_app() < 0)
		return cli_point_to_help(command);
	if (wants_help)
		return print_command_help(command);
	if (wants_version)
		return cmd_version.run(&cli, 0, NULL);
	if (command->arguments[0] == '\0' && argc > first)
		return cli_usage_error(command, "%s takes no argument, but was given \"%s\"",
			command->name, argv[first]);
	return command->run(&cli, argc - first, argv + first);
}

/* ---- the output ---- */

static int output_error; /* errno of the write that failed; nothing is written after it */

static ssize_t write_output(void *unused, const char *data, size_t size)
{
	(void)unused;
	if (output_error == 0 && fdio_write_all(STDOUT_FILENO, data, size) < 0)
		output_error = errno;
	return output_error == 0 ? (ssize_t)size : 0;
}

/* Everybody prints to a stream of ours: that of the C library forgets why it could not write. */
static void open_output(void)
{
	FILE *out = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_output});

	if (out == NULL)
		return;
	setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, BUFSIZ);
	stdout = out;
}

/* A command that could not print all it had to say has not done its work. A reader that went away
 * is no error. */
static int close_output(int code)
{
	if (fflush(stdout) == 0 && output_error == 0)
		return code;
	if (output_error == EPIPE)
		return code;
	cli_error("the output could not be written: %s", strerror(output_error));
	return code == EXIT_DONE ? EXIT_FAILED : code;
}

/* Whoever starts us without a standard output or error must not find these words in a file that we
 * have opened since: what takes their place cannot be written to. */
static void fill_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	fdio_close(&fd);
}

/* What we make is for us to use, whatever the umask takes from us. A dyno has its own umask. */
static void keep_own_files_usable(void)
{
	umask(umask(0) & ~(mode_t)S_IRWXU);
}

int main(int argc, char **argv)
{
	int code;

	fill_standard_descriptors();
	keep_own_files_usable();
	signal(SIGPIPE, SIG_IGN);
	open_output();
	int first = parse(NULL, "+", argc, argv);
	if (first < 0) {
		fputs("See `gracectl help`.\n", stderr);
		return EXIT_USAGE;
	}
	if (wants_version)
		code = cmd_version.run(&cli, 0, NULL);
	else if (argc == first && wants_help)
		code = print_help();
	else if (argc == first) {
		cli_error("no command was given; see `gracectl help`");
		code = EXIT_USAGE;
	} else {
		code = run_command(argc - first, argv + first);
	}
	return close_output(code);
}
