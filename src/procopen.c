/* procopen: see the header. */
#include "procopen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	INFO_MAX = 256,
	CALLED_MAX = PATH_MAX + sizeof " (deleted)"
};

static DIR *open_files(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	return opendir(path);
}

/* What the kernel calls it. */
static const char *read_called(DIR *files, const char *fd, char called[static CALLED_MAX])
{
	ssize_t n = readlinkat(dirfd(files), fd, called, CALLED_MAX - 1);

	called[n > 0 ? n : 0] = '\0';
	return called;
}

/* The name in it, which it loses its tail for; NULL: it has no path. */
static const char *cut_name(char *called)
{
	static const char deleted[] = " (deleted)";
	char *slash = strrchr(called, '/');
	size_t len = slash != NULL ? strlen(slash) : 0, tail = sizeof deleted - 1;

	if (len > tail && strcmp(slash + len - tail, deleted) == 0)
		slash[len - tail] = '\0';
	return slash != NULL ? slash + 1 : NULL;
}

/* The access mode of a descriptor of another process, from the octal "flags:" of its fdinfo. */
static bool is_writable(DIR *files, const char *fd)
{
	char path[300], text[INFO_MAX];
	unsigned flags;

	snprintf(path, sizeof path, "../fdinfo/%s", fd);
	int info = openat(dirfd(files), path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return false;
	ssize_t n = read(info, text, sizeof text - 1);
	close(info);
	text[n > 0 ? n : 0] = '\0';
	const char *line = strstr(text, "flags:");
	return line != NULL && sscanf(line, "flags: %o", &flags) == 1 &&
	       (flags & O_ACCMODE) != O_RDONLY;
}

static bool find_file(DIR *files, const char *fd, struct procopen_file *file)
{
	struct statx st;

	if (statx(dirfd(files), fd, AT_STATX_DONT_SYNC, STATX_INO, &st) < 0)
		return false;
	*file = (struct procopen_file){
		.device = makedev(st.stx_dev_major, st.stx_dev_minor), .inode = st.stx_ino};
	return true;
}

void procopen_each_written(pid_t pid, bool (*is_wanted)(const void *arg, const char *name),
	void (*found)(void *arg, struct procopen_file file), void *arg)
{
	char called[CALLED_MAX];
	const struct dirent *entry;
	struct procopen_file file;
	DIR *files = open_files(pid);

	while (files != NULL && (entry = readdir(files)) != NULL) {
		read_called(files, entry->d_name, called);
		const char *name = cut_name(called);
		if (name != NULL && is_wanted(arg, name) && is_writable(files, entry->d_name) &&
			find_file(files, entry->d_name, &file))
			found(arg, file);
	}
	if (files != NULL)
		closedir(files);
}

struct wanted {
	const char *name;
	struct procopen_file file;
	bool found;
};

static bool is_it(const void *arg, const char *name)
{
	const struct wanted *wanted = arg;

	return !wanted->found && strcmp(name, wanted->name) == 0;
}

static void compare(void *arg, struct procopen_file file)
{
	struct wanted *wanted = arg;

	wanted->found |= file.device == wanted->file.device && file.inode == wanted->file.inode;
}

bool procopen_can_write(pid_t pid, const char *name, struct procopen_file file)
{
	struct wanted wanted = {.name = name, .file = file};

	procopen_each_written(pid, is_it, compare, &wanted);
	return wanted.found;
}

bool procopen_has(pid_t pid, const char *called)
{
	char target[CALLED_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *files = open_files(pid);

	while (files != NULL && !found && (entry = readdir(files)) != NULL)
		found = strcmp(read_called(files, entry->d_name, target), called) == 0;
	if (files != NULL)
		closedir(files);
	return found;
}

int procopen_own(const char *name)
{
	char called[CALLED_MAX];
	const struct dirent *entry;
	int found = -1;
	DIR *files = opendir("/proc/self/fd");

	while (files != NULL && found < 0 && (entry = readdir(files)) != NULL) {
		read_called(files, entry->d_name, called);
		const char *own = cut_name(called);
		if (atoi(entry->d_name) > STDERR_FILENO && own != NULL && strcmp(own, name) == 0)
			found = atoi(entry->d_name);
	}
	if (files != NULL)
		closedir(files);
	if (found < 0)
		errno = ENOENT;
	return found;
}
