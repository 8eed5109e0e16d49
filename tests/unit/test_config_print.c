/* The configuration as it is printed, and every option in the manual and in the example. */
#include "../../src/config-options.h"
#include "config_text.h"

/*
 * What is printed
 */

static char *printed(void)
{
	static char *text; /* not on the stack, where gcc 12 would warn of its address */
	static size_t size;
	FILE *out = open_memstream(&text, &size);

	config_print(&config, out);
	fclose(out);
	return text;
}

/* Everybody may name himself, and only root others. */
static char own_user[16], own_group[16];

/* A value for each option that is not the default, and how it is printed. */
static const struct option_value {
	const char *key;
	const char *value;
	const char *written; /* NULL: as value; "": not as a line of its own */
} option_values[] = {
	{"name", "shop-2.x", NULL},
	{"root", "/usr", NULL},
	{"env_file", "conf.env", ""}, /* printed in full, see printing() */
	{"state_dir", "/tmp/state dir", NULL},
	{"run_dir", "/tmp/run=dir;x", NULL},
	{"timezone", "Europe/Berlin", NULL},
	{"command", "sh -c 'a; b' \"$X\" # = [x] \\", NULL},
	{"scale", "0", NULL},
	{"port", "8080", NULL},
	{"env.KEY", "\" a = 'b' ; # \\n \"", NULL},
	{"workdir", "/tmp", NULL},
	{"user", own_user, NULL},
	{"group", own_group, NULL},
	{"umask", "7", "007"},
	{"stop", "SIGINT/1m/TERM/1.5s/KILL", "INT/60/TERM/1.5s/KILL/5"},
	{"stop_timeout", "90m", ""},
	{"stop_to", "main", NULL},
	{"ready", "http:/healthz?a=b;c", NULL},
	{"boot_timeout", "90", "1m30s"},
	{"restart_order", "stop-first", NULL},
	{"backoff", "1,2s 3m", NULL},
	{"backoff_reset", "0", "0s"},
	{"cycle", "0", "0s"},
	{"cycle_jitter", "1.25s", NULL},
	{"restart_at", "30 4 * * mon-fri", NULL},
	{"restart_window", "1d", NULL},
	{"log_segment", "8192", "8k"},
	{"log_keep", "65537K", "65537k"},
};

/* Prints, reads that again, prints again: nothing may differ. */
static void read_back(const char *name)
{
	char *first = printed();

	load(first);
	if (!ok(problems.errors == 0, "what is printed is read without an error"))
		show_problems();
	char *second = printed();
	/* The first line names the file, which may be another one. */
	is_str(strchr(second, '\n'), strchr(first, '\n'), name);
	free(first);
	free(second);
}

static void check_option_value(const struct option_value *value)
{
	const struct config_option *option = option_find(value->key);
	const char *app = option->sections == IN_APP ? "" : "[app]\nname = x\n[process web]\n";
	const char *command = strcmp(value->key, "command") == 0 || option->sections == IN_APP
				      ? ""
				      : "command = true\n";
	char *text = xasprintf("%s%s%s%s = %s\n%s", option->sections == IN_APP ? "[app]\n" : "",
		app, command, value->key, value->value, option->sections == IN_APP ? WEB : "");
	const char *written = value->written != NULL ? value->written : value->value;
	char *line = xasprintf("\n%s = %s\n", value->key, written);

	load(text);
	if (!ok(problem_with(value->key) == NULL, value->key))
		show_problems();
	char *out = printed();
	if (strcmp(value->key, "backoff") != 0 && *written != '\0' &&
		!ok(strstr(out, line) != NULL, "the value is printed"))
		printf("#   expected %s#   in\n%s", line + 1, out);
	free(out);
	read_back("it is printed the same when it is read back");
	free(text);
	free(line);
}

