/* gracectl.ini: what is refused or warned of, and in which words. */
#include <pwd.h>

#include "../../src/buf.h"
#include "../../src/config-source.h"
#include "config_text.h"

struct refusal {
	const char *text; /* behind WEB, so that its first line is line 3 */
	const char *words;
	int line;
};

static const struct refusal refusals[] = {
	/* the file's form */
	{"scale\n", "\"scale\" is not KEY = VALUE", 3},
	{"= 1\n", "\"= 1\" is not KEY = VALUE", 3},
	{"scale: 1\n", "\"scale: 1\" is not KEY = VALUE", 3},
	{"env.A:B = 1\n", "is not KEY = VALUE", 3},
	{"env.A = b\n   more\n", "cannot go on in the next line", 4},
	{"env.A = b\n   more", "cannot go on in the next line", 4},
	{"[process x\ncommand = true\n", "the \"]\" of the section is missing", 3},
	{"[process x] y\ncommand = true\n", "nothing may follow", 3},
	{"[proces x]\ncommand = true\n", "did you mean [process x]?", 3},
	{"[worker]\n", "did you mean [process worker]?", 3},
	{"[Defaults]\n", "did you mean [defaults]?", 3},
	{"[a b c]\n", "there are [app], [defaults] and [process NAME]", 3},
	{"[]\n", "section [] is unknown", 3},
	{"[process]\n", "the name of a process", 3},
	{"[process web.1]\n", "section [process web.1]", 3},
	{"[process web]\n", "the first is in line 1", 3},
	{"[app]\n[defaults]\n[app]\n", "section [app] stands a second time, the first is in line 3",
		5},
	{"scale = 1\n\nscale = 2\n", "the first is in line 3", 5},
	{"[process x]\n", "key `command` is missing in [process x]", 3},
	{"env.A = \x1b[2J\n", "has a control character", 3},
	/* keys */
	{"scael = 1\n", "did you mean `scale`?", 3},
	{"boot-timeout = 1\n", "did you mean `boot_timeout`?", 3},
	{"frobnicate = 1\n", "there is no such key, see gracectl.ini(5)", 3},
	{"root = /\n", "stands in [process web]; it belongs into [app]", 3},
	{"[defaults]\ncommand = true\n", "it belongs into [process NAME]", 4},
	{"[app]\nscale = 1\n", "it belongs into [defaults] or [process NAME]", 4},
	{"env.1A = x\n", "key `env.1A`: \"1A\" cannot be the name of a variable", 3},
	{"env. = x\n", "cannot be the name of a variable", 3},
	/* values */
	{"scale = many\n", "key `scale`: \"many\" is not a whole number from 0 to 10000", 3},
	{"scale = 10001\n", "\"10001\" is not a whole number", 3},
	{"scale = -1\n", "\"-1\" is not a whole number", 3},
	{"scale = 1.5\n", "\"1.5\" is not a whole number", 3},
	{"scale = 99999999999999999999\n", "is not a whole number", 3},
	{"scale =\n", "\"\" is not a whole number", 3},
	{"scale = 2 # two\n", "(a comment needs a line of its own)", 3},
	{"port = 0\n", "\"0\" is not auto, none or a port from 1 to 65535", 3},
	{"port = 65536\n", "\"65536\" is not auto", 3},
	{"port = 65535\nscale = 2\n", "goes beyond 65535", 3},
	{"umask = 8\n", "\"8\" is not an octal number", 3},
	{"umask = 1000\n", "\"1000\" is not an octal number", 3},
	{"stop = TREM/30\n", "\"TREM\" is not the name of a signal", 3},
	{"stop = TERM/30x\n", "\"TERM/30x\" is not a stop ladder", 3},
	{"stop = KILL/1/TERM\n", "KILL leaves nothing to stop", 3},
	{"stop = STOP/1/KILL\n", "suspends a process", 3},
	{"stop = TERM/1/KILL/1\nstop_timeout = 2\n", "beside `stop` (line 3)", 4},
	{"[defaults]\nstop_timeout = 2\nstop = TERM/1/KILL/1\n", "beside `stop` (line 5)", 4},
	{"stop_timeout = soon\n", "\"soon\" is not a duration", 3},
	{"stop_to = some\n", "\"some\" is not all or main", 3},
	{"ready = yes\n", "\"yes\" is not none, port, notify or http:/PATH", 3},
	{"ready = http\n", "\"http\" is not none", 3},
	{"ready = http:healthz\n", "\"http:healthz\" is not none", 3},
	{"ready = http:/a b\n", "\"http:/a b\" is not none", 3},
	{"port = none\nready = port\n", "\"port\" needs a port, and [process web] has none", 4},
	{"port = none\nready = http:/x\n", "\"http:/x\" needs a port", 4},
	{"boot_timeout = 0\n", "\"0\" is out of range", 3},
	{"boot_timeout = 367d\n", "too long a duration", 3},
	{"restart_order = never\n", "\"never\" is not overlap, stop-first or start-first", 3},
	{"port = 80\nrestart_order = overlap\n", "\"overlap\" does not go with the fixed port 80",
		4},
	{"port = 80\nrestart_order = start-first\n", "\"start-first\" does not go", 4},
	{"backoff = often\n", "key `backoff`: ", 3},
	{"backoff_reset = x\n", "\"x\" is not a duration", 3},
	{"cycle = 1ms\n", "\"1ms\" is out of range; 0 (never) or 1s to 366d", 3},
	{"cycle = daily\n", "\"daily\" is not a duration", 3},
	{"cycle_jitter = -1\n", "\"-1\" is not a duration", 3},
	{"restart_at = 4:30\n", "key `restart_at`: ", 3},
	{"restart_at = 0 0 31 2 *\n", "\"0 0 31 2 *\" is never due", 3},
	{"restart_window = 1 h\n", "\"1 h\" is not a duration", 3},
	{"log_segment = 64X\n", "\"64X\" is not a size", 3},
	{"log_segment = 64MB\n", "\"64MB\" is not a size", 3},
	{"log_segment = 1\n", "\"1\" is out of range; 4k to 1T", 3},
	{"log_keep = 99999999T\n", "is out of range", 3},
	{"log_keep = 18446744073709551615T\n", "is out of range", 3},
	{"log_segment = 64M\nlog_keep = 32M\n", "are more than the 33554432 of log_keep", 3},
	{"workdir = nowhere\n", "is not a directory", 3},
	{"workdir = ~/x\n", "\"~\" has no meaning here", 3},
	{"workdir =\n", "\"\" is empty", 3},
	{"user = nobody-of-that-name\n", "is not a user of this machine", 3},
	{"group = nobody-of-that-name\n", "is not a group of this machine", 3},
	{"[app]\nname = a/b\n", "\"a/b\" is not the name of an application", 4},
	{"[app]\nname = ..\n", "\"..\" is not the name of an application", 4},
	{"[app]\nroot = nowhere\n", "/nowhere\" is not a directory", 4},
	{"[app]\nenv_file = nowhere\n", "/nowhere\" cannot be read", 4},
	{"[app]\nenv_file = /dev/zero\n", "it is not a regular file", 4},
	{"[app]\ntimezone = Europe/Atlantis\n", "\"Europe/Atlantis\" is not a time zone", 4},
	{"[app]\ntimezone = ../../../etc/passwd\n", "is not a time zone", 4},
	{"[app]\ntimezone = Europe\n", "is not a time zone", 4},
	{"[app]\nrun_dir = "
	 "/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"has 70 bytes, at most 68", 4},
	{"[app]\nname = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"key `run_dir`: its default \"", 0},
	{"[process]\ncommand = true\n", "section [process]: the name of a process", 3},
	{"[app]\nrun_dir = /tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n"
	 "[process a-process-with-a-name-of-thirty]\ncommand = sleep 1\nready = notify\n",
		"its path would have 108 bytes for [process a-process-with-a-name-of-thirty], of "
		"which 107 are allowed",
		7},
	{"[process x]\ncommand =\n", "key `command`: \"\" is empty", 4},
	{"[process x]\ncommand = frobnicate\n", "there is no program `frobnicate` in the PATH", 4},
	{"[process x]\ncommand = ./x.sh\n", "`./x.sh` does not exist", 4},
	{"[process x]\ncommand = /etc/passwd\n", "not an executable file", 4},
	{"[process x]\ncommand = /tmp\n", "not an executable file", 4},
	{"[process x]\ncommand = sleep 1\nenv.PATH = /nowhere\n", "in the PATH (/nowhere)", 4},
};

static void refused(void)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		const struct refusal *refusal = &refusals[i];
		char *text = xasprintf("%s%s", WEB, refusal->text);
		char name[200];

		load(text);
		snprintf(name, sizeof name, "%.*s: %s", (int)strcspn(refusal->text, "\n"),
			refusal->text, refusal->words);
		has_problem(refusal->words, refusal->line, false, name);
		snprintf(name, sizeof name, "%.*s: this is the only error",
			(int)strcspn(refusal->text, "\n"), refusal->text);
		if (!ok(problems.errors == 1, name))
			show_problems();
		free(text);
	}
}

