/* gracectl.ini: what is read, and where it is found. */
#include <limits.h>

#include "config_text.h"

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
 * Where it comes from
 */

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
	long_path();
	loading();
	directories();
	return end();
}
