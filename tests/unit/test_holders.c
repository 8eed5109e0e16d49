/*
 * Tests of holders: the snapshot is made by hand, and each process in it is this one or a child of
 * it, with files that are called like those of an instance, or nearly so.
 */
#include "holders.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "tap.h"
#include "xmalloc.h"

enum {
	STRAYS = 3
};

static char dir[] = "/tmp/test_holders.XXXXXX";
static const pid_t nobody[] = {0};

static struct proctree_entry entries[STRAYS];
static uint32_t strays[STRAYS];
static struct proctree tree = {.entries = entries, .strays = strays, .taken = 1};
static struct holders holders;

static void add_stray(pid_t pid, const char *mark)
{
	strays[tree.stray_count] = (uint32_t)tree.stray_count;
	entries[tree.stray_count++] = (struct proctree_entry){.stat.id.pid = pid, .mark = mark};
}

static int open_file(const char *name, int flags)
{
	char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		bail_out("no file");
	free(path);
	return fd;
}

struct heard {
	unsigned count;
	pid_t pid;
};

static void hear(void *arg, struct proc_id id)
{
	struct heard *heard = arg;

	heard->count++;
	heard->pid = id.pid;
}

static struct heard find(int fd, const pid_t *supervisors)
{
	struct heard heard = {0};
	struct stat file;

	if (fstat(fd, &file) < 0)
		bail_out("a file is closed");
	holders_each(&holders, &tree, supervisors,
		(struct procopen_file){.device = file.st_dev, .inode = file.st_ino}, hear, &heard);
	return heard;
}

/* In a new snapshot. */
static unsigned count_anew(int fd, const pid_t *supervisors)
{
	tree.taken++;
	return find(fd, supervisors).count;
}

static void test_names(void)
{
	static const char *const meant[] = {"web.1.7.out", "web.12.345.id", "a.b.1.2.out"};
	static const char *const others[] = {"web.1.out", "web.1.7", "web.1.7.log", "1.7.out",
		"web.1.x.out", "web.1..out", ".1.7.out"};

	for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
		int fd = open_file(meant[i], O_WRONLY);
		is_int(count_anew(fd, nobody), 1, "the files of an instance are looked at");
		close(fd);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		int fd = open_file(others[i], O_WRONLY);
		is_int(count_anew(fd, nobody), 0, "those of others are not");
		close(fd);
	}
}

static void test_once(void)
{
	const pid_t supervisors[] = {getppid(), getpid(), 0};
	int fd = open_file("web.1.1.out", O_WRONLY), other = open_file("web.2.1.out", O_RDONLY);

	is_int(count_anew(fd, nobody), 1, "who has a file open for writing is found");
	is_int(find(fd, nobody).pid, getpid(), "by its pid");
	is_int(find(other, nobody).count, 0, "who only reads it is not");
	close(other);
	other = open_file("web.2.1.out", O_WRONLY);
	is_int(find(other, nobody).count, 0, "nobody is looked at twice in a snapshot");
	is_int(count_anew(other, nobody), 1, "but once in each");
	is_int(count_anew(other, supervisors), 0, "supervisors never");
	entries[0].mark = "app/web.1/1";
	is_int(count_anew(other, nobody), 0, "nor whoever is known by his mark");
	entries[0].mark = NULL;
	close(fd);
	close(other);
}

static void test_several(void)
{
	int fd = open_file("web.1.1.id", O_WRONLY);
	pid_t child = fork_child();

	if (child == 0)
		wait_forever();
	add_stray(child, NULL);
	is_int(count_anew(fd, nobody), 2, "each of those that have it is found");
	is_int(end_child(child, SIGKILL), SIGKILL, "one of them is killed");
	is_int(count_anew(fd, nobody), 1, "and not found any more");
	close(fd);
}

int main(void)
{
	limit_patience();
	if (mkdtemp(dir) == NULL)
		bail_out("no directory");
	add_stray(getpid(), NULL);
	test_names();
	test_once();
	test_several();
	holders_release(&holders);
	char *command = xasprintf("rm -r %s", dir);
	int status = system(command);
	free(command);
	return status != 0 ? status : tap_done();
}