static void all_at_once(void)
{
	struct buf text = BUF_INIT;
	FILE *out;
	char *printed = NULL;
	size_t size;

	load("stray = 1\n[process web]\nscale = x\nbogus = y\n[defaults]\nboot_timeout = z\n");
	is_int((int64_t)problems.errors, 5, "every error of a file is told");
	ok(problems.items[0].line == 1 && problems.items[1].line == 2 &&
			problems.items[2].line == 3 && problems.items[3].line == 4 &&
			problems.items[4].line == 6,
		"they stand in the order of the lines");
	has_problem("stands before any section", 1, false, "a key before the first section is one");

	load("");
	has_problem("there is no process to run", 0, false, "an empty file is an error");
	load("[defaults]\nworkdir = nowhere\n[process a]\ncommand = true\n[process b]\ncommand = "
	     "true\n");
	is_int((int64_t)problems.errors, 1, "a bad default is told once, not for each process");

	for (int i = 0; i < 500; i++)
		buf_addf(&text, "line %d\n", i);
	load(text.data);
	is_int((int64_t)problems.count, PROBLEMS_MAX + 1,
		"a file of rubbish gives a list that ends");
	buf_release(&text);

	load("\x1b]0;x\x07\n" WEB);
	out = open_memstream(&printed, &size);
	config_problem_print(&problems.items[0], out);
	fclose(out);
	ok(strchr(printed, '\x1b') == NULL &&
			strstr(printed, ":1: error: \"\\x1b]0;x\\x07\"") != NULL,
		"a message cannot steer the terminal");
	free(printed);
}

