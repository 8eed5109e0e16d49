/* outfile: see the header. */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "xmalloc.h"

/* Where an open file really is: behind all links. Owned, or NULL with errno. */
static char *place_of(int fd)
{
	char name[sizeof "/proc/self/fd/" + 3 * sizeof fd], place[PATH_MAX];

	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	ssize_t len = readlink(name, place, sizeof place);
	return len < 0 ? NULL : xstrndup(place, (size_t)len);
}

/* A file like the old one, but with the new content; only root may give files away. */
static int fill(int fd, const struct stat *old, const void *bytes, size_t len)
{
	if (fdio_write_all(fd, bytes, len) < 0)
		return -1;
	if (fchown(fd, old->st_uid, old->st_gid) < 0)
		errno = 0;
	return fchmod(fd, old->st_mode & 0777);
}

static int replace(const char *place, const struct stat *old, const void *bytes, size_t len)
{
	char *temp = xasprintf("%s.XXXXXX", place);
	int fd = mkostemp(temp, O_CLOEXEC), result = -1;

	if (fd >= 0) {
		result = fill(fd, old, bytes, len);
		if (close(fd) < 0)
			result = -1;
		if (result == 0)
			result = rename(temp, place);
		int saved = errno;
		if (result < 0)
			unlink(temp);
		errno = saved;
	}
	free(temp);
	return result;
}

/* Opening it follows the links, as far as the kernel lets us (fs.protected_symlinks), and makes
 * what was not there, which then is not to be left behind empty. */
int outfile_write(const char *path, const void *bytes, size_t len)
{
	bool is_new = access(path, F_OK) < 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666), result = -1;
	char *place = NULL;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		result = fdio_write_all(fd, bytes, len);
	else if ((place = place_of(fd)) != NULL)
		result = replace(place, &st, bytes, len);
	int saved = errno;
	if (result < 0 && is_new && place != NULL)
		unlink(place);
	close(fd);
	free(place);
	errno = saved;
	return result;
}
