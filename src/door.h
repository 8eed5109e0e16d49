/*
 * door: the socket at which clients knock, RUN_DIR/control.sock.
 *
 * Some systems clean /tmp, where the run directory may be, and a supervisor without its socket
 * could not even be told to stop. So it sees when that is removed, and makes it, and the directory,
 * anew. Where the kernel does not tell of the removal, because it has no room for one more watch,
 * it looks every few seconds.
 */
#ifndef GRACECTL_DOOR_H
#define GRACECTL_DOOR_H

#include <ev.h>
#include <sys/stat.h>

#include "app.h"

struct door {
	struct app *app;
	char *path; /* owned */
	int fd;	    /* listens */
	struct stat made;
	bool is_ousted;	 /* another supervisor listens there; that was said */
	int watch;	 /* inotify, -1: none */
	bool is_watched; /* the kernel tells when it is removed; otherwise it is looked for */
	ev_io touched;
	ev_timer look;
	void (*renewed)(void *arg); /* fd is another one, and the old one is about to be closed */
	void *arg;
};

/* Listens, in the place of whoever did before. Returns 0, or -1 with a sentence; then there is
 * nothing to close. */
int door_open(struct door *door, struct app *app, void (*renewed)(void *arg), void *arg,
	struct cause *cause);

/* Stops listening, and removes the socket. */
void door_close(struct door *door);

#endif
