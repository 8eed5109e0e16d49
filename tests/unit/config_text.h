/*
 * config_text: what the tests of the configuration share. A configuration is loaded from a text as
 * if it stood in a directory of its own, and problems are looked for by their words.
 */
#ifndef GRACECTL_TEST_CONFIG_TEXT_H
#define GRACECTL_TEST_CONFIG_TEXT_H

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/config.h"
#include "../../src/xmalloc.h"
#include "tap.h"

/* The least that is a configuration. */
#define WEB "[process web]\ncommand = sleep 1\n"

static char test_dir[] = "/tmp/gracectl-config-XXXXXX";
static struct config config;
static struct config_problems problems;

/* Writes a file below the directory of the test. */
static inline void put_file(const char *name, const char *text, mode_t mode)
{
	char *path = xasprintf("%s/%s", test_dir, name);
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0 || chmod(path, mode) != 0) {
		perror(path);
		exit(1);
	}
	free(path);
}

static inline void remove_file(const char *name)
{
	char *path = xasprintf("%s/%s", test_dir, name);

	remove(path);
	free(path);
}

/* The process type of that name, or NULL. */
static inline const struct process_config *find_process(const char *name)
{
	for (size_t i = 0; i < config.process_count; i++)
		if (strcmp(config.process[i].name, name) == 0)
			return &config.process[i];
	return NULL;
}

static inline void begin(void)
{
	if (mkdtemp(test_dir) == NULL || setenv("PATH", "/usr/bin:/bin", 1) != 0 ||
		setenv("XDG_RUNTIME_DIR", test_dir, 1) != 0 ||
		setenv("XDG_STATE_HOME", test_dir, 1) != 0) {
		perror(test_dir);
		exit(1);
	}
}

static inline void forget(void)
{
	config_release(&config);
	config_problems_release(&problems);
}

static inline int end(void)
{
	forget();
	rmdir(test_dir);
	return tap_done();
}

/* Loads a text as the file `name` of the test's directory. */
static inline void load_bytes(const char *name, const char *text, size_t len)
{
	char *path = xasprintf("%s/%s", test_dir, name);

	forget();
	config_load_text(path, text, len, NULL, &config, &problems);
	free(path);
}

static inline void load(const char *text)
{
	load_bytes("gracectl.ini", text, strlen(text));
}

/* The first problem whose text has these words, or NULL. */
static inline const struct config_problem *problem_with(const char *words)
{
	for (size_t i = 0; i < problems.count; i++)
		if (strstr(problems.items[i].text, words) != NULL)
			return &problems.items[i];
	return NULL;
}

static inline void show_problems(void)
{
	for (size_t i = 0; i < problems.count; i++)
		printf("#   %s:%d: %s: %s\n", problems.items[i].file, problems.items[i].line,
			problems.items[i].warning ? "warning" : "error", problems.items[i].text);
}

/* Checks that a problem with these words stands at that line. */
static inline void has_problem(const char *words, int line, bool warning, const char *name)
{
	const struct config_problem *problem = problem_with(words);

	if (!ok(problem != NULL && problem->line == line && problem->warning == warning, name)) {
		printf("#   expected a %s in line %d with \"%s\", got\n",
			warning ? "warning" : "error", line, words);
		show_problems();
	}
}

static inline void has_no_problem(const char *name)
{
	if (!ok(problems.count == 0, name))
		show_problems();
}

#endif