static void ports(void)
{
	load("[process a]\ncommand = true\nport = 5000\nscale = 3\n"
	     "[process b]\ncommand = true\nport = 5002\n"
	     "[process c]\ncommand = true\nport = 5003\n"
	     "[process d]\ncommand = true\nport = 5000\nscale = 0\n");
	has_problem("[process a] has 5000 (scale 3) in line 3", 7, false,
		"a port used twice is an error that names both lines");
	is_int((int64_t)problems.errors, 1, "neighbours and a scale of 0 use no port twice");
	load("[defaults]\nport = 5000\n[process a]\ncommand = true\n[process b]\ncommand = true\n");
	has_problem("is used twice", 2, false, "a fixed port in the defaults is used twice");
}

static void lines(void)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, WEB "env.A = ");
	while (text.len < strlen(WEB) + CONFIG_LINE_MAX)
		buf_addc(&text, 'x');
	load(text.data);
	has_no_problem("a line of 16384 bytes is read");
	is_int((int64_t)strlen(config.process[0].env.items[0]), CONFIG_LINE_MAX - 6,
		"it is read whole");
	buf_addc(&text, 'x');
	load(text.data);
	has_problem(
		"the line has 16385 bytes, at most 16384", 3, false, "a longer one is an error");
	buf_release(&text);
	load_bytes("gracectl.ini", "[process web]\ncommand = sl\0eep\n", 31);
	has_problem("NUL byte", 2, false, "a NUL byte is an error");
}

