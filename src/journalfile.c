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
#include "xmalloc.h"

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
	return errno == 0 && *number <= INT64_MAX && strcmp(end, ".jsonl") == 0;
}

bool journalfile_follows(uint64_t last, uint64_t number)
{
	return number > last && (last == 0 || number - last <= JOURNALFILE_GAP);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void collect(DIR *dir, struct journalfiles *files)
{
	uint64_t number;

	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		if (!journalfile_parse(entry->d_name, &number))
			continue;
		files->numbers =
			xreallocarray(files->numbers, files->count + 1, sizeof *files->numbers);
		files->numbers[files->count++] = number;
	}
}

static void drop_copies(struct journalfiles *files)
{
	size_t count = 0;

	while (count < files->count &&
		journalfile_follows(
			count > 0 ? files->numbers[count - 1] : 0, files->numbers[count]))
		count++;
	files->count = count;
}

int journalfile_list(int dir_fd, struct journalfiles *files)
{
	*files = (struct journalfiles){0};
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		fdio_close(&fd);
		return -1;
	}
	collect(dir, files);
	closedir(dir);
	if (files->count > 1)
		qsort(files->numbers, files->count, sizeof *files->numbers, compare_numbers);
	drop_copies(files);
	return 0;
}

void journalfile_release(struct journalfiles *files)
{
	free(files->numbers);
	*files = (struct journalfiles){0};
}
