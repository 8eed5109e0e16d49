/*
 * store-mongo: users in the collection "users" of a MongoDB server.
 *
 * libmongoc has only calls that block, so a few threads make them; each takes a
 * client from the driver's pool for the time of one call. The driver's own threads
 * watch the server and connect again for ever, once in a second (see news.h).
 *
 * A server answers those who look after it before anybody has logged in. So where the URI has a
 * user, a server counts as connected only when a login has succeeded.
 *
 * Every wait has a bound, in the URI or here: the time that a call waits for its
 * turn (waitQueueTimeoutMS), for a server (serverSelectionTimeoutMS), for a
 * connection (connectTimeoutMS) and for an answer (socketTimeoutMS).
 *
 * Opening the pool, logging in and destroying the pool have one more thread, so that no call has to
 * wait in a queue behind them. When the last call is answered the other threads are joined, then
 * the pool is destroyed; that may mean a message to a server that does not answer any
 * more, so the loop waits for it with a bound, too. When no server is known at that time, as
 * while its name is still looked up, there is nobody to take leave of: then a moment must do.
 */
#include "store.h"

#include <mongoc/mongoc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "calls.h"
#include "clock.h"
#include "mongo-uri.h"
#include "mongo-users.h"
#include "news.h"
#include "worker.h"
#include "xmalloc.h"

enum {
	THREADS = 4,	       /* calls at the same time, if the pool allows */
	CLOSE_SPARE_MS = 1000, /* what closing may take beside the waits of the URI */
	CLOSE_ALONE_MS = 200   /* what it may take without a server */
};

static const nsec_t retry_interval = NSEC_PER_SEC;
static const char collection_name[] = "users";

/* A job of the store itself. */
struct step {
	struct worker_job job; /* first: the two pointers are the same */
	struct mongo_store *store;
};

struct mongo_store {
	struct store store; /* first: the two pointers are the same */
	struct ev_loop *loop;
	mongoc_uri_t *uri;
	struct calls calls;
	struct worker *worker; /* makes them */
	struct worker *keeper; /* opens the pool, logs in, destroys the pool */
	struct news news;
	struct step opening;

	pthread_mutex_t lock;	    /* guards the next ones */
	pthread_cond_t changed;	    /* one of the first two has */
	mongoc_client_pool_t *pool; /* NULL until the driver has taken the URI */
	bool closing;		    /* no more attempts to open it, or to log in */
	bool has_server;	    /* that takes writes, as the driver has seen last */
	bool logging_in;
	struct step login;

	bool opened; /* the loop's, as the next ones: the opening is over */
	struct step destroying;
	bool alone; /* there was no server when the close began */
	ev_timer close_bound;
	store_closed_fn *closed_fn; /* NULL before the close, and again when it was called */
	void *closed_arg;
};

/* What the driver has seen, on its threads. */

/* The login tells that it is reachable; that it is not needs none. */
static void server_changed(struct mongo_store *store, bool has_server)
{
	bool needs_login = has_server && mongoc_uri_get_username(store->uri) != NULL;

	pthread_mutex_lock(&store->lock);
	bool begins_login = needs_login && !store->logging_in && !store->closing;
	store->has_server = has_server;
	store->logging_in |= begins_login;
	if (!needs_login)
		news_set_reachable(&store->news, has_server);
	pthread_mutex_unlock(&store->lock);
	if (begins_login)
		worker_submit(store->keeper, &store->login.job);
}

static void topology_changed_cb(const mongoc_apm_topology_changed_t *event)
{
	server_changed(mongoc_apm_topology_changed_get_context(event),
		mongoc_topology_description_has_writable_server(
			mongoc_apm_topology_changed_get_new_description(event)));
}

static void heartbeat_failed_cb(const mongoc_apm_server_heartbeat_failed_t *event)
{
	struct mongo_store *store = mongoc_apm_server_heartbeat_failed_get_context(event);
	bson_error_t error;

	mongoc_apm_server_heartbeat_failed_get_error(event, &error);
	news_set_failure(&store->news, error.message);
}

