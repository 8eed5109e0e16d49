/*
 * formation: all dynos of the application, their instances, and the rules that concern more than
 * one of them.
 *
 * It turns a reaped pid into an event of its instance, and gives the daily restart its order (one
 * dyno of a type at a time). It knows nothing of clients.
 */
#ifndef GRACECTL_FORMATION_H
#define GRACECTL_FORMATION_H

#include <ev.h>
#include <stdbool.h>

#include "app.h"
#include "dyno.h"
#include "runner.h"
#include "saving.h"
#include "slices.h"
#include "strays.h"
#include "timers.h"

struct formation;

/* A dyno and what it needs from the world. */
struct place {
	struct dyno dyno;
	struct formation *formation;
	struct runner_list runners; /* all its instances */
	struct timer timers[DYNO_TIMERS];
	bool cycle_waiting;  /* its time is up, but another of its type is being restarted */
	bool is_due;	     /* something is wanted of it and not yet done, see slices.h */
	enum dyno_event due; /* that */
	TAILQ_ENTRY(place) due_link;
	bool unsaved;	/* it has changed since its record was tried to be written */
	bool unsavable; /* its record could not be written */
	bool this_boot; /* adopted: its record is of this boot */
};

/* What concerns all dynos of a type. */
struct place_type {
	struct formation *formation;
	const struct process_config *config;
	struct place *first; /* config->scale places in a row */
	struct place *turn;  /* the one that is being cycled, or NULL */
	ev_periodic restart_at;
	time_t next_restart; /* wall seconds, 0: not scheduled */
};

struct formation {
	struct app *app;
	struct place *places;
	size_t count;
	struct place_type *types;
	size_t type_count;
	struct runner_list gone; /* to be freed in this turn */
	const struct place
		*ended;	       /* of the last of those that have gone in this turn; NULL: none */
	uint64_t ended_launch; /* and its number */
	struct strays strays;
	struct saving saving;
	struct slices slices;
	ev_prepare end_of_turn;
	/* Told after each change of a dyno; may be NULL. */
	void (*changed)(void *arg, struct place *place);
	void *changed_arg;
};

/* Makes the dynos of the configuration, and adopts what a supervisor before us has left of them. */
void formation_open(struct formation *formation, struct app *app);

/* Lets go of everything without stopping it. Call it when no instance is left, or when the
 * supervisor must leave them alone. */
void formation_close(struct formation *formation);

/* Whose main process has that pid and is a child of ours, not reaped yet; or NULL. Good until the
 * end of the turn. */
struct runner *formation_find_main(const struct formation *formation, pid_t pid);

/* The guard has reaped a process; it may be nobody's main process. After a batch of ends, call
 * slices_settle(). */
void formation_guard_reaped(struct formation *formation, struct proc_id id, struct proc_exit exit);

/* The descriptors of all outputs and notify sockets, to be kept open over an exec; returns how many
 * were written to out. */
unsigned formation_held(const struct formation *formation, int *out, unsigned max);

/* Frees the runners that are gone. Not from within their own callbacks. */
void formation_bury(struct formation *formation);

/* The dyno of that name ("web.1"), or NULL. */
struct place *formation_find(struct formation *formation, const char *name);

/* What somebody wants of a dyno; it is done in one of the next turns. A stop takes back a start or
 * a restart that was not yet done; a launch that two have asked for is done once. A stop that was
 * not yet done is done at once when something else is wanted. */
void place_want(struct place *place, enum dyno_event wish);

/* Whether it is to be up, when what is wanted of it is done. */
bool place_is_wanted(const struct place *place);

/* Whether it is down, or on its way there already. */
bool place_is_being_stopped(const struct place *place);

/* Tells who listens to changes of the formation. */
void place_notify(struct place *place);

/* True when the place is of that type or has that name. */
bool place_matches(const struct place *place, const char *target);

/* True when a place matches, or a type has that name, which may have no place (scale = 0). */
bool formation_knows(const struct formation *formation, const char *target);

/* How many instances exist. */
size_t formation_instances(const struct formation *formation);

#endif
