/*
 * Feeds gracectl.ini with anything. Besides not crashing, it must keep its promises: name and
 * directories are always set, a message is never empty, and what is printed reads back the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/config.h"

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

static char *print(const struct config *config, size_t *size)
{
	char *text;
	FILE *out = open_memstream(&text, size);

	config_print(config, out);
	fclose(out);
	return text;
}

static void read_back(const struct config *config)
{
	struct config again;
	struct config_problems problems;
	size_t first_size, second_size;
	char *first = print(config, &first_size);

	config_load_text("/usr/gracectl.ini", first, first_size, NULL, &again, &problems);
	for (size_t i = 0; i < problems.count; i++)
		if (!problems.items[i].warning)
			config_problem_print(&problems.items[i], stderr);
	must(problems.errors == 0, "what is printed is read without an error");
	char *second = print(&again, &second_size);
	must(strcmp(first, second) == 0, "what is printed reads back the same");
	free(first);
	free(second);
	config_release(&again);
	config_problems_release(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config;
	struct config_problems problems;

	if (size > INPUT_MAX)
		return 0;
	config_load_text("/usr/gracectl.ini", (const char *)data, size, NULL, &config, &problems);
	must(config.name != NULL && config.root != NULL, "name and root are set");
	must(config.state_dir != NULL && config.run_dir != NULL, "the directories are set");
	for (size_t i = 0; i < problems.count; i++)
		must(problems.items[i].text[0] != '\0', "a message is not empty");
	if (problems.errors == 0)
		read_back(&config);
	config_release(&config);
	config_problems_release(&problems);
	return 0;
}
