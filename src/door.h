/*
 * door: what clients find the supervisor by: the socket at which they knock, RUN_DIR/control.sock,
 * and the lock of the application.
 *
 * Some systems clean /tmp, where the run directory may be, and a supervisor without its socket
 * could not even be told to stop. So it sees when the one or the other is removed, and makes it,
 * and the directory, anew. Where the kernel does not tell of the removal, because it has no room
 * for one more watch, it looks every few seconds.
 */
#ifndef GRACECTL_DOOR_H
#define GRACECTL_DOOR_H

#include <ev.h>
#include <sys/stat.h>

#include "app.h"

struct door_ops {
	/* fd is another one, and the old one is about to be closed. */
	void (*renewed)(void *arg);
	/* Another supervisor has the lock, and listens; told once. */
	void (*ousted)(void *arg);
};

struct door {
	struct app *app;
	char *path; /* owned */
	char *lock; /* owned */
	int fd;	    /* listens */
	struct stat made;
	struct cause trouble; /* why it could not be made anew, as it was said; "": it could */
	bool is_strange;      /* a supervisor of another application listens there; that was said */
	int watch;	      /* inotify, -1: none */
	ev_io touched;
	ev_timer look;
	const struct door_ops *ops;
	void *arg;
};

/* Listens, in the place of whoever did before. Returns 0, or -1 with a sentence; then there is
 * nothing to close. */
int door_open(struct door *door, struct app *app, const struct door_ops *ops, void *arg,
	struct cause *cause);

/* Stops listening, and removes the socket. */
void door_close(struct door *door);

#endif