/* Its warnings are about what its calls and the callbacks above tell as well. */
static void log_cb(mongoc_log_level_t level, const char *domain, const char *message, void *arg)
{
	(void)arg;
	if (level <= MONGOC_LOG_LEVEL_CRITICAL)
		fprintf(stderr, "demo-server: libmongoc: %s: %s\n", domain, message);
}

static void watch_server(struct mongo_store *store, mongoc_client_pool_t *pool)
{
	mongoc_apm_callbacks_t *callbacks = mongoc_apm_callbacks_new();

	mongoc_apm_set_topology_changed_cb(callbacks, topology_changed_cb);
	mongoc_apm_set_server_heartbeat_failed_cb(callbacks, heartbeat_failed_cb);
	mongoc_client_pool_set_apm_callbacks(pool, callbacks, store);
	mongoc_apm_callbacks_destroy(callbacks);
}

/* Opening. */

/* Waits with the lock held until something has changed, or a point in time. */
static void wait_for_change(struct mongo_store *store, nsec_t until)
{
	struct timespec at = {.tv_sec = until / NSEC_PER_SEC, .tv_nsec = until % NSEC_PER_SEC};

	pthread_cond_clockwait(&store->changed, &store->lock, CLOCK_MONOTONIC, &at);
}

/* A mongodb+srv:// URI is looked up here, which may take its time and may fail. */
static mongoc_client_pool_t *pool_new(struct mongo_store *store)
{
	bson_error_t error;
	mongoc_client_pool_t *pool = mongoc_client_pool_new_with_error(store->uri, &error);

	if (pool == NULL) {
		news_set_failure(&store->news, error.message);
		return NULL;
	}
	mongoc_client_pool_set_error_api(pool, MONGOC_ERROR_API_VERSION_2);
	watch_server(store, pool);
	/* The first client starts the threads that watch; they inherit the mask of this one. */
	mongoc_client_pool_push(pool, mongoc_client_pool_pop(pool));
	return pool;
}

/* Returns false when it is time to close. */
static bool wait_for_retry(struct mongo_store *store)
{
	nsec_t until = clock_mono() + retry_interval;

	pthread_mutex_lock(&store->lock);
	while (!store->closing && clock_mono() < until)
		wait_for_change(store, until);
	bool go_on = !store->closing;
	pthread_mutex_unlock(&store->lock);
	return go_on;
}

static void run_opening(struct worker_job *job)
{
	struct mongo_store *store = ((struct step *)job)->store;
	mongoc_client_pool_t *pool;

	do
		pool = pool_new(store);
	while (pool == NULL && wait_for_retry(store));
	pthread_mutex_lock(&store->lock);
	store->pool = pool;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->lock);
}

/* Logging in, which the driver does before the first command of a connection. */

static bool log_in(struct mongo_store *store)
{
	mongoc_client_t *client = mongoc_client_pool_pop(store->pool);
	bson_t *ping = BCON_NEW("ping", BCON_INT32(1));
	bson_error_t error;
	bool done =
		client != NULL && mongoc_client_command_simple(client,
					  mongo_uri_database(store->uri), ping, NULL, NULL, &error);

	if (client != NULL && !done)
		news_set_failure(&store->news, error.message);
	if (client != NULL)
		mongoc_client_pool_push(store->pool, client);
	bson_destroy(ping);
	return done;
}

/* Behind the opening, so that there is a pool. */
static void run_login(struct worker_job *job)
{
	struct mongo_store *store = ((struct step *)job)->store;

	while (!log_in(store) && wait_for_retry(store))
		;
}

/* Also at the end of a vain one; but then it is time to close. */
static void login_done(struct worker_job *job)
{
	struct mongo_store *store = ((struct step *)job)->store;

	pthread_mutex_lock(&store->lock);
	store->logging_in = false;
	if (!store->closing)
		news_set_reachable(&store->news, store->has_server);
	pthread_mutex_unlock(&store->lock);
}

/* The calls, on their threads. */

