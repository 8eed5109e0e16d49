/*
 * options-ini: reads the file of --config, whose one section is [demo-server].
 *
 * What inih does beyond "key = value" is turned off: no value over several lines,
 * no comment behind a value, because a URI may hold any character.
 */
#ifndef GRACECTL_DEMO_OPTIONS_INI_H
#define GRACECTL_DEMO_OPTIONS_INI_H

#include "cause.h"

enum {
	INI_FILE_MAX = 64 * 1024,
	INI_LINE_LENGTH_MAX = 4096
};

/* Takes one setting; where is "FILE:LINE". Returns 0, or -1 with a sentence. */
typedef int ini_setting_fn(
	void *arg, const char *where, const char *key, const char *value, struct cause *cause);

/* Calls take() for each setting. Returns 0, or -1 with a sentence that names the file and line. */
int ini_load(const char *path, ini_setting_fn *take, void *arg, struct cause *cause);

#endif
