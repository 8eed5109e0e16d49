/* lockfile: see the header. Its two lines: the run directory, and the boot. */
#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "log.h"
#include "procopen.h"
#include "proctree.h"
#include "xmalloc.h"

enum {
	TEXT_MAX = 8192
};
static const char name[] = "lock";

/* As guard and supervisor call themselves, see cmd-daemon.c. */
static const char holder[] = "gracectl";

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Over what stands there: where the disk is full, that can be written all the same. */
void lockfile_write(int lock, const char *run_dir)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%s\n%s\n", run_dir, clock_boot_id());
	if (pwrite(lock, text.data, text.len, 0) < 0 || ftruncate(lock, (off_t)text.len) < 0)
		log_warn("the lock file cannot be written: %s", strerror(errno));
	buf_release(&text);
}

/* One that was removed under somebody who lives. */
static bool is_held_unseen(const char *state_dir)
{
	char *real = realpath(state_dir, NULL);
	char *called = xasprintf("%s/%s (deleted)", real != NULL ? real : state_dir, name);
	struct proctree tree = {0};
	bool found = false;

	if (proctree_take(&tree) < 0)
		log_warn("cannot read /proc: %s", strerror(errno));
	for (size_t i = 0; i < tree.count && !found; i++) {
		const struct proc_stat *stat = &tree.entries[i].stat;
		found = strcmp(stat->name, holder) == 0 && procopen_has(stat->id.pid, called);
	}
	proctree_release(&tree);
	free(called);
	free(real);
	return found;
}

int lockfile_take(const char *state_dir)
{
	int dir = open_dir(state_dir);
	int lock = -1;

	if (dir < 0)
		return -1;
	/* Who ends in order leaves it there. */
	if (faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && is_held_unseen(state_dir))
		errno = EAGAIN;
	else
		lock = fdio_lock_at(dir, name);
	int saved = errno;
	close(dir);
	errno = saved;
	return lock;
}

bool lockfile_is_there(int lock, int state_dir)
{
	struct stat ours, named;

	return fstat(lock, &ours) == 0 &&
	       fstatat(state_dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_dev == ours.st_dev && named.st_ino == ours.st_ino;
}

int lockfile_renew(int lock, const char *state_dir, const char *run_dir)
{
	int dir = open_dir(state_dir);
	int fresh = dir >= 0 ? fdio_lock_at(dir, name) : -1;

	if (fresh >= 0)
		lockfile_write(fresh, run_dir);
	int result = fresh >= 0 ? dup3(fresh, lock, O_CLOEXEC) : -1;
	int saved = errno;

	fdio_close(&fresh);
	fdio_close(&dir);
	errno = saved;
	return result < 0 ? -1 : 0;
}

void lockfile_finish(int lock)
{
	if (ftruncate(lock, 0) < 0)
		log_warn("the lock file cannot be emptied: %s", strerror(errno));
}

/* Cuts a line off the front of text. */
static char *take_line(char **text)
{
	char *line = strsep(text, "\n");

	return line != NULL ? line : (char *)"";
}

/* True when it was written in this boot. */
static bool take_lines(char *text, struct buf *run_dir)
{
	buf_adds(run_dir, take_line(&text));
	const char *boot = take_line(&text);
	return boot[0] != '\0' && strcmp(boot, clock_boot_id()) == 0;
}

char *lockfile_run_dir(int lock)
{
	char text[TEXT_MAX];
	struct buf run_dir = BUF_INIT;
	ssize_t len = pread(lock, text, sizeof text - 1, 0);

	text[len > 0 ? len : 0] = '\0';
	if (take_lines(text, &run_dir) && run_dir.len > 0)
		return buf_detach(&run_dir);
	buf_release(&run_dir);
	return NULL;
}

void lockfile_look(const char *state_dir, struct lockfile *look)
{
	struct buf text = BUF_INIT;
	int dir = open_dir(state_dir);

	*look = (struct lockfile){.run_dir = BUF_INIT};
	/* Whoever ends in order empties it before he lets go, so what is read after that counts. */
	look->held = dir >= 0 && fdio_is_locked_at(dir, name);
	bool read = dir >= 0 && fdio_read_at(dir, name, TEXT_MAX, &text) == 0 && text.len > 0;
	bool this_boot = take_lines(read ? text.data : NULL, &look->run_dir);
	look->unfinished = this_boot && !look->held;
	if (!this_boot)
		buf_reset(&look->run_dir);
	buf_release(&text);
	fdio_close(&dir);
}

void lockfile_release(struct lockfile *look)
{
	buf_release(&look->run_dir);
}