static void printing(void)
{
	size_t count = sizeof option_values / sizeof option_values[0];

	is_int((int64_t)config_option_count, (int64_t)count,
		"every option is printed and read back");
	put_file("conf.env", "A=1\n", 0600);
	snprintf(own_user, sizeof own_user, "%u", geteuid());
	snprintf(own_group, sizeof own_group, "%u", getegid());
	for (size_t i = 0; i < count; i++) {
		is_str(config_options[i].key, option_values[i].key, "the next option is tested");
		check_option_value(&option_values[i]);
	}
	load("[app]\nenv_file = conf.env\n" WEB);
	char *out = printed();
	char *line = xasprintf("\nenv_file = %s/conf.env\n", test_dir);
	ok(strstr(out, line) != NULL, "an env_file is printed in full");
	free(out);
	free(line);
	remove_file("conf.env");
	load("[defaults]\nscale = 2\nstop_timeout = forever\n" WEB
	     "[process db]\ncommand = sleep 5\nport = 7000\nready = none\n"
	     "[process w]\ncommand = sleep 5\nready = notify\nstop_timeout = 1ms\nbackoff = "
	     "never\n");
	has_no_problem("a configuration with three processes is read");
	read_back("it is printed the same when it is read back");
	load_bytes("Procfile", "web: a b | c ; d \"\" '\nworker: sleep \t 1\n", 39);
	read_back("a Procfile is printed as an ini file with the same meaning");
}

/*
 * The manual and the example name every option with its default. The tests run in the top
 * directory of the sources.
 */

static char *read_source(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = fopen(path, "r");

	ok(in != NULL && getdelim(&text, &size, '\0', in) > 0, path);
	if (in != NULL)
		fclose(in);
	return text != NULL ? text : xstrdup("");
}

/* The entry of an option, up to its example, ends with the default. */
static void manual_default(const char *entry, const struct config_option *option)
{
	const char *example = strstr(entry, "\n.Dl ");
	char *text = xstrndup(entry, example != NULL ? (size_t)(example - entry) : strlen(entry));
	const char *told = strstr(text, "Default:");
	char *line = xasprintf("\n.Dl %s = ", option->key);

	ok(told != NULL && strstr(told, option->initial) != NULL, option->initial);
	ok(example != NULL && strncmp(example, line, strlen(line)) == 0, line + 5);
	free(text);
	free(line);
}

static void documents(void)
{
	char *manual = read_source("man/gracectl.ini.5");
	char *example = read_source("etc/gracectl.ini");

	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		char *item = xasprintf("\n.It Cm %s ", option->key);
		char *shown = xasprintf(
			"%s = %s\n", option->key, option->initial != NULL ? option->initial : "");
		char name[100];

		snprintf(name, sizeof name, "the manual has an item for %s", option->key);
		const char *entry = strstr(manual, item);
		ok(entry != NULL, name);
		if (entry != NULL && option->initial != NULL)
			manual_default(entry + 1, option);
		snprintf(name, sizeof name, "the example has a line for %s", option->key);
		if (option->initial != NULL)
			ok(strstr(example, shown) != NULL, name);
		else if (strcmp(option->key, "env.KEY") != 0) {
			snprintf(item, strlen(item), "%s = ", option->key);
			ok(strstr(example, item) != NULL, name);
		}
		snprintf(name, sizeof name, "the example has the sentence of %s", option->key);
		ok(strstr(example, option->help) != NULL, name);
		free(item);
		free(shown);
	}
	free(manual);
	free(example);
}

static void example(void)
{
	char *text = read_source("etc/gracectl.ini");
	char *procfile = read_source("etc/Procfile");
	char *sub[] = {xasprintf("%s/etc", test_dir), xasprintf("%s/build", test_dir)};

	mkdir(sub[0], 0700);
	mkdir(sub[1], 0700);
	put_file("build/demo-server", "", 0755);
	load_bytes("etc/gracectl.ini", text, strlen(text));
	has_no_problem("the example is a configuration without a problem");
	is_str(config.root, test_dir, "its root is the directory above");
	read_back("it is printed the same when it is read back");
	load_bytes("etc/Procfile", procfile, strlen(procfile));
	has_no_problem("the example of a Procfile is one without a problem");
	remove_file("build/demo-server");
	for (int i = 0; i < 2; i++) {
		rmdir(sub[i]);
		free(sub[i]);
	}
	free(text);
	free(procfile);
}

int main(void)
{
	begin();
	printing();
	documents();
	example();
	return end();
}
