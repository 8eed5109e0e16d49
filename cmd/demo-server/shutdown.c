/* shutdown: see the header. */
#include "shutdown.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http.h"
#include "say.h"
#include "store.h"

/* Ctrl-C held down, or a supervisor that forwards it, sends two SIGINT at once; that is no wish. */
static const nsec_t interrupt_gap = NSEC_PER_SEC;

/* After the cut: the time for closing what was cut, and the database. */
static const double last_seconds = 2.0;

static double seconds(nsec_t time)
{
	return (double)time / NSEC_PER_SEC;
}

static void complain(const char *sentence)
{
	fprintf(stderr, "demo-server: %s\n", sentence);
}

static void show_cut(const char *sentence)
{
	fprintf(stderr, "demo-server: cut off: %s\n", sentence);
}

/* Once: what a cut has not ended two seconds later is the same. */
static void name_what_is_left(struct shutdown *stop)
{
	if (!stop->named)
		http_describe(stop->http, show_cut);
	stop->named = true;
}

/* The only end that does not return from the loop: something hangs that cannot be waited for. */
static void end_at_once(struct shutdown *stop, const char *why)
{
	complain(why);
	name_what_is_left(stop);
	if (!stop->store_closed)
		complain("the database was not closed");
	say_end();
	_exit(EXIT_FAILURE);
}

/* The steps: what happens on entering one, and when it is over. */

static void announce_enter(struct shutdown *stop)
{
	http_announce_close(stop->http);
	stop->lame_duck_over = stop->lame_duck == 0;
	if (!stop->lame_duck_over)
		ev_timer_start(stop->loop, &stop->lame_duck_timer);
}

static bool announce_is_over(const struct shutdown *stop)
{
	return stop->lame_duck_over;
}

static void drain_enter(struct shutdown *stop)
{
	http_drain(stop->http, stop->header_timeout);
	puts("Closing http server."); /* and nobody new comes in any more */
}

static bool drain_is_over(const struct shutdown *stop)
{
	return http_is_drained(stop->http);
}

static void store_closed(void *arg, const char *failure)
{
	struct shutdown *stop = arg;

	stop->store_closed = true;
	if (failure == NULL) {
		puts(stop->store->farewell);
		return;
	}
	complain(failure);
	stop->exit_status = EXIT_FAILURE;
}

static void database_enter(struct shutdown *stop)
{
	puts("Http server closed.");
	stop->store->close(stop->store, store_closed, stop);
}

static bool database_is_over(const struct shutdown *stop)
{
	return stop->store_closed;
}

static void done_enter(struct shutdown *stop)
{
	puts("💥 Process terminated!");
	ev_timer_stop(stop->loop, &stop->deadline_timer);
	ev_timer_stop(stop->loop, &stop->last_timer);
	ev_prepare_stop(stop->loop, &stop->each_turn);
	ev_break(stop->loop, EVBREAK_ALL);
}

static bool never(const struct shutdown *stop)
{
	(void)stop;
	return false;
}

static const struct {
	void (*enter)(struct shutdown *stop);
	bool (*is_over)(const struct shutdown *stop);
} steps[] = {
	[SHUTDOWN_RUNNING] = {NULL, never},
	[SHUTDOWN_ANNOUNCE] = {announce_enter, announce_is_over},
	[SHUTDOWN_DRAIN] = {drain_enter, drain_is_over},
	[SHUTDOWN_DATABASE] = {database_enter, database_is_over},
	[SHUTDOWN_DONE] = {done_enter, never},
};

/* The one writer of the step. */
static void go_to(struct shutdown *stop, enum shutdown_step step)
{
	stop->step = step;
	steps[step].enter(stop);
}

/* Whatever ends a step has woken the loop, so once a turn is often enough. */
static void each_turn_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct shutdown *stop = watcher->data;
	(void)loop;
	(void)revents;

	while (steps[stop->step].is_over(stop))
		go_to(stop, stop->step + 1);
}

static void lame_duck_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct shutdown *stop = watcher->data;
	(void)loop;
	(void)revents;
	stop->lame_duck_over = true;
}

static void deadline_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct shutdown *stop = watcher->data;
	(void)revents;

	fprintf(stderr, "demo-server: the deadline of %g s for the shutdown has passed\n",
		seconds(stop->deadline));
	stop->exit_status = EXIT_FAILURE;
	stop->lame_duck_over = true;
	stop->store->cut(stop->store);
	name_what_is_left(stop);
	http_cut(stop->http);
	ev_timer_start(loop, &stop->last_timer);
}

static void last_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)revents;
	end_at_once(watcher->data, "something does not end, not even after the deadline");
}

void shutdown_init(struct shutdown *stop)
{
	stop->step = SHUTDOWN_RUNNING;
	ev_prepare_init(&stop->each_turn, each_turn_cb);
	ev_timer_init(&stop->lame_duck_timer, lame_duck_cb, seconds(stop->lame_duck), 0);
	ev_timer_init(&stop->deadline_timer, deadline_cb, seconds(stop->deadline), 0);
	ev_timer_init(&stop->last_timer, last_cb, last_seconds, 0);
	stop->each_turn.data = stop->lame_duck_timer.data = stop;
	stop->deadline_timer.data = stop->last_timer.data = stop;
}

static void begin(struct shutdown *stop)
{
	ev_now_update(stop->loop);
	ev_timer_start(stop->loop, &stop->deadline_timer);
	ev_prepare_start(stop->loop, &stop->each_turn);
	go_to(stop, SHUTDOWN_ANNOUNCE);
}

static void interrupted(struct shutdown *stop)
{
	nsec_t now = clock_mono();

	if (stop->first_interrupt == 0)
		stop->first_interrupt = now;
	else if (now - stop->first_interrupt >= interrupt_gap)
		end_at_once(stop, "a second SIGINT: ending without waiting");
}

void shutdown_signal(struct shutdown *stop, int signo)
{
	const char *name = signo == SIGINT ? "SIGINT" : "SIGTERM";

	if (signo == SIGINT)
		interrupted(stop);
	if (shutdown_has_begun(stop))
		return;
	printf("👋 %s RECEIVED. Shutting down gracefully\n", name);
	printf("%s signal received.\n", name);
	begin(stop);
}

void shutdown_fatal(struct shutdown *stop, const char *reason)
{
	fprintf(stderr, "demo-server: fatal error: %s\n", reason);
	stop->exit_status = EXIT_FAILURE;
	if (shutdown_has_begun(stop))
		return;
	puts("💥 FATAL ERROR. Shutting down gracefully");
	begin(stop);
}

bool shutdown_has_begun(const struct shutdown *stop)
{
	return stop->step != SHUTDOWN_RUNNING;
}
