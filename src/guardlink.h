/*
 * guardlink: what a supervisor and its guard tell each other, over a socket pair that the guard
 * makes for each supervisor.
 *
 * - HOLD (to the guard, with a descriptor): keep this FIFO or socket open, so that nothing of what
 *   is in it is lost when the supervisor dies.
 * - DROP (to the guard): it is not needed any more.
 * - READY (to the guard): the supervisor listens; from now on it is started again when it dies.
 * - STARTED (to the guard): what the first supervisor had to start is launched.
 * - DONE (to the guard): all is stopped and told; however the supervisor ends now, it was the end.
 * - RUN_DIR (to the guard, with a descriptor): the run directory was made anew.
 * - LOCK (to the guard, with a descriptor): so was the lock of the application.
 * - EXIT (from the guard): a process that had fallen to the guard was reaped.
 *
 * A descriptor in a message that was sent is kept open by the kernel even before the guard has read
 * it, so there is no moment in which nobody holds it. The next supervisor opens a FIFO by its name;
 * a socket, or a FIFO whose name was removed, it is handed on, over exec. What the guard reaps it
 * also appends to RUN_DIR/exits, for the supervisor that comes next: "PID START_TICKS
 * WAIT_STATUS\n". A file that has grown large becomes RUN_DIR/exits.old, in the place of the one
 * before.
 */
#ifndef GRACECTL_GUARDLINK_H
#define GRACECTL_GUARDLINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "proc.h"

enum guardlink_kind {
	GUARDLINK_HOLD = 1,
	GUARDLINK_DROP,
	GUARDLINK_READY,
	GUARDLINK_DONE,
	GUARDLINK_EXIT,
	GUARDLINK_RUN_DIR,
	GUARDLINK_LOCK,
	GUARDLINK_STARTED
};

struct guardlink_message {
	uint32_t kind;
	int32_t wait_status; /* EXIT: as of waitpid(2) */
	uint64_t key;	     /* HOLD, DROP: of what is held */
	struct proc_id id;   /* EXIT */
};

/* The exit code of a supervisor that wants its program, and its guard's, to be replaced by what is
 * installed now. */
enum {
	GUARDLINK_UPGRADE = 75
};

/* A pair of connected sockets, close-on-exec. Returns 0, or -1 with errno. */
int guardlink_pair(int ends[2]);

/* Sends a message, with a descriptor unless fd is -1. Never waits. Returns 0, or -1 with errno. */
int guardlink_send(int link, const struct guardlink_message *message, int fd);

/* Takes the next message without waiting; *fd is a descriptor that came with it, or -1. 1: one
 * came; 0: none now; -1: the other end is gone. */
int guardlink_receive(int link, struct guardlink_message *message, int *fd);

/* Under which a FIFO or a socket is held; the inodes of both may be the same. */
uint64_t guardlink_key(const struct stat *st);

/* Both files of exits, below the run directory. */
extern const char guardlink_exits[], guardlink_old_exits[];

/* Appends to the file of exits. Returns 0, or -1 with errno. */
int guardlink_note_exit(int run_dir, struct proc_id id, int wait_status);

/* Looks an exit up in both. Returns false when it is not there. */
bool guardlink_find_exit(int run_dir, struct proc_id id, struct proc_exit *out);

#endif