static mongoc_client_pool_t *wait_for_pool(struct mongo_store *store, nsec_t until)
{
	pthread_mutex_lock(&store->lock);
	while (store->pool == NULL && !store->closing && clock_mono() < until)
		wait_for_change(store, until);
	mongoc_client_pool_t *pool = store->pool;
	pthread_mutex_unlock(&store->lock);
	return pool;
}

static void with_users(
	struct call *call, void (*make)(mongoc_collection_t *users, struct store_answer *answer))
{
	struct mongo_store *store = (struct mongo_store *)call->calls->store;
	mongoc_client_pool_t *pool = wait_for_pool(store, call->until);
	/* The pool has a client for each thread, so that taking one is no wait. */
	mongoc_client_t *client = pool != NULL ? mongoc_client_pool_pop(pool) : NULL;

	if (client == NULL)
		return;
	mongoc_collection_t *users = mongoc_client_get_collection(
		client, mongo_uri_database(store->uri), collection_name);
	make(users, &call->answer);
	mongoc_collection_destroy(users);
	mongoc_client_pool_push(pool, client);
}

static void operate_add(struct call *call)
{
	with_users(call, mongo_users_add);
}

static void operate_find(struct call *call)
{
	with_users(call, mongo_users_find);
}

/* Closing, on the loop's thread but for the destruction itself. */

static void end_close(struct mongo_store *store, const char *failure)
{
	store_closed_fn *closed = store->closed_fn;

	ev_timer_stop(store->loop, &store->close_bound);
	store->closed_fn = NULL;
	if (closed != NULL)
		closed(store->closed_arg, failure);
}

static void close_bound_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct mongo_store *store = watcher->data;
	struct cause cause;
	(void)loop;
	(void)revents;

	cause_set(&cause, "the connection to MongoDB has not closed within %g s", watcher->repeat);
	store->store.hangs = true;
	end_close(store, store->alone ? NULL : cause.text);
}

static void pool_destroy(struct mongo_store *store)
{
	if (store->pool != NULL)
		mongoc_client_pool_destroy(store->pool);
	store->pool = NULL;
}

static void run_destroying(struct worker_job *job)
{
	pool_destroy(((struct step *)job)->store);
}

static void destroying_done(struct worker_job *job)
{
	struct mongo_store *store = ((struct step *)job)->store;

	worker_free(store->keeper);
	store->keeper = NULL;
	end_close(store, NULL);
}

/* When every call is answered the threads have nothing to do, and nobody has a client. */
static void destroy_pool_if_idle(struct mongo_store *store)
{
	if (store->closed_fn == NULL || !store->opened || store->calls.pending > 0)
		return;
	worker_free(store->worker);
	store->worker = NULL;
	store->destroying = (struct step){{.run = run_destroying, .done = destroying_done}, store};
	worker_submit(store->keeper, &store->destroying.job);
}

static void set_closing(struct mongo_store *store)
{
	pthread_mutex_lock(&store->lock);
	store->closing = true;
	pthread_cond_broadcast(&store->changed);
	pthread_mutex_unlock(&store->lock);
}

/* With a server: all that the destruction of the pool may wait for, one after the other. */
static double close_seconds(const struct mongo_store *store)
{
	double ms = CLOSE_SPARE_MS;

	if (store->alone)
		return CLOSE_ALONE_MS / 1000.0;
	ms += mongo_uri_number(store->uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS);
	ms += mongo_uri_number(store->uri, MONGOC_URI_CONNECTTIMEOUTMS);
	ms += mongo_uri_number(store->uri, MONGOC_URI_SOCKETTIMEOUTMS);
	return ms / 1000;
}

static void mongo_close(struct store *base, store_closed_fn *closed, void *arg)
{
	struct mongo_store *store = (struct mongo_store *)base;

	store->closed_fn = closed;
	store->closed_arg = arg;
	store->alone = !news_is_reachable(&store->news, &(struct cause){0});
	store->close_bound.repeat = close_seconds(store);
	news_end(&store->news);
	set_closing(store);
	ev_now_update(store->loop);
	ev_timer_again(store->loop, &store->close_bound);
	destroy_pool_if_idle(store);
}

