/*
 * routes: what the demo server answers, as one table of paths and methods.
 */
#ifndef GRACECTL_DEMO_ROUTES_H
#define GRACECTL_DEMO_ROUTES_H

struct ev_loop;
struct http_request;
struct shutdown;
struct store;

enum {
	SLOW_MS_MAX = 60 * 1000,	   /* of GET /slow?ms= */
	SLOW_BYTES_MAX = 64 * 1024 * 1024, /* of GET /slow?bytes= */
};

/* What the handlers work with; it outlives every request. */
struct app {
	struct ev_loop *loop;
	struct store *store;
	struct shutdown *stop;
	int port;
};

/* An http_handler_fn whose app is a struct app. */
void routes_handle(void *app, struct http_request *request);

#endif
