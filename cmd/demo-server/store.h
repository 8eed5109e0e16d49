/*
 * store: where users are kept; one small interface, one file for each database.
 *
 * Every call returns at once. Its callback comes later, on the loop's thread,
 * exactly once; so an implementation is free to use a thread, a socket or nothing
 * at all. The calls are answered in the order in which they were made.
 */
#ifndef GRACECTL_DEMO_STORE_H
#define GRACECTL_DEMO_STORE_H

#include "cause.h"
#include "user.h"

struct ev_loop;

enum store_status {
	STORE_OK,
	STORE_NOT_FOUND, /* no such user */
	STORE_FAILED,	 /* the database could not do it; the cause says why */
};

struct store_answer {
	enum store_status status;
	struct user user;   /* with STORE_OK: as stored or found */
	struct cause cause; /* with STORE_FAILED */
};

/* The answer is only valid during the call. */
typedef void store_answer_fn(void *arg, const struct store_answer *answer);

/* failure is NULL, or the sentence of what went wrong while closing. */
typedef void store_closed_fn(void *arg, const char *failure);

struct store {
	const char *kind; /* "SQLite" */

	/* Stores a new user of that name; the name has been checked. */
	void (*add_user)(
		struct store *store, const struct user *user, store_answer_fn *answer, void *arg);

	/* Finds the newest user of that name. */
	void (*find_user)(
		struct store *store, const struct user *user, store_answer_fn *answer, void *arg);

	/* Closes the database behind all earlier calls. Called once, and no other call after it. */
	void (*close)(struct store *store, store_closed_fn *closed, void *arg);

	/* Frees what is left. Only before any other call, or after closed() was called. */
	void (*free)(struct store *store);
};

/* Opens the file, or creates it. Returns NULL with a sentence when that fails. */
struct store *store_sqlite_open(struct ev_loop *loop, const char *path, struct cause *cause);

#endif
