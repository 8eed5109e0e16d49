/* gracectl.ini: where it is found, what is read, what is refused and in which words. */
#include <pwd.h>
#include <limits.h>

#include "../../src/buf.h"
#include "../../src/config-source.h"
#include "config_text.h"

#define WEB "[process web]\ncommand = sleep 1\n"

/*
 * What is read
 */

static void defaults(void)
{
	char text[BACKOFF_TEXT], ladder[LADDER_TEXT];

	load(WEB);
	has_no_problem("a section with a command is a configuration");
	const struct process_config *web = find_process("web");
	is_str(web->command, "sleep 1", "the command is read");
	is_int(web->scale, 1, "scale is 1 by default");
	is_int(web->port_kind, PORT_AUTO, "web has a free port by default");
	is_str(web->workdir, test_dir, "the working directory is root by default");
	is_str(web->user, NULL, "no user is set by default");
	is_int(web->umask, 022, "umask is 022 by default");
	is_str(ladder_format(&web->stop, ladder), "TERM/30/KILL/5",
		"the stop is Heroku's by default");
	is_int(web->stop_to, STOP_ALL, "all processes get the signal by default");
	is_int(web->ready, READY_PORT, "web is up when its port is by default");
	is_int(web->boot_timeout, 60 * NSEC_PER_SEC, "boot_timeout is 60 s by default");
	is_int(web->order, ORDER_OVERLAP, "a restart overlaps by default");
	is_str(backoff_format(&web->backoff, text), text, "backoff has a default");
	is_int(backoff_pause(&web->backoff, 2), 20 * NSEC_PER_MIN, "the second pause is 20 min");
	is_int(web->backoff_reset, 10 * NSEC_PER_MIN, "backoff_reset is 10 min by default");
	is_int(web->cycle, 24 * NSEC_PER_HOUR, "cycle is 24 h by default");
	is_int(web->cycle_jitter, 216 * NSEC_PER_MIN, "cycle_jitter is 216 min by default");
	is_str(web->restart_at_text, NULL, "restart_at is not set by default");
	is_int(web->restart_window, NSEC_PER_HOUR, "restart_window is 1 h by default");
	is_int((int64_t)web->log_segment, 64 << 20, "log_segment is 64 MiB by default");
	is_int((int64_t)web->log_keep, 256 << 20, "log_keep is 256 MiB by default");
	is_int(web->line, 1, "a process knows the line of its section");
	is_str(config.root, test_dir, "root is the file's directory by default");
	is_str(config.name, strrchr(test_dir, '/') + 1, "the name is the last part of root");
	is_str(config.timezone, NULL, "no time zone is set by default");
	ok(find_process("worker") == NULL, "a process that is not there is not found");

	load("[process worker]\ncommand = sleep 1\n[process db]\ncommand = sleep 1\nport = 5432\n");
	is_int(config.process[0].port_kind, PORT_NONE, "a worker has no port by default");
	is_int(config.process[0].ready, READY_NONE, "a process without a port is up at once");
	is_int(config.process[1].port, 5432, "a fixed port is read");
	is_int(config.process[1].order, ORDER_STOP_FIRST,
		"a fixed port is stopped first by default");
}

static void precedence(void)
{
	char ladder[LADDER_TEXT];

	load("[defaults]\nscale = 3\nenv.A = default\nenv.B = default\nstop_timeout = 7\n"
	     "restart_at = 30 4 * * *\n"
	     "[process web]\ncommand = sleep 1\nscale = 2\nenv.B = own\nrestart_at = none\n"
	     "[process worker]\ncommand = sleep 1\nstop = INT/1/KILL/1\n");
	has_no_problem("defaults and two processes are read");
	is_int(config.process[0].scale, 2, "a process counts more than the defaults");
	is_int(config.process[1].scale, 3, "the defaults count more than what is built in");
	is_str(strlist_getenv(&config.process[0].env, "A"), "default", "variables are inherited");
	is_str(strlist_getenv(&config.process[0].env, "B"), "own", "a variable can be replaced");
	is_str(ladder_format(&config.process[0].stop, ladder), "TERM/7/KILL/5",
		"stop_timeout changes the first wait");
	is_str(ladder_format(&config.process[1].stop, ladder), "INT/1/KILL/1",
		"the process's own stop replaces the default stop_timeout");
	is_str(config.process[0].restart_at_text, NULL, "none takes restart_at back");
	is_str(config.process[1].restart_at_text, "30 4 * * *", "restart_at is inherited");
}

static void grammar(void)
{
	load("\xef\xbb\xbf; a comment\r\n# another\r\n\r\n [ app ] ; here too\r\n  name=x\r\n"
	     "[process\tweb]\r\ncommand=sh -c 'a; b' # c ; d = e\r\nenv.URL = a:b = \"c\"\r\n"
	     "env.EMPTY =\r\n");
	has_no_problem("comments, blanks, CRLF and a byte order mark are accepted");
	is_str(config.name, "x", "a name is read");
	is_str(config.process[0].command, "sh -c 'a; b' # c ; d = e",
		"nothing behind a value is cut off as a comment");
	is_str(strlist_getenv(&config.process[0].env, "URL"), "a:b = \"c\"", "a value is verbatim");
	is_str(strlist_getenv(&config.process[0].env, "EMPTY"), "", "a variable may be empty");
}

