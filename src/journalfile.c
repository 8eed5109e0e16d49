/* journalfile: see the header. */
#include "journalfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"

static const char prefix[] = "journal.";

const char *journalfile_name(char name[static JOURNALFILE_NAME], uint64_t number)
{
	snprintf(name, JOURNALFILE_NAME, "%s%" PRIu64 ".jsonl", prefix, number);
	return name;
}

bool journalfile_parse(const char *name, uint64_t *number)
{
	char *end;

	if (strncmp(name, prefix, sizeof prefix - 1) != 0)
		return false;
	name += sizeof prefix - 1;
	if (*name < '1' || *name > '9')
		return false;
	errno = 0;
	*number = strtoull(name, &end, 10);
	return errno == 0 && strcmp(end, ".jsonl") == 0;
}

int journalfile_range(int dir_fd, uint64_t *first, uint64_t *last)
{
	*first = *last = 0;
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		fdio_close(&fd);
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		uint64_t number;
		if (!journalfile_parse(entry->d_name, &number))
			continue;
		if (*first == 0 || number < *first)
			*first = number;
		if (number > *last)
			*last = number;
	}
	closedir(dir);
	return 0;
}