static void other_users(void)
{
	if (geteuid() == 0) {
		load(WEB "user = nobody\n");
		has_no_problem("root may name another user");
		is_int(config.process[0].uid, 65534, "the user is resolved");
		is_str(config.process[0].user_name, "nobody", "with its name");
		is_str(config.process[0].home, getpwnam("nobody")->pw_dir, "and its home");
		is_int(config.process[0].gid, 65534, "its primary group is taken");
		load(WEB "user = nobody\ngroup = 0\n");
		is_int(config.process[0].gid, 0,
			"a group replaces the primary one, and may be a number");
		return;
	}
	load(WEB "user = root\ngroup = root\n");
	has_problem("is another user", 3, false, "only root may name another user");
	has_problem("is another group", 4, false, "only root may name another group");
	char *own = xasprintf(WEB "user = %u\ngroup = %u\n", geteuid(), getegid());
	load(own);
	has_no_problem("everybody may name himself");
	free(own);
}

/*
 * What is warned of
 */

static void lint(void)
{
	put_file("nginx", "", 0755);
	load(WEB "[process x]\ncommand = ./nginx -c x\n");
	has_problem("stop = QUIT/30/KILL/5", 3, true, "nginx with TERM is a warning with the cure");
	is_int((int64_t)problems.errors, 0, "and not an error");
	load(WEB "[process x]\ncommand = exec ./nginx -g 'daemon off;'\nstop = TERM/5/KILL/5\n");
	has_problem(
		"nginx takes TERM", 5, true, "it is found behind exec too, at the line of stop");
	load(WEB "[process x]\ncommand = ./nginx\nstop = QUIT/5/KILL/5\n");
	has_no_problem("nginx with QUIT is fine");
	load(WEB "[process x]\ncommand = A=1 bundle exec unicorn -p $PORT\n");
	has_problem("unicorn takes TERM", 3, true, "unicorn is found behind bundle exec");
	load(WEB "[process x]\ncommand = haproxy -f 'x'\n");
	has_problem("stop = USR1/30/KILL/5", 3, true, "haproxy needs USR1");
	load(WEB "stop = TERM/30\n");
	has_problem("does not end with KILL", 3, true, "a ladder without KILL is a warning");
	load(WEB "stop = TERM/forever\n");
	has_no_problem("a ladder that waits forever says so itself");
	remove_file("nginx");
}

/* A ladder that was refused leaves the one of [defaults] in force, whose words stand elsewhere. */
static void lint_of_refused(void)
{
	static const char *const ladders[] = {"FOO/3", "KILL/5/TERM/3", "STOP/3"};

	for (size_t i = 0; i < sizeof ladders / sizeof *ladders; i++) {
		char *text = xasprintf("[defaults]\nstop = TERM\n%sstop = %s\n", WEB, ladders[i]);
		load(text);
		is_int((int64_t)problems.count, 1, "a ladder that is refused is not warned of too");
		free(text);
	}
	load(WEB "stop = TERM\n");
	has_problem("\"TERM\" does not end with KILL", 3, true, "a ladder is quoted as written");
}

static void interpreters(void)
{
	put_file("run", "#! /no/such/interpreter -x\necho\n", 0755);
	load(WEB "[process x]\ncommand = ./run x\n");
	has_problem("/run`, \"/no/such/interpreter\" in its first line, does not exist", 4, true,
		"a script whose interpreter is not there is a warning");
	is_int((int64_t)problems.errors, 0, "and not an error");
	setenv("PATH", test_dir, 1);
	load("[process x]\ncommand = run\n");
	has_problem("interpreter of `", 2, true, "it is found in the PATH, too");
	setenv("PATH", "/usr/bin:/bin", 1);
	put_file("run", "#!/bin/sh\n", 0755);
	load(WEB "[process x]\ncommand = ./run\n");
	has_no_problem("one whose interpreter is there is fine");
	remove_file("run");
}

int main(void)
{
	begin();
	refused();
	all_at_once();
	ports();
	lines();
	other_users();
	lint();
	lint_of_refused();
	interpreters();
	return end();
}
