/* instancefile: see the header. */
#include "instancefile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const suffixes[INSTANCEFILES] = {
	[INSTANCEFILE_OUTPUT] = "out",
	[INSTANCEFILE_RECORD] = "id",
	[INSTANCEFILE_NOTIFY] = "notify",
};

const char *instancefile_name(char name[static INSTANCEFILE_NAME], const char *dyno,
	uint64_t launch, enum instancefile which)
{
	snprintf(name, INSTANCEFILE_NAME, "%s.%" PRIu64 ".%s", dyno, launch, suffixes[which]);
	return name;
}

static bool find_suffix(const char *suffix, enum instancefile *which)
{
	for (int i = 0; i < INSTANCEFILES; i++)
		if (strcmp(suffixes[i], suffix) == 0) {
			*which = (enum instancefile)i;
			return true;
		}
	return false;
}

/* As we write it: digits only, no leading zero. */
static bool read_launch(const char *text, uint64_t *launch)
{
	char *end;

	if (*text < '1' || *text > '9')
		return false;
	errno = 0;
	*launch = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0;
}

/* Cuts off what stands behind the last dot. NULL: there is none, or nothing before it. */
static char *cut_last(char *text)
{
	char *dot = strrchr(text, '.');

	if (dot == NULL || dot == text)
		return NULL;
	*dot = '\0';
	return dot + 1;
}

bool instancefile_parse(const char *name, struct instancefile_parts *parts)
{
	if (snprintf(parts->dyno, sizeof parts->dyno, "%s", name) >= (int)sizeof parts->dyno)
		return false;
	const char *suffix = cut_last(parts->dyno);
	const char *launch = suffix != NULL ? cut_last(parts->dyno) : NULL;
	return launch != NULL && find_suffix(suffix, &parts->which) &&
	       read_launch(launch, &parts->launch) && parts->dyno[0] != '.' &&
	       strchr(parts->dyno, '.') != NULL;
}
