/* routes: see the header. */
#include "routes.h"

#include <errno.h>
#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "shutdown.h"
#include "store.h"
#include "xmalloc.h"

/* GET / */

static void get_index(struct app *app, struct http_request *request)
{
	http_reply_text(request, 200, "Hello from port %d, pid %d.", app->port, (int)getpid());
}

/* GET /livez: nobody needs to end this process. That holds during a stop, and without a database.
 */

static void get_life(struct app *app, struct http_request *request)
{
	(void)app;
	http_reply_text(request, 200, "alive");
}

/* GET /healthz: the readiness check, which is the first to learn of a stop. */

static void get_health(struct app *app, struct http_request *request)
{
	struct cause why_not;

	if (shutdown_has_begun(app->stop))
		http_reply_text(request, 503, "stopping");
	else if (!app->store->is_reachable(app->store, &why_not))
		http_reply_text(request, 503, "%s", why_not.text);
	else
		http_reply_text(request, 200, "ok");
}

/* 503 says that nothing has happened and that it may be tried again; 500 says neither. */
static void reply_trouble(struct http_request *request, const struct store_answer *answer)
{
	http_reply_text(
		request, answer->status == STORE_UNREACHABLE ? 503 : 500, "%s", answer->cause.text);
}

/* POST /user */

static void user_added(void *arg, const struct store_answer *answer)
{
	struct http_request *request = arg;

	if (answer->status == STORE_OK)
		http_reply(request, &(struct http_answer){.status = 201, .text = "Success!"});
	else
		reply_trouble(request, answer);
}

static void post_user(struct app *app, struct http_request *request)
{
	const char *type = http_header(request, "Content-Type");
	struct user user = {0};
	struct cause cause;

	if (user_from_body(&user, type, http_body(request), &cause) < 0)
		http_reply_text(request, 400, "Bad request: %s.", cause.text);
	else
		app->store->add_user(app->store, &user, user_added, request);
}

/* GET /user?name= */

static void user_found(void *arg, const struct store_answer *answer)
{
	struct http_request *request = arg;

	if (answer->status == STORE_NOT_FOUND) {
		http_reply_text(request, 404, "There is no such user.");
		return;
	}
	if (answer->status != STORE_OK) {
		reply_trouble(request, answer);
		return;
	}
	char *json = user_to_json(&answer->user);
	http_reply(request,
		&(struct http_answer){.status = 200, .type = "application/json", .text = json});
	free(json);
}

static void get_user(struct app *app, struct http_request *request)
{
	size_t len;
	const char *name = http_query(request, "name", &len);
	struct user user = {0};
	struct cause cause;

	if (name == NULL)
		http_reply_text(request, 400, "Bad request: the query has no name=.");
	else if (user_set_name(&user, name, len, &cause) < 0)
		http_reply_text(request, 400, "Bad request: %s.", cause.text);
	else
		app->store->find_user(app->store, &user, user_found, request);
}

/* GET /slow?ms=&bytes=: a request that is in flight on purpose, or an answer of any size. */

struct slow {
	struct ev_loop *loop;
	struct http_request *request;
	ev_timer timer;
	long ms;
	long bytes;
};

static void slow_end(struct slow *slow, const struct http_answer *answer)
{
	ev_timer_stop(slow->loop, &slow->timer);
	http_reply(slow->request, answer);
	free(slow);
}

static void slow_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct slow *slow = watcher->data;
	char *text = xasprintf("That took %ld ms.\n", slow->ms);
	(void)loop;
	(void)revents;

	slow_end(slow,
		&(struct http_answer){.status = 200, .text = text, .padding = (size_t)slow->bytes});
	free(text);
}

static void slow_cancel_cb(void *arg)
{
	slow_end(arg, &(struct http_answer){.status = 503, .text = "Stopped by a shutdown.\n"});
}

/* Reads a number from the query, 0 when it is not there. Returns false when it is out of range. */
static bool query_number(const struct http_request *request, const char *name, long max, long *out)
{
	size_t len;
	const char *text = http_query(request, name, &len);
	char *end;

	*out = 0;
	if (text == NULL)
		return true;
	/* No sign, no space, nothing behind it, and no NUL that would hide the rest. */
	if (len == 0 || strspn(text, "0123456789") != len)
		return false;
	errno = 0;
	*out = strtol(text, &end, 10);
	return errno == 0 && *out <= max;
}

static void get_slow(struct app *app, struct http_request *request)
{
	long ms, bytes;

	if (!query_number(request, "ms", SLOW_MS_MAX, &ms) ||
		!query_number(request, "bytes", SLOW_BYTES_MAX, &bytes)) {
		http_reply_text(request, 400,
			"Bad request: ms= must be a number from 0 to %d, bytes= one from 0 to %d.",
			SLOW_MS_MAX, SLOW_BYTES_MAX);
		return;
	}
	struct slow *slow = xcalloc(1, sizeof *slow);
	*slow = (struct slow){.loop = app->loop, .request = request, .ms = ms, .bytes = bytes};
	ev_timer_init(&slow->timer, slow_cb, (double)ms / 1000, 0);
	slow->timer.data = slow;
	ev_now_update(app->loop);
	ev_timer_start(app->loop, &slow->timer);
	http_on_cancel(request, slow_cancel_cb, slow);
}

/* POST /crash: what a program does that has found itself broken. */

static void post_crash(struct app *app, struct http_request *request)
{
	shutdown_fatal(app->stop, "POST /crash asked for one");
	http_reply_text(request, 500, "A fatal error has happened; the server shuts down.");
}

static const struct route {
	const char *method;
	const char *path;
	void (*handle)(struct app *app, struct http_request *request);
} routes[] = {
	{"GET", "/", get_index},
	{"GET", "/livez", get_life},
	{"GET", "/healthz", get_health},
	{"GET", "/user", get_user},
	{"POST", "/user", post_user},
	{"GET", "/slow", get_slow},
	{"POST", "/crash", post_crash},
};

enum {
	ROUTES = sizeof routes / sizeof *routes
};

/* libmicrohttpd answers HEAD as GET without the body. */
static const char *method_of(const struct http_request *request)
{
	const char *method = http_method(request);

	return strcmp(method, "HEAD") == 0 ? "GET" : method;
}

/* The methods of a path, "GET, HEAD, POST"; empty when the path is unknown. */
static void list_methods(const char *path, struct buf *out)
{
	for (size_t i = 0; i < ROUTES; i++) {
		if (strcmp(routes[i].path, path) != 0)
			continue;
		buf_addf(out, "%s%s", out->len > 0 ? ", " : "", routes[i].method);
		if (strcmp(routes[i].method, "GET") == 0)
			buf_adds(out, ", HEAD");
	}
}

static void refuse(struct http_request *request)
{
	struct buf allow = BUF_INIT;

	list_methods(http_path(request), &allow);
	if (allow.len == 0)
		http_reply_text(request, 404, "There is nothing at this path.");
	else
		http_reply(request, &(struct http_answer){.status = 405,
					    .allow = allow.data,
					    .text = "This path does not take that method.\n"});
	buf_release(&allow);
}

void routes_handle(void *arg, struct http_request *request)
{
	const char *method = method_of(request);
	const char *path = http_path(request);

	for (size_t i = 0; i < ROUTES; i++) {
		if (strcmp(routes[i].path, path) == 0 && strcmp(routes[i].method, method) == 0) {
			routes[i].handle(arg, request);
			return;
		}
	}
	refuse(request);
}