static void paths(void)
{
	char *app = xasprintf("%s/app", test_dir);
	char *link = xasprintf("%s/current", test_dir);
	char *sub = xasprintf("%s/current/sub", test_dir);

	mkdir(app, 0700);
	if (symlink("app", link) != 0)
		perror("symlink");
	mkdir(sub, 0700);
	put_file("app/conf.env", "A=1\n", 0600);
	load("[app]\nroot = ./current/\nenv_file = conf.env\nstate_dir = st//a\nrun_dir = "
	     "/tmp/x\n" WEB "workdir = sub\n");
	has_no_problem("relative paths are read");
	is_str(config.root, link, "root begins at the file's directory, and links are kept");
	is_str(config.name, "current", "the name is that of the link");
	is_str(config.process[0].workdir, sub, "workdir begins at root");
	is_str(config.state_dir + strlen(link), "/st/a", "state_dir begins at root");
	is_str(config.run_dir, "/tmp/x", "an absolute path stays");
	is_str(strlist_getenv(&config.env, "A"), "1", "env_file begins at root");
	load_bytes("current/sub/gracectl.ini", "[app]\nroot = ..\n" WEB, 16 + sizeof WEB);
	is_str(config.root, app, "a path with .. is resolved");
	char *file = xasprintf("%s/app/conf.env", test_dir);
	remove(file);
	free(file);
	rmdir(sub);
	remove(link);
	rmdir(app);
	free(app);
	free(link);
	free(sub);
}

/*
 * What is refused
 */

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

/*
 * Where it comes from
 */

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

static void long_path(void)
{
	char path[301];

	memset(path, 'p', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	setenv("PATH", path, 1);
	load("[process x]\ncommand = frobnicate\n");
	has_problem("ppp...); install it", 2, false, "a PATH that is cut is shown as such");
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void loading(void)
{
	char *path = xasprintf("%s/gracectl.ini", test_dir);
	struct cause cause;

	forget();
	config_load(path, "shop", &config, &problems);
	has_problem("cannot be read", 0, false, "a missing file is a problem");
	is_str(config.name, "shop", "the name is set all the same");
	is_str(config.root, test_dir, "so is root");
	ok(config.state_dir != NULL && strstr(config.run_dir, "/gracectl/shop") != NULL,
		"so are the directories");
	put_file("gracectl.ini", "[app]\nname = other\n" WEB, 0600);
	forget();
	config_load(path, "shop", &config, &problems);
	has_no_problem("a file is loaded");
	is_str(config.name, "shop", "-a replaces the name");
	is_str(config.path, path, "the path is kept");
	forget();
	config_load(path, "../x", &config, &problems);
	has_problem("-a \"../x\" is not the name", 0, false, "a bad -a is a problem");
	ok(strstr(config.state_dir, "..") == NULL, "and leads to no other directory");

	char *found = config_find(path, NULL, &cause);
	is_str(found, path, "-c names the file");
	free(found);
	ok(config_find("/nowhere.ini", NULL, &cause) == NULL &&
			strstr(cause.text, "/nowhere.ini") != NULL,
		"a file that is not there is named");
	ok(config_find(test_dir, NULL, &cause) == NULL &&
			strstr(cause.text, "is a directory") != NULL,
		"a directory is no file");
	setenv("GRACECTL_CONFIG", path, 1);
	found = config_find(NULL, NULL, &cause);
	is_str(found, path, "$GRACECTL_CONFIG names the file");
	free(found);
	unsetenv("GRACECTL_CONFIG");

	char here[PATH_MAX];
	if (getcwd(here, sizeof here) == NULL || chdir(test_dir) != 0)
		perror(test_dir);
	put_file("Procfile", "web: sleep 1\n", 0600);
	found = config_find(NULL, "shop", &cause);
	is_str(found, path, "gracectl.ini of the directory comes before the Procfile");
	free(found);
	remove_file("gracectl.ini");
	found = config_find(NULL, NULL, &cause);
	ok(found != NULL && strcmp(strrchr(found, '/'), "/Procfile") == 0,
		"then the Procfile is found");
	free(found);
	remove_file("Procfile");
	ok(config_find(NULL, "no-such-app", &cause) == NULL &&
			strstr(cause.text, "no-such-app.ini") != NULL &&
			strstr(cause.text, "-c FILE") != NULL,
		"without any file the sentence says where was looked and what to do");
	if (chdir(here) != 0)
		perror(here);
	free(path);

	struct config app;
	config_for_app("a/b", &app);
	is_str(app.name, "a-b", "an application without a file has a name fit for a path");
	ok(strstr(app.run_dir, "/gracectl/a-b") != NULL && app.root == NULL, "and its directories");
	config_release(&app);
}

static void directories(void)
{
	struct config app;
	char *state = xasprintf("%s/gracectl/shop", geteuid() == 0 ? "/var/lib" : test_dir);
	char *run = xasprintf("%s/gracectl/shop", geteuid() == 0 ? "/run" : test_dir);
	char *run_else =
		geteuid() == 0 ? xstrdup(run) : xasprintf("/tmp/gracectl-%u/shop", geteuid());

	config_for_app("shop", &app);
	is_str(app.state_dir, state, "state_dir has its default");
	is_str(app.run_dir, run, "run_dir has its default");
	config_release(&app);
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	config_for_app("shop", &app);
	is_str(app.run_dir, run_else, "a relative XDG_RUNTIME_DIR does not count");
	config_release(&app);
	setenv("XDG_RUNTIME_DIR", test_dir, 1);
	free(state);
	free(run);
	free(run_else);
}

int main(void)
{
	begin();
	defaults();
	precedence();
	grammar();
	paths();
	refused();
	all_at_once();
	ports();
	lines();
	other_users();
	lint();
	lint_of_refused();
	interpreters();
	long_path();
	loading();
	directories();
	return end();
}
