/*
 * store: where users are kept; one small interface, one file for each database.
 *
 * Every call returns at once. Its callback comes later, on the loop's thread,
 * exactly once; so an implementation is free to use a thread, a socket or nothing
 * at all. Calls may be answered in another order than that in which they were made.
 */
#ifndef GRACECTL_DEMO_STORE_H
#define GRACECTL_DEMO_STORE_H

#include <stdbool.h>

#include "cause.h"
#include "user.h"

struct ev_loop;

enum store_status {
	STORE_OK,
	STORE_NOT_FOUND,   /* no such user */
	STORE_UNREACHABLE, /* the database could not be asked; nothing was changed */
	STORE_FAILED,	   /* the database could not do it, or has not said whether it did */
};

struct store_answer {
	enum store_status status;
	struct user user;   /* with STORE_OK: as stored or found */
	struct cause cause; /* with STORE_UNREACHABLE and STORE_FAILED */
};

/* The answer is only valid during the call. */
typedef void store_answer_fn(void *arg, const struct store_answer *answer);

/* failure is NULL; or the sentence of what went wrong while closing. */
typedef void store_closed_fn(void *arg, const char *failure);

struct store {
	const char *farewell; /* the line that says that it is closed */

	/*
	 * A thread is in a call that nobody can cancel. Then the store is not to be freed, and only
	 * the end of the process, by _exit(), ends that thread. Changes on the loop only.
	 */
	bool hangs;

	/* Stores a new user of that name; the name has been checked. */
	void (*add_user)(
		struct store *store, const struct user *user, store_answer_fn *answer, void *arg);

	/* Finds the newest user of that name. */
	void (*find_user)(
		struct store *store, const struct user *user, store_answer_fn *answer, void *arg);

	/* What is known at this moment, without asking; why not is a sentence. */
	bool (*is_reachable)(const struct store *store, struct cause *why_not);

	/* A stop is out of time: calls that have not begun are answered with STORE_UNREACHABLE, at
	   once; what has begun waits for nobody else any more. */
	void (*cut)(struct store *store);

	/* Closes the database behind all earlier calls. Called once, and no other call after it. */
	void (*close)(struct store *store, store_closed_fn *closed, void *arg);

	/* Frees what is left. Only before any other call, or after closed(). */
	void (*free)(struct store *store);
};

/*
 * Opens the database: a server by its mongodb:// or mongodb+srv:// URI, anything else is the path
 * of a SQLite file. Returns NULL with a sentence when that fails; a server that cannot be reached
 * is no failure.
 */
struct store *store_open(struct ev_loop *loop, const char *database, struct cause *cause);

/* Opens the file, or creates it. */
struct store *store_sqlite_open(struct ev_loop *loop, const char *path, struct cause *cause);

/* Takes the URI, and connects in the background, for ever if need be. */
struct store *store_mongo_open(struct ev_loop *loop, const char *uri, struct cause *cause);

#endif
