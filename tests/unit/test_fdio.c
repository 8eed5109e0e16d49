/*
 * Tests of fdio: files that are replaced whole.
 */
#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "tap.h"

typedef int replace_fn(int dirfd, const char *name, const void *bytes, size_t len);

static int dir;

static const char *content_of(const char *name)
{
	static struct buf text;

	buf_reset(&text);
	return fdio_read_at(dir, name, 1024, &text) == 0 ? (text.len > 0 ? text.data : "") : NULL;
}

static bool exists(const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static int put(replace_fn *replace, const char *name, const char *text)
{
	return replace(dir, name, text, strlen(text));
}

static void test_both(replace_fn *replace, const char *name)
{
	char long_name[NAME_MAX + 1];
	struct stat st;

	printf("# %s\n", name);
	is_int(put(replace, name, "the first"), 0, "a file is made");
	is_str(content_of(name), "the first", "with what was given");
	fstatat(dir, name, &st, 0);
	is_int(st.st_mode & 07777, 0600, "for its owner only");
	is_int(put(replace, name, "the second, which is longer"), 0, "it is replaced");
	is_str(content_of(name), "the second, which is longer", "by what is longer");
	is_int(put(replace, name, "third"), 0, "and once more");
	is_str(content_of(name), "third", "by what is shorter, to its end");
	is_int(put(replace, name, ""), 0, "and by nothing");
	is_str(content_of(name), "", "which is nothing then");
	memset(long_name, 'x', NAME_MAX);
	long_name[NAME_MAX] = '\0';
	errno = 0;
	is_int(put(replace, long_name, "text"), -1, "a name has a limit");
	is_int(errno, ENAMETOOLONG, "and errno says so");
	is_int(put(replace, "not/there", "text"), -1, "a directory that is not there is an error");
	is_int(errno, ENOENT, "and errno says which");
}

/* What somebody else put where the new file is written is not written through. */
static void test_link(replace_fn *replace, const char *name)
{
	put(replace, "victim", "precious");
	unlinkat(dir, "linked.new", 0);
	if (symlinkat("victim", dir, "linked.new") < 0)
		bail_out("no link");
	printf("# a link: %s\n", name);
	is_int(put(replace, "linked", "text"), -1, "a link is not followed");
	is_str(content_of("victim"), "precious", "and what it points to stays");
	unlinkat(dir, "linked.new", 0);
}

static void test_exchange(void)
{
	put(fdio_exchange_at, "kept", "old");
	ok(!exists("kept.new"), "the first file is exchanged with nothing");
	put(fdio_exchange_at, "kept", "young");
	is_str(content_of("kept.new"), "old", "the one before is kept");
	put(fdio_exchange_at, "kept", "new");
	is_str(content_of("kept"), "new", "and written over, to its end");
	is_str(content_of("kept.new"), "young", "in turns");
	put(fdio_replace_at, "plain", "old");
	put(fdio_replace_at, "plain", "new");
	ok(!exists("plain.new"), "who replaces without exchange keeps nothing");
}

static void test_lack(void)
{
	int held = fdio_lock_at(dir, "locked");

	ok(held >= 0 && fdio_is_locked_at(dir, "locked"), "who holds a lock is seen to");
	ok(!fdio_is_locked_at(dir, "nothing"), "what is not there is held by nobody");
	struct rlimit limit = leave_descriptors(0);
	close(held); /* and so there is one */
	int taken = dup(dir);
	ok(fdio_is_locked_at(dir, "locked"), "when that cannot be found out it may be held");
	give_descriptors(limit);
	close(taken);
	ok(!fdio_is_locked_at(dir, "locked"), "with descriptors it is seen that nobody does");
}

static void test_spare(void)
{
	struct rlimit before, low;

	getrlimit(RLIMIT_NOFILE, &before);
	low = (struct rlimit){.rlim_cur = 200, .rlim_max = before.rlim_max};
	give_descriptors(low);
	ok(!fdio_is_spare(167, FDIO_FOR_CLIENTS), "most descriptors may be kept");
	ok(fdio_is_spare(168, FDIO_FOR_CLIENTS), "the last 32 are not for dynos");
	ok(!fdio_is_spare(191, FDIO_FOR_LOOKS), "but for clients");
	ok(fdio_is_spare(192, FDIO_FOR_LOOKS), "and the last 8 are not for these either");
	low.rlim_cur = 64;
	give_descriptors(low);
	ok(!fdio_is_spare(47, FDIO_FOR_CLIENTS) && fdio_is_spare(48, FDIO_FOR_CLIENTS),
		"where there are few it is the last quarter");
	ok(!fdio_is_spare(59, FDIO_FOR_LOOKS) && fdio_is_spare(60, FDIO_FOR_LOOKS),
		"and the last of sixteen");
	give_descriptors(before);
}

int main(void)
{
	char path[] = "/tmp/gracectl-fdio-XXXXXX";
	char command[64];

	if (mkdtemp(path) == NULL || (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		bail_out("no directory");
	test_both(fdio_replace_at, "replaced");
	test_both(fdio_exchange_at, "exchanged");
	test_link(fdio_replace_at, "replaced");
	test_link(fdio_exchange_at, "exchanged");
	test_exchange();
	if (!is_under_valgrind())
		test_lack();
	test_spare();
	close(dir);
	snprintf(command, sizeof command, "rm -r %s", path);
	if (system(command) != 0)
		printf("# %s is left\n", path);
	return tap_done();
}
