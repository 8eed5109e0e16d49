/*
 * guard: the supervisor's parent, so small that it has no reason to die.
 *
 * It starts the supervisor, and starts the next one at once when it dies (with a growing pause if
 * it keeps dying). Being the subreaper, it inherits what a dead supervisor leaves behind: it reaps
 * it, notes how it ended, and holds the outputs open until the next supervisor has adopted
 * everything. It passes SIGTERM, SIGINT and SIGHUP on, to the next supervisor if none listens now;
 * and SIGUSR1 and SIGUSR2 to one that lives. It shares the supervisor's lock, so the application
 * stays locked while either of them lives.
 *
 * Where no supervisor can be started (no process, no descriptor) it ends with the reason, if there
 * never was one; else it tries again, and keeps a signal for the one that comes, unless nothing is
 * left that one could adopt: then the signal ends it.
 *
 * When the guard dies, the supervisor becomes the guard itself, by executing this program again in
 * its own place: it is the parent of the instances and stays it; then it starts a supervisor, which
 * adopts. So there is always one, above everything.
 */
#ifndef GRACECTL_GUARD_H
#define GRACECTL_GUARD_H

#include <stdbool.h>

#include "cause.h"

struct guard_order {
	const char *program; /* the installed program, for supervisors to come */
	const char *config_path;
	const char *app; /* -a, or NULL */
	int lock;	 /* held by us, shared with the supervisor */
	int run_dir;	 /* open directory */
	int ready_fd;	 /* for the first supervisor, -1: none */
	bool start;	 /* the first supervisor starts every dyno; the next one too, if it died
			  * before that was done */
	bool again; /* guard: it takes over from a dead one or an older program, and holds what is
		     * open; supervisor: it takes the place of one that died */
	bool adopt; /* the first supervisor takes the place of one that died, with its guard */
	bool debug;
};

/* Runs until the supervisor has ended for good; returns its exit code. Where not even the first one
 * could be started, cause says why; otherwise it is empty. */
int guard_run(const struct guard_order *order, struct cause *cause);

/*
 * Replaces the running program by a guard (see above). keep: descriptors that stay open. The
 * signals that a guard hears wait until it does. Returns only on failure, with errno, and nothing
 * is changed then.
 */
int guard_become(const struct guard_order *order, const int *keep, unsigned count);

#endif
