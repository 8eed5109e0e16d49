/*
 * store-sqlite: users in a SQLite file.
 *
 * A commit waits for the disk, and a locked database waits for somebody else, so
 * every statement runs on a worker's thread. The connection is opened on the
 * loop's thread at the start and then used by the worker alone.
 */
#include "store.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "clock.h"
#include "worker.h"
#include "xmalloc.h"

/* How long a statement waits for another process that has locked the file. */
enum {
	BUSY_TIMEOUT_MS = 5000
};

struct sqlite_store {
	struct store store; /* first: the two pointers are the same */
	struct worker *worker;
	sqlite3 *db;
	char *path;
};

/* One call on its way to the worker and back. */
struct call {
	struct worker_job job; /* first: the two pointers are the same */
	struct sqlite_store *store;
	struct store_answer answer; /* its user is also the question */
	store_answer_fn *answer_fn;
	store_closed_fn *closed_fn;
	void *arg;
};

static const char schema[] = "PRAGMA journal_mode = WAL;"
			     "PRAGMA synchronous = FULL;"
			     "CREATE TABLE IF NOT EXISTS users ("
			     " id INTEGER PRIMARY KEY,"
			     " username TEXT NOT NULL,"
			     " created_ms INTEGER NOT NULL);"
			     "CREATE INDEX IF NOT EXISTS users_by_name ON users (username);";

static void fail(struct call *call, const char *what)
{
	sqlite3 *db = call->store->db;

	call->answer.status = STORE_FAILED;
	cause_set(&call->answer.cause, "cannot %s in %s: %s", what, call->store->path,
		sqlite3_errmsg(db));
}

static void run_add(struct worker_job *job)
{
	struct call *call = (struct call *)job;
	struct user *user = &call->answer.user;
	sqlite3 *db = call->store->db;
	sqlite3_stmt *insert = NULL;

	user->created_ms = clock_wall() / NSEC_PER_MSEC;
	call->answer.status = STORE_OK;
	if (sqlite3_prepare_v2(db, "INSERT INTO users (username, created_ms) VALUES (?, ?)", -1,
		    &insert, NULL) != SQLITE_OK ||
		sqlite3_bind_text(insert, 1, user->name, -1, SQLITE_STATIC) != SQLITE_OK ||
		sqlite3_bind_int64(insert, 2, user->created_ms) != SQLITE_OK ||
		sqlite3_step(insert) != SQLITE_DONE)
		fail(call, "store the user");
	else
		user->id = sqlite3_last_insert_rowid(db);
	sqlite3_finalize(insert);
}

static void run_find(struct worker_job *job)
{
	struct call *call = (struct call *)job;
	struct user *user = &call->answer.user;
	sqlite3 *db = call->store->db;
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

static void run_close(struct worker_job *job)
{
	struct call *call = (struct call *)job;
	struct sqlite_store *store = call->store;

	call->answer.status = STORE_OK;
	if (sqlite3_close(store->db) != SQLITE_OK)
		fail(call, "close the database");
	else
		store->db = NULL;
}

static void answer_done(struct worker_job *job)
{
	struct call *call = (struct call *)job;

	call->answer_fn(call->arg, &call->answer);
	free(call);
}

static void close_done(struct worker_job *job)
{
	struct call *call = (struct call *)job;

	call->closed_fn(
		call->arg, call->answer.status == STORE_FAILED ? call->answer.cause.text : NULL);
	free(call);
}

static struct call *call_new(struct store *store, void (*run)(struct worker_job *),
	void (*done)(struct worker_job *), void *arg)
{
	struct call *call = xcalloc(1, sizeof *call);

	call->job.run = run;
	call->job.done = done;
	call->store = (struct sqlite_store *)store;
	call->arg = arg;
	return call;
}

static void submit(struct call *call)
{
	worker_submit(call->store->worker, &call->job);
}

static void sqlite_add_user(
	struct store *store, const struct user *user, store_answer_fn *answer, void *arg)
{
	struct call *call = call_new(store, run_add, answer_done, arg);

	call->answer.user = *user;
	call->answer_fn = answer;
	submit(call);
}

static void sqlite_find_user(
	struct store *store, const struct user *user, store_answer_fn *answer, void *arg)
{
	struct call *call = call_new(store, run_find, answer_done, arg);

	call->answer.user = *user;
	call->answer_fn = answer;
	submit(call);
}

/* A file is there or is not, and that a statement has to find out. */
static bool sqlite_is_reachable(const struct store *store, struct cause *why_not)
{
	(void)store;
	(void)why_not;
	return true;
}

static void sqlite_close(struct store *store, store_closed_fn *closed, void *arg)
{
	struct call *call = call_new(store, run_close, close_done, arg);

	call->closed_fn = closed;
	submit(call);
}

static void sqlite_free(struct store *base)
{
	struct sqlite_store *store = (struct sqlite_store *)base;

	if (store->worker != NULL)
		worker_free(store->worker);
	sqlite3_close(store->db);
	free(store->path);
	free(store);
}

static const struct store sqlite_functions = {
	.farewell = "Database connection closed.",
	.add_user = sqlite_add_user,
	.find_user = sqlite_find_user,
	.is_reachable = sqlite_is_reachable,
	.close = sqlite_close,
	.free = sqlite_free,
};

static int open_file(struct sqlite_store *store, struct cause *cause)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK ||
		sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS) != SQLITE_OK ||
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
	if (open_file(store, cause) == 0)
		store->worker = worker_new(loop, 1, cause);
	if (store->worker == NULL) {
		sqlite_free(&store->store);
		return NULL;
	}
	return &store->store;
}
