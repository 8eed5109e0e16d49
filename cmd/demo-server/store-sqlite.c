/*
 * store-sqlite: users in a SQLite file.
 *
 * A commit waits for the disk, and a locked database waits for somebody else, so
 * every statement runs on a worker's thread. The connection is opened on the
 * loop's thread at the start and then used by the worker alone.
 *
 * A call has one bound for both of its waits, that for its turn and that for the lock.
 */
#include "store.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "calls.h"
#include "clock.h"
#include "worker.h"
#include "xmalloc.h"

enum {
	LOCK_STEP_US = 5000 /* how often a lock is tried that another process holds */
};

static const nsec_t patience = 3 * NSEC_PER_SEC;

struct sqlite_store {
	struct store store; /* first: the two pointers are the same */
	struct calls calls;
	struct worker *worker;
	sqlite3 *db;
	char *path;

	nsec_t lock_until; /* of the thread that uses db: no longer does it wait for a lock */
	atomic_bool cut;   /* it does not wait for a lock at all */

	pthread_mutex_t lock; /* guards the next one */
	struct cause trouble; /* why the file cannot be used any more; "" while it can */

	struct worker_job closing;
	bool still_open; /* it could not be closed; then the next one says why */
	struct cause cause;
	store_closed_fn *closed_fn;
	void *closed_arg;
};

static const char schema[] = "PRAGMA journal_mode = WAL;"
			     "PRAGMA synchronous = FULL;"
			     "CREATE TABLE IF NOT EXISTS users ("
			     " id INTEGER PRIMARY KEY,"
			     " username TEXT NOT NULL,"
			     " created_ms INTEGER NOT NULL);"
			     "CREATE INDEX IF NOT EXISTS users_by_name ON users (username);";

/* SQLite asks whether to try a lock once more. */
static int lock_cb(void *arg, int tries)
{
	struct sqlite_store *store = arg;
	(void)tries;

	if (store->cut || clock_mono() >= store->lock_until)
		return 0;
	usleep(LOCK_STEP_US);
	return 1;
}

static struct sqlite_store *begin(struct call *call)
{
	struct sqlite_store *store = (struct sqlite_store *)call->calls->store;

	store->lock_until = call->until;
	return store;
}

static void set_trouble(struct sqlite_store *store, const char *why)
{
	pthread_mutex_lock(&store->lock);
	cause_set(&store->trouble, "%s", why);
	pthread_mutex_unlock(&store->lock);
}

/* Another request for the file would not go better. */
static bool is_lasting(int code)
{
	return code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_CORRUPT ||
	       code == SQLITE_NOTADB;
}

/* Without its lock a statement has changed nothing. */
static void fail(struct call *call, const char *what)
{
	struct sqlite_store *store = (struct sqlite_store *)call->calls->store;
	int code = sqlite3_errcode(store->db);
	bool locked = code == SQLITE_BUSY || code == SQLITE_LOCKED;

	call->answer.status = locked ? STORE_UNREACHABLE : STORE_FAILED;
	cause_set(&call->answer.cause, "cannot %s in %s: %s", what, store->path,
		sqlite3_errmsg(store->db));
	if (is_lasting(code))
		set_trouble(store, call->answer.cause.text);
}

static void operate_add(struct call *call)
{
	struct user *user = &call->answer.user;
	struct sqlite_store *store = begin(call);
	sqlite3 *db = store->db;
	sqlite3_stmt *insert = NULL;

	user->created_ms = clock_wall() / NSEC_PER_MSEC;
	call->answer.status = STORE_OK;
	if (sqlite3_prepare_v2(db, "INSERT INTO users (username, created_ms) VALUES (?, ?)", -1,
		    &insert, NULL) != SQLITE_OK ||
		sqlite3_bind_text(insert, 1, user->name, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_int64(insert, 2, user->created_ms) != SQLITE_OK ||
		sqlite3_step(insert) != SQLITE_DONE)
		fail(call, "store the user");
	else {
		user->id = sqlite3_last_insert_rowid(db);
		set_trouble(store, "");
	}
	sqlite3_finalize(insert);
}

static void operate_find(struct call *call)
{
	struct user *user = &call->answer.user;
	sqlite3 *db = begin(call)->db;
	sqlite3_stmt *query = NULL;
	int row = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db,
		    "SELECT id, created_ms FROM users WHERE username = ?"
		    " ORDER BY id DESC LIMIT 1",
		    -1, &query, NULL) == SQLITE_OK &&
		sqlite3_bind_text(query, 1, user->name, -1, SQLITE_STATIC) == SQLITE_OK)
		row = sqlite3_step(query);
	if (row == SQLITE_ROW) {
		user->id = sqlite3_column_int64(query, 0);
		user->created_ms = sqlite3_column_int64(query, 1);
		call->answer.status = STORE_OK;
	} else if (row == SQLITE_DONE) {
		call->answer.status = STORE_NOT_FOUND;
	} else {
		fail(call, "look for the user");
	}
	sqlite3_finalize(query);
}

