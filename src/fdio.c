/* fdio: see the header. */
#include "fdio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xmalloc.h"

int fdio_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What is long is read in long pieces. */
static int read_fd(int fd, size_t limit, struct buf *out)
{
	enum {
		CHUNK = 4096
	};
	size_t total = 0;

	for (;;) {
		size_t chunk = total < CHUNK ? CHUNK : total;
		char *to = buf_reserve(out, chunk);
		ssize_t n = read(fd, to, chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		total += (size_t)n;
		if (total > limit) {
			errno = EFBIG;
			return -1;
		}
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (n == 0)
			return 0;
	}
}

int fdio_read_at(int dirfd, const char *name, size_t limit, struct buf *out)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	int result = read_fd(fd, limit, out);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

int fdio_read_file(const char *path, size_t limit, struct buf *out)
{
	return fdio_read_at(AT_FDCWD, path, limit, out);
}

static int name_temp(char temp[static NAME_MAX + 1], const char *name)
{
	if (snprintf(temp, NAME_MAX + 1, "%s.new", name) <= NAME_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Writes a file whole. Opened without O_TRUNC it may be longer than what is written. A pipe that
 * somebody has put there is not waited for. */
static int write_file(int dirfd, const char *name, int flags, const void *bytes, size_t len)
{
	struct stat st;
	int fd = openat(dirfd, name,
		O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | flags, (mode_t)0600);

	if (fd < 0)
		return -1;
	int result = fdio_write_all(fd, bytes, len);
	if (result == 0 && fstat(fd, &st) == 0 && st.st_size != (off_t)len)
		result = ftruncate(fd, (off_t)len);
	if (close(fd) < 0)
		result = -1;
	return result;
}

/* Removes what could not take its place. Returns result. */
static int clean_up(int dirfd, const char *temp, int result)
{
	int saved = errno;

	if (result < 0)
		unlinkat(dirfd, temp, 0);
	errno = saved;
	return result;
}

int fdio_replace_at(int dirfd, const char *name, const void *bytes, size_t len)
{
	char temp[NAME_MAX + 1];

	if (name_temp(temp, name) < 0)
		return -1;
	int result = write_file(dirfd, temp, O_TRUNC, bytes, len);
	if (result == 0)
		result = renameat(dirfd, temp, dirfd, name);
	return clean_up(dirfd, temp, result);
}

/* There may be nothing to exchange it with, and not every file system knows how to. */
int fdio_exchange_at(int dirfd, const char *name, const void *bytes, size_t len)
{
	char temp[NAME_MAX + 1];

	if (name_temp(temp, name) < 0)
		return -1;
	int result = write_file(dirfd, temp, 0, bytes, len);
	if (result == 0 && renameat2(dirfd, temp, dirfd, name, RENAME_EXCHANGE) < 0)
		result = renameat(dirfd, temp, dirfd, name);
	return clean_up(dirfd, temp, result);
}

/*
 * A directory that stands in one where everybody may write (such as /tmp) could have been put there
 * by anybody: it must be a real one, ours or root's, and for nobody else to write.
 */
static int check_dir(const char *path, bool in_public, struct cause *cause)
{
	struct stat st;

	if ((in_public ? lstat(path, &st) : stat(path, &st)) < 0)
		return cause_errno(cause, "cannot look at %s", path);
	if (!S_ISDIR(st.st_mode))
		return cause_set(cause, "%s is not a directory", path);
	if (in_public && !(st.st_mode & S_ISVTX) &&
		((st.st_uid != geteuid() && st.st_uid != 0) ||
			(st.st_mode & (S_IWGRP | S_IWOTH)) != 0))
		return cause_set(cause,
			"%s stands in a public directory and others may change it; remove it, or "
			"choose another "
			"directory",
			path);
	return 0;
}

/* *in_public tells whether everybody may write in the parent; afterwards, in this one. */
static int make_dir(const char *path, bool *in_public, struct cause *cause)
{
	struct stat st;

	if (mkdir(path, 0711) < 0) {
		if (errno != EEXIST)
			return cause_errno(cause, "cannot create the directory %s", path);
		if (check_dir(path, *in_public, cause) < 0)
			return -1;
	}
	*in_public = stat(path, &st) == 0 && (st.st_mode & S_IWOTH) != 0;
	return 0;
}

int fdio_make_dirs(const char *path, struct cause *cause)
{
	char *copy = xstrdup(path);
	int result = 0;
	bool in_public = false;
	struct stat st;

	for (char *slash = strchr(copy + 1, '/'); slash != NULL && result == 0;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = make_dir(copy, &in_public, cause);
		*slash = '/';
	}
	free(copy);
	if (result == 0)
		result = make_dir(path, &in_public, cause);
	if (result == 0 && stat(path, &st) == 0 && st.st_uid != geteuid() && st.st_uid != 0)
		result = cause_set(cause,
			"%s belongs to another user (uid %u); choose another directory", path,
			(unsigned)st.st_uid);
	return result;
}

bool fdio_lock(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

int fdio_lock_at(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (!fdio_lock(fd)) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

bool fdio_is_locked_at(int dirfd, const char *name)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fdio_is_lack(errno);
	bool locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
	return locked;
}

bool fdio_is_lack(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

bool fdio_is_spare(int fd, enum fdio_spare spare)
{
	struct rlimit limit;
	rlim_t kept = spare;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	if (limit.rlim_cur < 4 * FDIO_FOR_CLIENTS)
		kept = limit.rlim_cur * spare / (4 * FDIO_FOR_CLIENTS);
	return fd >= 0 && (rlim_t)fd >= limit.rlim_cur - kept;
}

/* With more callers than its queue has room for it does not even take us. */
bool fdio_is_listening(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = -1;

	if (strlen(path) < sizeof address.sun_path)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	bool listens =
		connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
	close(fd);
	return listens;
}

void fdio_list(const char *path, const char *suffix, bool (*is_valid)(const char *name),
	struct strlist *names)
{
	DIR *dir = opendir(path);
	size_t tail = strlen(suffix);

	if (dir == NULL)
		return;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		size_t len = strlen(entry->d_name);
		if (len < tail || strcmp(entry->d_name + len - tail, suffix) != 0)
			continue;
		entry->d_name[len - tail] = '\0';
		if (is_valid(entry->d_name))
			strlist_add(names, entry->d_name);
	}
	closedir(dir);
}

void fdio_keep_to_ourselves(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	if (dir != NULL)
		closedir(dir);
}

void fdio_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
