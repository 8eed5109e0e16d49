/*
 * options: the command line and the environment.
 */
#ifndef GRACECTL_DEMO_OPTIONS_H
#define GRACECTL_DEMO_OPTIONS_H

#include "cause.h"
#include "clock.h"

struct options {
	int port;	      /* 0: the kernel chooses */
	const char *database; /* the SQLite file */
	nsec_t deadline;
	nsec_t header_timeout;
	nsec_t lame_duck;
};

enum options_result {
	OPTIONS_RUN,  /* go on */
	OPTIONS_DONE, /* help or version was printed: exit 0 */
	OPTIONS_BAD,  /* the cause says why: exit 2 */
};

/* Reads them all; an option wins over the environment. The texts stay those of argv and environ. */
enum options_result options_parse(int argc, char **argv, struct options *opts, struct cause *cause);

#endif