static void sqlite_add_user(
	struct store *base, const struct user *user, store_answer_fn *answer, void *arg)
{
	calls_submit(&((struct sqlite_store *)base)->calls, operate_add, user, answer, arg);
}

static void sqlite_find_user(
	struct store *base, const struct user *user, store_answer_fn *answer, void *arg)
{
	calls_submit(&((struct sqlite_store *)base)->calls, operate_find, user, answer, arg);
}

/* A file is there or is not; what is known of it is what the statements have found out. */
static bool sqlite_is_reachable(const struct store *base, struct cause *why_not)
{
	struct sqlite_store *store = (struct sqlite_store *)(uintptr_t)base;

	pthread_mutex_lock(&store->lock);
	*why_not = store->trouble;
	pthread_mutex_unlock(&store->lock);
	return why_not->text[0] == '\0';
}

static void sqlite_cut(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	calls_cut(&store->calls);
	store->cut = true; /* behind it, so that the thread does not begin another one */
}

/* Closing. */

static struct sqlite_store *store_of(struct worker_job *closing)
{
	return (struct sqlite_store *)((char *)closing - offsetof(struct sqlite_store, closing));
}

static void run_close(struct worker_job *job)
{
	struct sqlite_store *store = store_of(job);

	store->still_open = sqlite3_close(store->db) != SQLITE_OK;
	if (store->still_open)
		cause_set(&store->cause, "cannot close the database %s: %s", store->path,
			sqlite3_errmsg(store->db));
	else
		store->db = NULL;
}

static void close_done(struct worker_job *job)
{
	struct sqlite_store *store = store_of(job);

	store->closed_fn(store->closed_arg, store->still_open ? store->cause.text : NULL);
}

/* Behind all calls: there is one thread. */
static void sqlite_close(struct store *base, store_closed_fn *closed, void *arg)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	store->closed_fn = closed;
	store->closed_arg = arg;
	store->closing = (struct worker_job){.run = run_close, .done = close_done};
	worker_submit(store->worker, &store->closing);
}

static void sqlite_free(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	calls_release(&store->calls);
	if (store->worker != NULL)
		worker_free(store->worker);
	sqlite3_close(store->db);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

static const struct store sqlite_functions = {
	.farewell = "Database connection closed.",
	.add_user = sqlite_add_user,
	.find_user = sqlite_find_user,
	.is_reachable = sqlite_is_reachable,
	.cut = sqlite_cut,
	.close = sqlite_close,
	.free = sqlite_free,
};

static int open_file(struct sqlite_store *store, struct cause *cause)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	store->lock_until = clock_mono() + patience;
	bool opened = sqlite3_open_v2(store->path, &store->db, flags, NULL) == SQLITE_OK;
	if (opened && sqlite3_db_readonly(store->db, "main"))
		return cause_set(
			cause, "cannot open the database %s: it may only be read", store->path);
	if (!opened || sqlite3_busy_handler(store->db, lock_cb, store) != SQLITE_OK ||
		sqlite3_exec(store->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return cause_set(cause, "cannot open the database %s: %s", store->path,
			sqlite3_errmsg(store->db));
	return 0;
}

struct store *store_sqlite_open(struct ev_loop *loop, const char *path, struct cause *cause)
{
	struct sqlite_store *store = xcalloc(1, sizeof *store);

	store->store = sqlite_functions;
	store->path = xstrdup(path);
	pthread_mutex_init(&store->lock, NULL);
	if (open_file(store, cause) == 0)
		store->worker = worker_new(loop, 1, cause);
	store->calls = (struct calls){
		.loop = loop,
		.worker = store->worker,
		.store = &store->store,
		.patience = patience,
	};
	calls_init(&store->calls);
	if (store->worker == NULL) {
		sqlite_free(&store->store);
		return NULL;
	}
	return &store->store;
}
