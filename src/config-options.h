/*
 * config-options: the one table of what can be set.
 *
 * Each row gives the key, the sections where it may stand, the parser and printer of its type, the
 * range, the default as it would be written, and a sentence of help. Reading, checking,
 * `check --print` and the test that compares the table with the manual all go through it.
 */
#ifndef GRACECTL_CONFIG_OPTIONS_H
#define GRACECTL_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cause.h"
#include "config-source.h"
#include "config.h"

enum option_section {
	IN_APP = 1 << 0,
	IN_DEFAULTS = 1 << 1,
	IN_PROCESS = 1 << 2,
	IN_BOTH = IN_DEFAULTS | IN_PROCESS,
};

struct config_option;

/* The object is a struct config for keys of [app], else a struct process_config. */
struct option_type {
	/* Sets the field from the text; 0, or -1 with what would be right, and then changes
	 * nothing. */
	int (*parse)(const struct config_option *option, const struct setting *setting,
		void *object, struct cause *cause);
	/* Writes the lines "key = value" that read back the same; none when there is no value. */
	void (*print)(const struct config_option *option, const void *object, FILE *out);
};

struct config_option {
	const char *key; /* "env.KEY" stands for every key that begins with "env." */
	unsigned sections;
	const struct option_type *type;
	size_t offset;		  /* of the field in its object */
	int64_t min, max;	  /* of numbers, sizes (bytes) and durations (ns) */
	bool zero;		  /* 0 is allowed below min */
	const char *const *words; /* of an enum, by its value; ends with NULL */
	const char *initial;	  /* the default, as it would be written; NULL: see otherwise */
	const char *otherwise;	  /* the default in words, where it depends on other things */
	const char *syntax;	  /* what a value looks like, for the manual */
	const char *help;	  /* one sentence */
};

extern const struct config_option config_options[];
extern const size_t config_option_count;

/* The option of a key, or NULL. */
const struct config_option *option_find(const char *key);

/*
 * Reads the settings of a section into object. A setting that is unknown, stands in the wrong
 * section or has a bad value is a problem when source->problems is not NULL, and else passed over.
 */
void section_apply(struct source *source, const struct section *section, void *object);

/* Sets the defaults of all options of these sections that have one. */
void options_initialize(unsigned sections, void *object);

/* Prints all options of these sections. */
void options_print(unsigned sections, const void *object, FILE *out);

#endif
