/*
 * Tests of procopen with the files of this process.
 */
#include "procopen.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "tap.h"

static char path[] = "/tmp/test_procopen.XXXXXX";
static const char *name;
static struct procopen_file file;

static int make_file(void)
{
	int fd = mkostemp(path, O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		bail_out("no temporary file");
	file = (struct procopen_file){.device = st.st_dev, .inode = st.st_ino};
	name = strrchr(path, '/') + 1;
	return fd;
}

static void test_can_write(int fd)
{
	char other[sizeof path + 4];

	ok(procopen_can_write(getpid(), name, file), "who has a file open for writing is found");
	ok(!procopen_can_write(getpid(), "test_procopen", file),
		"the beginning of its name is not its name");
	int readable = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	ok(!procopen_can_write(getpid(), name, file), "who only reads it is not");
	close(readable);
	ok(!procopen_can_write(getpid(), name, file), "nor who has closed it");
	snprintf(other, sizeof other, "%s-too", path);
	fd = link(path, other) == 0 ? open(other, O_WRONLY | O_CLOEXEC) : -1;
	ok(fd >= 0 && !procopen_can_write(getpid(), name, file),
		"what has another name is not touched, wherever it is");
	close(fd);
	unlink(other);
	ok(!procopen_can_write(0, name, file), "nor is a process that is not there");
}

static void test_removed(void)
{
	char called[sizeof path + 16];
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ok(procopen_has(getpid(), path), "what is open is found by its path");
	unlink(path);
	ok(procopen_can_write(getpid(), name, file),
		"whose file was removed is found all the same");
	is_int(procopen_own(name), fd, "and so is a descriptor of our own");
	ok(!procopen_has(getpid(), path), "by its path it is not found any more");
	snprintf(called, sizeof called, "%s (deleted)", path);
	ok(procopen_has(getpid(), called), "but by what the kernel calls it now");
	close(fd);
	int none = procopen_own(name), why = errno;
	is_int(none, -1, "as long as it is open");
	is_int(why, ENOENT, "then there is none");
	ok(!procopen_has(getpid(), called), "likewise");
}

int main(void)
{
	limit_patience();
	test_can_write(make_file());
	test_removed();
	return tap_done();
}