static void all_answered(struct store *base)
{
	destroy_pool_if_idle((struct mongo_store *)base);
}

static void opening_done(struct worker_job *job)
{
	struct mongo_store *store = ((struct step *)job)->store;

	store->opened = true;
	store->store.hangs = false;
	destroy_pool_if_idle(store);
}

/* The calls, on the loop's thread. */

static void mongo_add_user(
	struct store *base, const struct user *user, store_answer_fn *answer, void *arg)
{
	calls_submit(&((struct mongo_store *)base)->calls, operate_add, user, answer, arg);
}

static void mongo_find_user(
	struct store *base, const struct user *user, store_answer_fn *answer, void *arg)
{
	calls_submit(&((struct mongo_store *)base)->calls, operate_find, user, answer, arg);
}

/* What waits for the opening of the pool has not begun either. */
static void mongo_cut(struct store *base)
{
	struct mongo_store *store = (struct mongo_store *)base;

	calls_cut(&store->calls);
	set_closing(store);
}

static bool mongo_is_reachable(const struct store *store, struct cause *why_not)
{
	return news_is_reachable(&((const struct mongo_store *)store)->news, why_not);
}

/* The store. */

static void mongo_free(struct store *base)
{
	struct mongo_store *store = (struct mongo_store *)base;

	set_closing(store);
	calls_release(&store->calls);
	if (store->worker != NULL)
		worker_free(store->worker);
	if (store->keeper != NULL)
		worker_free(store->keeper);
	pool_destroy(store);
	if (store->uri != NULL)
		mongoc_uri_destroy(store->uri);
	news_release(&store->news);
	pthread_cond_destroy(&store->changed);
	pthread_mutex_destroy(&store->lock);
	free(store);
	mongoc_cleanup();
}

static const struct store mongo_functions = {
	.farewell = "MongoDb connection closed.",
	.add_user = mongo_add_user,
	.find_user = mongo_find_user,
	.is_reachable = mongo_is_reachable,
	.cut = mongo_cut,
	.close = mongo_close,
	.free = mongo_free,
};

static struct mongo_store *mongo_new(struct ev_loop *loop)
{
	struct mongo_store *store = xcalloc(1, sizeof *store);

	store->store = mongo_functions;
	store->loop = loop;
	pthread_mutex_init(&store->lock, NULL);
	pthread_cond_init(&store->changed, NULL);
	news_init(&store->news, loop);
	store->calls = (struct calls){
		.loop = loop,
		.store = &store->store,
		.all_answered = all_answered,
	};
	calls_init(&store->calls);
	return store;
}

static int start_opening(struct mongo_store *store, struct cause *cause)
{
	int32_t clients = mongo_uri_number(store->uri, MONGOC_URI_MAXPOOLSIZE);

	store->worker =
		worker_new(store->loop, clients < THREADS ? (unsigned)clients : THREADS, cause);
	store->keeper = store->worker != NULL ? worker_new(store->loop, 1, cause) : NULL;
	if (store->keeper == NULL)
		return -1;
	store->calls.worker = store->worker;
	store->calls.patience =
		mongo_uri_number(store->uri, MONGOC_URI_WAITQUEUETIMEOUTMS) * NSEC_PER_MSEC;
	ev_init(&store->close_bound, close_bound_cb);
	store->close_bound.data = store;
	store->login = (struct step){{.run = run_login, .done = login_done}, store};
	store->opening = (struct step){{.run = run_opening, .done = opening_done}, store};
	store->store.hangs = true; /* perhaps: a name may have to be looked up */
	worker_submit(store->keeper, &store->opening.job);
	return 0;
}

struct store *store_mongo_open(struct ev_loop *loop, const char *uri, struct cause *cause)
{
	mongoc_log_set_handler(log_cb, NULL);
	mongoc_init();

	struct mongo_store *store = mongo_new(loop);
	store->uri = mongo_uri_new(uri, cause);
	mongoc_log_set_handler(log_cb, NULL);
	if (store->uri == NULL || start_opening(store, cause) < 0) {
		mongo_free(&store->store);
		return NULL;
	}
	return &store->store;
}
