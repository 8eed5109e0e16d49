/*
 * deathwatch: learns that a process which is not our child has ended, and how.
 *
 * That it has ended a pidfd tells, or, as long as none can be had, a look once a second. How, its
 * parent knows: as long as nobody has reaped it, its stat tells; then the guard's note; then, on
 * Linux 6.15 and later, the pidfd itself. When nobody has told within half a second, the exit is
 * unknown and called so.
 */
#ifndef GRACECTL_DEATHWATCH_H
#define GRACECTL_DEATHWATCH_H

#include "app.h"
#include "proc.h"
#include "timers.h"

struct deathwatch {
	struct app *app; /* NULL: never begun */
	struct proc_id id;
	ev_io death;
	int pidfd;	   /* -1: it is gone, or there is none */
	struct timer look; /* as long as there is no pidfd */
	struct timer lost; /* gone, and nobody has told how */
	void (*ended)(void *owner, struct proc_exit exit);
	void *owner;
};

/* Tells, in a later turn and once, when that process has ended; also when it has already. False in
 * that case. */
bool deathwatch_begin(struct deathwatch *watch, struct app *app, struct proc_id id,
	void (*ended)(void *owner, struct proc_exit exit), void *owner);

/* Ends it, at any time, more than once if need be. */
void deathwatch_stop(struct deathwatch *watch);

#endif
