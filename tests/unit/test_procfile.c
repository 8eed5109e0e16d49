/* Heroku's Procfile and the .env file beside it. */
#include "config_text.h"

static void load_procfile(const char *text)
{
	load_bytes("Procfile", text, strlen(text));
}

static const char *command_of(const char *name)
{
	const struct process_config *process = find_process(name);

	return process != NULL ? process->command : NULL;
}

static void good_lines(void)
{
	load_procfile("web: sleep 1\nworker:sleep 2\n");
	has_no_problem("two types are read without a problem");
	is_int((int64_t)config.process_count, 2, "there are two types");
	is_str(command_of("web"), "sleep 1", "the command of web is what follows the colon");
	is_str(command_of("worker"), "sleep 2", "no blank is needed after the colon");
	is_str(config.process[0].name, "web", "the types keep their order");
	is_int(config.process[1].line, 2, "a type knows its line");
	is_int(config.process[0].port_kind, PORT_AUTO, "web gets a port");
	is_int(config.process[0].ready, READY_PORT, "web is up when its port is");
	is_int(config.process[1].port_kind, PORT_NONE, "worker gets no port");
	is_int(config.process[1].scale, 1, "one dyno of each type runs");

	load_procfile("\xef\xbb\xbf# comment\r\n\r\n   # indented\r\n  web :x\r\n");
	has_problem("is not TYPE: COMMAND", 4, false, "a blank before the colon is refused");
	load_procfile("\xef\xbb\xbf# comment\r\n\r\n   # indented\r\n\tweb:\t sleep 1 \t\r\n");
	has_no_problem("comments, empty lines, CRLF, a byte order mark and blanks are accepted");
	is_str(command_of("web"), "sleep 1", "the blanks around a command are cut");

	load_procfile("web: echo a:b # c; echo \"$PORT\" | cat");
	has_no_problem("the last line needs no end");
	is_str(command_of("web"), "echo a:b # c; echo \"$PORT\" | cat",
		"nothing in a command is a comment");
	load_procfile("My_Worker-2: sleep 1\n");
	is_str(command_of("My_Worker-2"), "sleep 1", "letters, digits, - and _ make a type");
}

static void bad_lines(void)
{
	char line[CONFIG_LINE_MAX + 100];
	char type[80];

	load_procfile("web: sleep 1\nworker sleep 2\n: sleep\na.b: sleep\nempty:\n");
	has_problem("\"worker sleep 2\" is not TYPE: COMMAND", 2, false,
		"a line without a colon is an error with its number");
	has_problem("\": sleep\" is not", 3, false, "a line without a type is an error");
	has_problem("\"a.b: sleep\" is not", 4, false, "a type with a dot is an error");
	has_problem(
		"the type `empty` has no command", 5, false, "a type without command is an error");
	is_int((int64_t)problems.errors, 4, "all errors are shown");

	load_procfile("web: sleep 1\nweb: sleep 2\n");
	has_problem("the first is in line 1", 2, true, "a type that stands twice is a warning");
	is_int((int64_t)problems.errors, 0, "and not an error");
	is_str(command_of("web"), "sleep 2", "the last one counts");

	load_procfile("release: rake db:migrate\nweb: sleep 1\n");
	has_problem("`release`", 1, true, "a release line is a warning");
	is_int((int64_t)config.process_count, 1, "a release is not a process");
	load_procfile("release: rake db:migrate\n");
	has_problem("no process to run", 0, false, "a release alone is nothing to run");
	load_procfile("");
	has_problem("no process to run", 0, false, "an empty Procfile is an error");

	load_bytes("Procfile", "web: sl\0eep\nok: sleep 1\n", 24);
	has_problem("NUL byte", 1, false, "a NUL byte is an error with its line");
	is_str(command_of("ok"), "sleep 1", "and the next line is read");
	load_procfile("web: a\rb\n");
	has_problem("control character", 1, false, "a lone carriage return is an error");

	memset(line, 'x', sizeof line - 1);
	memcpy(line, "web: ", 5);
	line[sizeof line - 1] = '\0';
	load_procfile(line);
	has_problem("at most 16384", 1, false, "too long a line is an error");
	line[CONFIG_LINE_MAX] = '\0';
	load_procfile(line);
	has_problem("too long", 1, false, "a command that could not be printed is an error");

	memset(type, 'a', sizeof type);
	strcpy(type + 64, ": sleep 1\n");
	load_procfile(type);
	has_problem("is not TYPE", 1, false, "a type of 64 letters is an error");
	strcpy(type + 63, ": sleep 1\n");
	load_procfile(type);
	has_no_problem("a type of 63 letters is accepted");
}

static void checked_commands(void)
{
	load_procfile("web: frobnicate --now\nworker: ./missing.sh\nshell: frobnicate | cat\n");
	has_problem("`frobnicate` in the PATH", 1, false,
		"a program that is not in the PATH is found out");
	has_problem(
		"`./missing.sh` does not exist", 2, false, "a file that is missing is found out");
	is_int((int64_t)problems.errors, 2, "what the shell decides is left to the shell");
	put_file("plain.txt", "x", 0644);
	load_procfile("web: ./plain.txt\n");
	has_problem("not an executable file", 1, false, "a file without permission is found out");
	put_file("plain.txt", "x", 0755);
	load_procfile("web: ./plain.txt\n");
	has_no_problem("an executable file of the application is found");
	load_procfile("web: plain.txt\n");
	has_problem("in the PATH", 1, false, "without a slash it is sought in the PATH");
	put_file(".env", "PATH=/nowhere:.\n", 0600);
	load_procfile("web: plain.txt\n");
	has_no_problem("the PATH of .env counts, and is relative to the application");
	remove_file(".env");
	remove_file("plain.txt");
}

