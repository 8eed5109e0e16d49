/* door: see the header. */
#include "door.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fdio.h"
#include "log.h"
#include "xmalloc.h"

enum {
	BACKLOG = 1024
};

/* Whoever removes the socket may be about to remove the directory; what the kernel does not tell is
 * looked for; and what cannot be made anew now can be later. */
static const double calm = 1., slow = 3., retry = 10.;

static int listen_at(const char *path, struct cause *cause)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof address.sun_path)
		return cause_set(
			cause, "the path %s is too long for a socket; set a shorter run_dir", path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return cause_errno(cause, "no socket for %s", path);
	unlink(path);
	mode_t before = umask(0177);
	int result = bind(fd, (struct sockaddr *)&address, sizeof address);
	umask(before);
	if (result < 0 || listen(fd, BACKLOG) < 0) {
		cause_errno(cause, "cannot listen on %s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_there(const struct door *door)
{
	struct stat st;

	return lstat(door->path, &st) == 0 && st.st_dev == door->made.st_dev &&
	       st.st_ino == door->made.st_ino;
}

static void look_in(struct door *door, double seconds)
{
	if (ev_is_active(&door->look))
		return;
	ev_timer_set(&door->look, seconds, 0.);
	ev_timer_start(door->app->loop, &door->look);
}

/* The kernel has room for so many watches only; later there may be some. */
static void open_watch(struct door *door)
{
	door->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (door->watch < 0)
		return;
	ev_io_set(&door->touched, door->watch, EV_READ);
	ev_io_start(door->app->loop, &door->touched);
}

/* The kernel tells when a name of it is removed. */
static bool add_watch(const struct door *door, const char *path)
{
	return inotify_add_watch(door->watch, path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF) >= 0;
}

/* What is watched already stays so. */
static void watch_both(struct door *door)
{
	if (door->watch < 0)
		open_watch(door);
	if (door->watch < 0 || !add_watch(door, door->path) || !add_watch(door, door->lock))
		look_in(door, slow);
}

/* What cannot be looked at now is not there at the first look. */
static void note_made(struct door *door)
{
	if (lstat(door->path, &door->made) < 0)
		door->made = (struct stat){0};
}

/* Said once until it changes: it may last. */
static void complain(struct door *door, const struct cause *cause)
{
	if (strcmp(cause->text, door->trouble.text) != 0)
		log_warn("%s had been removed: %s", door->path, cause->text);
	door->trouble = *cause;
}

static int renew(struct door *door)
{
	struct cause cause;
	int directory = app_renew_run_dir(door->app, &cause);
	int old = door->fd, fresh = directory < 0 ? -1 : listen_at(door->path, &cause);

	if (fresh < 0) {
		complain(door, &cause);
		return -1;
	}
	door->trouble = (struct cause){0};
	/* It tells since when this supervisor listens, see changed.c. */
	const struct timespec times[] = {door->made.st_mtim, door->made.st_mtim};
	utimensat(AT_FDCWD, door->path, times, AT_SYMLINK_NOFOLLOW);
	door->fd = fresh;
	door->ops->renewed(door->arg);
	close(old);
	if (directory == 0)
		app_note(door->app, NULL, 0, "The socket %s had been removed; it was made anew",
			door->path);
	note_made(door);
	return 0;
}

/* A supervisor of another application may have the same run_dir: two that put each other out would
 * go on for ever. */
static void leave_to_stranger(struct door *door)
{
	if (!door->is_strange)
		app_note(door->app, NULL, 0,
			"Another supervisor listens at %s now; give each application its own "
			"run_dir",
			door->path);
	door->is_strange = true;
	look_in(door, retry);
}

/* Makes anew what was removed, unless another supervisor has done so before. */
static void look_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct door *door = watcher->data;

	(void)loop;
	(void)revents;
	app_renew_dirs(door->app);
	bool ours = app_is_ours(door->app), there = is_there(door);
	if (!there && fdio_is_listening(door->path)) {
		if (ours)
			leave_to_stranger(door);
		else
			door->ops->ousted(door->arg);
		return;
	}
	door->is_strange = false;
	if (!ours || (!there && renew(door) < 0))
		look_in(door, retry);
	else
		watch_both(door);
}

static void touched_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct door *door = watcher->data;
	char events[4096];

	(void)loop;
	(void)revents;
	while (read(door->watch, events, sizeof events) > 0)
		;
	look_in(door, calm);
}

int door_open(struct door *door, struct app *app, const struct door_ops *ops, void *arg,
	struct cause *cause)
{
	*door = (struct door){.app = app, .watch = -1, .ops = ops, .arg = arg};
	door->path = xasprintf("%s/control.sock", app->config->run_dir);
	door->lock = xasprintf("%s/lock", app->config->state_dir);
	door->fd = listen_at(door->path, cause);
	if (door->fd < 0) {
		free(door->path);
		free(door->lock);
		return -1;
	}
	ev_init(&door->look, look_cb);
	ev_init(&door->touched, touched_cb);
	door->look.data = door->touched.data = door;
	note_made(door);
	if (!app_is_ours(app)) /* the last supervisor died before it could make the lock anew */
		look_in(door, calm);
	watch_both(door);
	return 0;
}

void door_close(struct door *door)
{
	if (door->watch >= 0)
		ev_io_stop(door->app->loop, &door->touched);
	ev_timer_stop(door->app->loop, &door->look);
	fdio_close(&door->watch);
	if (is_there(door))
		unlink(door->path);
	fdio_close(&door->fd);
	free(door->path);
	free(door->lock);
}
