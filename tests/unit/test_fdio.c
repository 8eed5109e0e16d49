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
#include <time.h>
#include <unistd.h>

#include "children.h"
#include "clock.h"
#include "tap.h"

typedef int replace_fn(int dirfd, const char *name, const void *bytes, size_t len);

static int dir;

static nsec_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

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

/* ---- listing ---- */

static bool is_wanted(const char *name)
{
	return name[0] != '\0';
}

/* Makes a directory with files NUMBER.id. */
static void fill(const char *name, unsigned first, unsigned count)
{
	mkdirat(dir, name, 0700);
	for (unsigned i = first; i < first + count; i++) {
		char file[64];
		snprintf(file, sizeof file, "%s/%u.id", name, i);
		int fd = openat(dir, file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			bail_out("no file");
		close(fd);
	}
}

static void list(const char *name, struct strlist *names)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", dir, name);
	fdio_list(path, ".id", is_wanted, names);
}

static void test_list(void)
{
	struct strlist names = STRLIST_INIT;
	struct buf text = BUF_INIT;

	printf("# a list\n");
	list("nowhere", &names);
	strlist_sort_unique(&names);
	is_int((int64_t)names.count, 0, "of a directory that is not there nothing is listed");
	fill("numbers", 1, 3);
	fill("more", 3, 2);
	put(fdio_replace_at, "numbers/.id", "");
	put(fdio_replace_at, "numbers/5", "");
	list("more", &names);
	list("numbers", &names);
	strlist_sort_unique(&names);
	for (size_t i = 0; i < names.count; i++)
		buf_addf(&text, "%s ", names.items[i]);
	is_str(text.data, "1 2 3 4 ",
		"the names of two directories are there once each, in order, without the suffix");
	ok(names.items[names.count] == NULL, "and a NULL at the end");
	strlist_release(&names);
	buf_release(&text);
}

/* The CPU time of listing a directory twice, in ns for each name; the least of some tries. */
static nsec_t cost_of_name(const char *name, unsigned count)
{
	nsec_t least = INT64_MAX;

	fill(name, 0, count);
	for (int i = 0; i < 5; i++) {
		struct strlist names = STRLIST_INIT;
		nsec_t began = cpu_time();
		list(name, &names);
		list(name, &names);
		strlist_sort_unique(&names);
		nsec_t cost = (cpu_time() - began) / count;
		least = cost < least ? cost : least;
		strlist_release(&names);
	}
	return least;
}

static void test_cost(void)
{
	nsec_t few = cost_of_name("few", 500), many = cost_of_name("many", 10000);

	if (!ok(many < 4 * few, "what a name costs does not grow with their number"))
		printf("#   %lld ns with 10000, %lld ns with 500\n", (long long)many,
			(long long)few);
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
	test_list();
	test_cost();
	close(dir);
	snprintf(command, sizeof command, "rm -r %s", path);
	if (system(command) != 0)
		printf("# %s is left\n", path);
	return tap_done();
}
