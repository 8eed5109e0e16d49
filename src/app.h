/*
 * app: what all dynos of one application share: the loop, the directories, the journal, the view of
 * processes and sockets.
 *
 * Layout of the two directories:
 *
 *     STATE_DIR  lock                  one supervisor at a time; names the run directory
 *                DYNO.state            what must survive the supervisor, a JSON document a dyno
 *                journal.N.jsonl       see journal.h
 *                log/                  see segment.h
 *                supervisor.log        what the supervisor says of itself in the background
 *     RUN_DIR    control.sock          how to speak to the supervisor
 *                DYNO.LAUNCH.out       FIFO: the output of an instance on its way
 *                DYNO.LAUNCH.id        pid and start of an instance, locked while any of it lives
 *                DYNO.LAUNCH.notify    socket for sd_notify(3), where readiness is told that way
 *                exits, exits.old, ending, config.ini
 *                                      for the next supervisor, should this one die
 */
#ifndef GRACECTL_APP_H
#define GRACECTL_APP_H

#include <ev.h>
#include <sys/queue.h>

#include "cause.h"
#include "config.h"
#include "event.h"
#include "guardqueue.h"
#include "holders.h"
#include "journal.h"
#include "netcounts.h"
#include "netsock.h"
#include "netwatch.h"
#include "newsfeed.h"
#include "proctree.h"
#include "told.h"

struct observer;
struct crowd;

struct app {
	struct ev_loop *loop;
	const struct config *config;
	struct strlist env; /* the environment that instances begin with */
	int run_dir;	    /* open directories */
	int state_dir;
	int log_dir;
	int lock; /* of the application, see lockfile.h; -1: none. Not ours */
	struct journal *journal;
	struct told told; /* by a supervisor before us, and not to be told again */
	/* Hears every event after the journal has it, or could not take it: why_lost, else NULL.
	 * May be NULL. */
	void (*listener)(void *arg, const struct event *event, const struct cause *why_lost);
	void *listener_arg;
	struct proctree tree;	/* see app_tree() */
	struct holders holders; /* of the strays in it */
	nsec_t turn_began;	/* monotonic: when this turn of the loop began */
	nsec_t turn_waited;	/* how long it was waited in it, for news of closes */
	nsec_t stale_before;	/* monotonic: a snapshot older than that proves nothing */
	/* Claims the main processes in a new snapshot; set by the formation. */
	void (*claim)(void *arg, struct proctree *tree);
	void *claim_arg;
	struct netwatch net;		  /* see app_listening() */
	struct netsock_table sockets;	  /* the newest dump, see app_sockets() */
	struct crowd *crowd;		  /* who was in one of them; NULL */
	struct netcounts counts;	  /* as they were then, or before */
	struct newsfeed news;		  /* open while somebody observes */
	TAILQ_HEAD(, observer) observers; /* who observes */
	struct guardqueue guard;
	pid_t guard_pid;      /* 0: there is none */
	pid_t reapers[4];     /* who inherits the orphans of our instances, ends with 0 */
	uint64_t events_lost; /* since the journal could be written last; told when it can be again
			       */
	bool is_blind;	      /* the last snapshot of the processes was not whole */
	bool state_is_new;    /* the state directory was made anew: all records are missing */
	bool is_ousted;	      /* another supervisor has the application: nothing is told any more */
	ev_check turn;
};

/* Opens the directories and the journal. Returns 0, or -1 with a sentence. */
int app_open(
	struct app *app, struct ev_loop *loop, const struct config *config, struct cause *cause);
void app_close(struct app *app);

/* Writes an event to the journal and tells the listener, unless a dead supervisor has done so. Does
 * not release it. */
void app_publish(struct app *app, struct event *event);

/* False when the lock of the application was removed, and is another supervisor's by now. */
bool app_is_ours(const struct app *app);

/*
 * Makes the lock, the state directory and the log directory anew when somebody has removed them
 * under us, unless the application is another supervisor's by now; the guard is given the lock too.
 * True when a directory was made.
 */
bool app_renew_dirs(struct app *app);

/* The same for the run directory; the guard is given the new one too. 1: it was made; 0: it was
 * there; -1: it cannot be made, cause says why. */
int app_renew_run_dir(struct app *app, struct cause *cause);

/* Writes a file into the run directory, for the next supervisor; tells when it cannot. */
void app_keep(struct app *app, const char *name, const char *text, size_t size);

/* As app_publish(), a line about the application as a whole or about a dyno (dyno may be NULL). */
void app_note(struct app *app, const char *dyno, uint64_t launch, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A snapshot of the processes, at most one turn old and younger than the last reaped child. All who
 * ask in a turn share one. */
struct proctree *app_tree(struct app *app);

/* To be called after children were reaped: what was seen before is not true any more. */
void app_tree_expire(struct app *app);

/*
 * The TCP sockets of this network namespace, at most one turn old, without those that were told
 * closed since. All who ask in a turn share one table; app_has_sockets() says whether there is one
 * already. NULL, with errno, when the kernel does not tell.
 */
const struct netsock_table *app_sockets(struct app *app);
bool app_has_sockets(const struct app *app);

/* Those that listen, at most one turn old. NULL as above. */
const struct netsock_table *app_listening(struct app *app);

/* An adopted instance has this parent: whoever it is, it inherits orphans too. */
void app_add_reaper(struct app *app, pid_t pid);

#endif
