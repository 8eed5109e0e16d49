/*
 * lockfile: STATE_DIR/lock, the sign that an application is supervised.
 *
 * Guard and supervisor hold it locked. In it stand the run directory, where the socket is (it may
 * be another one for another environment), and the boot in which it was written. Who ends in order
 * empties it; so when nobody holds it and it still tells of this boot, guard and supervisor were
 * both killed, and the next command starts a supervisor that goes on with what they had to do, and
 * where they did it. Who is handed the lock by its guard learns from it where to work.
 *
 * Somebody may remove it while it is held. Whoever holds it makes it anew; and until he has, who
 * wants it finds him all the same, by what he has open.
 */
#ifndef GRACECTL_LOCKFILE_H
#define GRACECTL_LOCKFILE_H

#include <stdbool.h>

#include "buf.h"

struct lockfile {
	bool held;	    /* somebody lives who holds it */
	bool unfinished;    /* nobody does, and whoever did has not ended in order */
	struct buf run_dir; /* "" when nothing is known */
};

/* Locks it; what stands in it stays. Returns the descriptor, which is the lock; or -1 with errno,
 * EAGAIN when somebody else holds it. */
int lockfile_take(const char *state_dir);

/* The run directory that stands in one that we hold. NULL: nobody has written it in this boot, or
 * whoever did has ended in order. To free. */
char *lockfile_run_dir(int lock);

/* Writes it, and the boot. */
void lockfile_write(int lock, const char *run_dir);

/* False when somebody has removed it from that directory, or put another one there. */
bool lockfile_is_there(int lock, int state_dir);

/* Makes it anew, under the same descriptor. Returns 0, or -1 with errno, EAGAIN when somebody else
 * holds it by now. */
int lockfile_renew(int lock, const char *state_dir, const char *run_dir);

/* Empties it: everything is done. The lock ends with the descriptor. */
void lockfile_finish(int lock);

/* Reads it as it is now. What cannot be read is as good as missing. */
void lockfile_look(const char *state_dir, struct lockfile *look);
void lockfile_release(struct lockfile *look);

#endif