/*
 * .env
 */

struct env_case {
	const char *text;
	const char *key;
	const char *value; /* NULL: the line is refused */
	const char *name;
};

static const struct env_case env_cases[] = {
	{"K=value", "K", "value", "a value is read"},
	{"K=a=b", "K", "a=b", "only the first = separates"},
	{"K=", "K", "", "an empty value is a value"},
	{"  K = a b  ", "K", "a b", "the blanks around key and value are cut"},
	{"export K=value", "K", "value", "export is accepted"},
	{"export\t K=value", "K", "value", "export may be followed by any blanks"},
	{"export=1", "export", "1", "export may be a key"},
	{"K=a#b", "K", "a#b", "a # inside a word is no comment"},
	{"K=a # b", "K", "a", "a # after a blank is a comment"},
	{"K=#a", "K", "#a", "a # right after the = is no comment"},
	{"K= # a", "K", "", "a comment may stand in the place of a value"},
	{"# x\n\nK=v\n", "K", "v", "comments and empty lines are passed over"},
	{"K='a b'", "K", "a b", "single quotes are cut"},
	{"K='a\\n\"b'", "K", "a\\n\"b", "nothing has a meaning in single quotes"},
	{"K=\"a\\nb\\tc\"", "K", "a\nb\tc", "\\n and \\t are read in double quotes"},
	{"K=\"a\\\"b\\\\c\\$d\"", "K", "a\"b\\c$d", "\\\" \\\\ \\$ are read in double quotes"},
	{"K=\"a\\xb\"", "K", "a\\xb", "any other backslash stays"},
	{"K=\"  a  \" # b", "K", "  a  ", "quotes keep blanks, and a comment may follow"},
	{"K=\"a\nb\"\nL=1", "K", "a\nb", "a quoted value may have two lines"},
	{"K=\"a\r\nb\"\r\nL=1\r\n", "K", "a\nb", "CRLF becomes LF in quotes"},
	{"K=v\r\n", "K", "v", "CRLF ends a line"},
	{"K=a\nK=b", "K", "b", "the last of two counts"},
	{"K='it'\\''s'", "K", NULL, "something behind the closing quote is refused"},
	{"K=\"open\nL=1", "K", NULL, "a quote that is never closed is refused"},
	{"K=$HOME", "K", "$HOME", "variables are not expanded"},
	{"a.b-c=1", "a.b-c", "1", "dots and hyphens may be in a key"},
	{"\xef\xbb\xbfK=1", "K", "1", "a byte order mark is passed over"},
	{"K", "K", NULL, "a key without = is refused"},
	{"1K=v", "1K", NULL, "a key may not begin with a digit"},
	{"=v", "", NULL, "a line without a key is refused"},
	{"K V=v", "K", NULL, "a key may not have a blank inside"},
};

static void env_lines(void)
{
	for (size_t i = 0; i < sizeof env_cases / sizeof env_cases[0]; i++) {
		const struct env_case *c = &env_cases[i];

		put_file(".env", c->text, 0600);
		load_procfile("web: sleep 1\n");
		is_str(strlist_getenv(&config.env, c->key), c->value, c->name);
		is_int((int64_t)problems.errors, c->value == NULL,
			"it is an error only when refused");
		if (c->value == NULL)
			ok(problem_with("KEY=value") != NULL, "the message shows what is right");
	}
}

static void env_errors(void)
{
	char *path = xasprintf("%s/.env", test_dir);

	put_file(".env", "A=1\nbad line\nB=2\n9=\nC=\"x\ny\"\nbad\n", 0600);
	load_procfile("web: sleep 1\n");
	has_problem("\"bad line", 2, false, "a bad line is told with its number");
	has_problem("\"9\"", 4, false, "so is the next one");
	has_problem("\"bad\"", 7, false, "lines inside of quotes are counted");
	is_str(problem_with("\"9\"")->file, path, "the file is that of the environment");
	is_int((int64_t)problems.errors, 3, "all errors are shown");
	is_str(strlist_getenv(&config.env, "C"), "x\ny", "good lines between them are read");

	put_file(".env", "SECRET KEY=hunter2\n", 0600);
	load_procfile("web: sleep 1\n");
	ok(problem_with("SECRET") != NULL && problem_with("hunter2") == NULL,
		"a message never tells a value");
	remove_file(".env");
	load_procfile("web: sleep 1\n");
	has_no_problem("a missing .env is no problem");
	mkdir(path, 0700);
	load_procfile("web: sleep 1\n");
	has_problem("cannot be read", 0, false, "a .env that is a directory is one");
	rmdir(path);
	mkfifo(path, 0600);
	load_procfile("web: sleep 1\n");
	has_problem("not a regular file", 0, false, "a FIFO is refused and not waited for");
	remove(path);
	free(path);
}

int main(void)
{
	begin();
	good_lines();
	bad_lines();
	checked_commands();
	env_lines();
	env_errors();
	return end();
}
