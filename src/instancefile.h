/*
 * instancefile: the names of the files that an instance has in the run directory,
 * DYNO.LAUNCH.SUFFIX, such as web.1.7.out.
 */
#ifndef GRACECTL_INSTANCEFILE_H
#define GRACECTL_INSTANCEFILE_H

#include <stdbool.h>
#include <stdint.h>

enum instancefile {
	INSTANCEFILE_OUTPUT, /* .out: the FIFO into which it writes */
	INSTANCEFILE_RECORD, /* .id: which process it is; locked while any of it lives */
	INSTANCEFILE_NOTIFY, /* .notify: the socket on which it says that it is ready */
	INSTANCEFILES
};

enum {
	INSTANCEFILE_NAME = 128
};

/* What a name says. */
struct instancefile_parts {
	char dyno[INSTANCEFILE_NAME];
	uint64_t launch;
	enum instancefile which;
};

/* Writes it and returns it. */
const char *instancefile_name(char name[static INSTANCEFILE_NAME], const char *dyno,
	uint64_t launch, enum instancefile which);

/* False when it is no such name. */
bool instancefile_parse(const char *name, struct instancefile_parts *parts);

#endif
