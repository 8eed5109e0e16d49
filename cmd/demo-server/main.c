/*
 * demo-server: a small HTTP server with a database, which shows how a program
 * behaves well under a supervisor: it takes its port from the environment, says
 * when it listens, and on SIGTERM finishes what it has begun before it ends.
 *
 * The parts: options (what to do), store (the database), http (the server),
 * routes (what it answers), shutdown (how it ends), say (its lines). All run on one libev loop;
 * only the database has threads of its own.
 */
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http.h"
#include "options.h"
#include "routes.h"
#include "say.h"
#include "shutdown.h"
#include "store.h"

enum {
	EXIT_USAGE = 2
};

static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	(void)loop;
	(void)revents;
	shutdown_signal(watcher->data, watcher->signum);
}

static void watch_signals(struct shutdown *stop)
{
	static ev_signal term, interrupt;

	ev_signal_init(&term, signal_cb, SIGTERM);
	ev_signal_init(&interrupt, signal_cb, SIGINT);
	term.data = interrupt.data = stop;
	ev_signal_start(stop->loop, &term);
	ev_signal_start(stop->loop, &interrupt);
	signal(SIGPIPE, SIG_IGN);
}

static int fail(int status, const struct cause *cause)
{
	fprintf(stderr, "demo-server: %s\n", cause->text);
	return status;
}

/* Serves until the shutdown has run to its end. Returns the exit status. */
static int serve(const struct options *opts, struct shutdown *stop)
{
	struct app app = {.loop = stop->loop, .store = stop->store, .stop = stop};
	struct cause cause;

	stop->http = http_new(stop->loop, opts->port, routes_handle, &app, &cause);
	if (stop->http == NULL)
		return fail(EXIT_FAILURE, &cause);
	app.port = http_port(stop->http);
	printf("App running on port %d...\n", app.port);
	ev_run(stop->loop, 0);
	http_free(stop->http);
	return stop->exit_status;
}

/*
 * Signals are watched from the beginning, and heard when the loop runs: to open a database can take
 * seconds, and as process 1 of a container the program would not even be ended by one that it does
 * not handle.
 */
static int run(const struct options *opts)
{
	struct shutdown stop = {
		.loop = ev_default_loop(EVFLAG_AUTO),
		.deadline = opts->deadline,
		.lame_duck = opts->lame_duck,
		.header_timeout = opts->header_timeout,
	};
	struct cause cause;

	if (stop.loop == NULL)
		return fail(EXIT_FAILURE, &(struct cause){"cannot start the event loop"});
	say_init(stop.loop);
	shutdown_init(&stop);
	watch_signals(&stop);
	stop.store = store_open(stop.loop, opts->database, &cause);
	if (stop.store == NULL)
		return fail(EXIT_FAILURE, &cause);
	int status = serve(opts, &stop);
	if (stop.store->hangs) {
		say_end();
		_exit(status);
	}
	stop.store->free(stop.store);
	ev_loop_destroy(stop.loop);
	return status;
}

int main(int argc, char **argv)
{
	struct options opts;
	struct cause cause;

	enum options_result parsed = options_parse(argc, argv, &opts, &cause);
	int status = parsed == OPTIONS_RUN   ? run(&opts)
		     : parsed == OPTIONS_BAD ? fail(EXIT_USAGE, &cause)
					     : EXIT_SUCCESS;
	options_release(&opts);
	say_end();
	return status;
}
