/* lockfile: see the header. Its two lines: the run directory, and the boot. */
#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "log.h"

enum {
	TEXT_MAX = 8192
};
static const char name[] = "lock";

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int lockfile_take(const char *state_dir, const char *run_dir)
{
	struct buf text = BUF_INIT;
	int dir = open_dir(state_dir);
	int lock = dir >= 0 ? fdio_lock_at(dir, name) : -1;
	int saved = errno;

	fdio_close(&dir);
	if (lock >= 0) {
		buf_addf(&text, "%s\n%s\n", run_dir, clock_boot_id());
		if (ftruncate(lock, 0) < 0 || pwrite(lock, text.data, text.len, 0) < 0)
			log_warn("%s/%s cannot be written: %s", state_dir, name, strerror(errno));
		buf_release(&text);
	}
	errno = saved;
	return lock;
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

void lockfile_look(const char *state_dir, struct lockfile *look)
{
	struct buf text = BUF_INIT;
	int dir = open_dir(state_dir);

	*look = (struct lockfile){.run_dir = BUF_INIT};
	/* Whoever ends in order empties it before he lets go, so what is read after that counts. */
	look->held = dir >= 0 && fdio_is_locked_at(dir, name);
	bool read = dir >= 0 && fdio_read_at(dir, name, TEXT_MAX, &text) == 0 && text.len > 0;
	char *rest = read ? text.data : NULL;
	buf_adds(&look->run_dir, take_line(&rest));
	const char *boot = take_line(&rest);
	look->unfinished = !look->held && boot[0] != '\0' && strcmp(boot, clock_boot_id()) == 0;
	buf_release(&text);
	fdio_close(&dir);
}

void lockfile_release(struct lockfile *look)
{
	buf_release(&look->run_dir);
}
