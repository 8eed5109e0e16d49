/*
 * Feeds the readers of Procfile and .env with anything. Besides not crashing, a type that was read
 * has a valid name and a command, and a variable has a valid key.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/config-env.h"
#include "../../src/config.h"
#include "../../src/xmalloc.h"

enum {
	INPUT_MAX = 1 << 16
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static size_t place_of(const struct config *config, const char *name)
{
	size_t at = 0;

	while (strcmp(config->process[at].name, name) != 0)
		at++;
	return at;
}

static void feed_procfile(const char *text, size_t size)
{
	struct config config;
	struct config_problems problems;

	config_load_text("/usr/Procfile", text, size, NULL, &config, &problems);
	for (size_t i = 0; i < config.process_count && problems.errors == 0; i++) {
		must(process_name_is_valid(config.process[i].name), "a type has a valid name");
		must(config.process[i].command[0] != '\0', "a type has a command");
		must(place_of(&config, config.process[i].name) == i, "a type stands only once");
	}
	config_release(&config);
	config_problems_release(&problems);
}

static void feed_env(const char *text, size_t size)
{
	struct strlist env = STRLIST_INIT;
	struct config_problems problems = {0};

	env_read(".env", text, size, &env, &problems);
	for (size_t i = 0; i < env.count; i++) {
		char *key = xstrndup(env.items[i], strcspn(env.items[i], "="));

		must(env_key_is_valid(key), "a variable has a valid key");
		must(strchr(env.items[i], '=') != NULL, "a variable has a value");
		free(key);
	}
	strlist_release(&env);
	config_problems_release(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	feed_procfile((const char *)data, size);
	feed_env((const char *)data, size);
	return 0;
}
