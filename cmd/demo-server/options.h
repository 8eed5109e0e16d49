/*
 * options: the command line, the environment and the ini file, as one table of
 * settings.
 *
 * What stands later in this list wins: the built-in value, the file of --config,
 * the environment, the command line.
 */
#ifndef GRACECTL_DEMO_OPTIONS_H
#define GRACECTL_DEMO_OPTIONS_H

#include "cause.h"
#include "clock.h"

struct options {
	int port;	/* 0: the kernel chooses */
	char *database; /* a SQLite file, or the URI of a MongoDB server, see store_open() */
	nsec_t deadline;
	nsec_t header_timeout;
	nsec_t lame_duck;
};

enum options_result {
	OPTIONS_RUN,  /* go on */
	OPTIONS_DONE, /* help or version was printed: exit 0 */
	OPTIONS_BAD,  /* the cause says why: exit 2 */
};

/* Reads them all; to be released whatever the result is. */
enum options_result options_parse(int argc, char **argv, struct options *opts, struct cause *cause);

void options_release(struct options *opts);

#endif
