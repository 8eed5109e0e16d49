/*
 * logclean: takes away what a test has logged.
 */
#ifndef GRACECTL_TEST_LOGCLEAN_H
#define GRACECTL_TEST_LOGCLEAN_H

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

/* All the output of a dyno. */
static inline void remove_log(int logdir, const char *dyno)
{
	int fd = openat(logdir, dyno, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		unlinkat(fd, entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	unlinkat(logdir, dyno, AT_REMOVEDIR);
}

#endif
