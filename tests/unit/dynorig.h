/*
 * The world of one dyno, for its tests. What the machine does to it is written down by fake
 * operations as one line of text, in its order: "up>starting; stop 1; launch 2".
 */
#ifndef GRACECTL_DYNORIG_H
#define GRACECTL_DYNORIG_H

#include "dyno.h"

#include <stdlib.h>

#include "did.h"
#include "tap.h"

enum {
	LAUNCHES = 16
};

/* The world of one dyno. Instance number n of that place is instances[n]. */
static struct {
	struct dyno dyno;
	struct process_config config;
	struct instance instances[LAUNCHES + 1];
	uint64_t random;
	unsigned told; /* how often changed() was called */
} world;

static inline struct instance *fake_launch(struct dyno *dyno)
{
	char text[32];

	if (dyno->launches > LAUNCHES) {
		printf("Bail out! more launches than expected\n");
		exit(1);
	}
	struct instance *instance = &world.instances[dyno->launches];
	snprintf(text, sizeof text, "launch %llu", (unsigned long long)dyno->launches);
	did(text);
	memset(instance, 0, sizeof *instance);
	instance->launch = dyno->launches;
	return instance;
}

static inline void ask_to_stop(struct instance *instance)
{
	if (instance->state == INSTANCE_STARTING || instance->state == INSTANCE_UP ||
		instance->ending == ENDING_ITSELF)
		instance->ending = ENDING_ASKED;
	instance_restore(instance, INSTANCE_STOPPING);
}

static inline void fake_stop(struct dyno *dyno, struct instance *instance)
{
	char text[32];

	(void)dyno;
	snprintf(text, sizeof text, "stop %d", (int)(instance - world.instances));
	did(text);
	ask_to_stop(instance);
}

static inline void fake_stop_old(struct dyno *dyno)
{
	(void)dyno;
	did("stop old");
}

static inline void fake_timer(struct dyno *dyno, enum dyno_timer timer, nsec_t due)
{
	static const char *const names[DYNO_TIMERS] = {"cool", "stable", "cycle"};

	if (due != 0 && due != dyno->due[timer])
		did("a timer that is not noted");
	did_timer(names[timer], due);
}

static inline void fake_publish(struct dyno *dyno, struct event *event)
{
	const bson_t *doc = &event->doc;
	char text[64];

	(void)dyno;
	if (strcmp(event_get_str(doc, "kind"), "state") == 0)
		snprintf(text, sizeof text, "%s>%s", event_get_str(doc, "from"),
			event_get_str(doc, "to"));
	else
		snprintf(text, sizeof text, "%s", event_get_str(doc, "kind"));
	did(text);
	is_str(event_get_str(doc, "dyno"), "web.1", "an event names its dyno");
}

static inline void fake_changed(struct dyno *dyno)
{
	(void)dyno;
	world.told++;
}

static inline uint64_t fake_random(struct dyno *dyno)
{
	(void)dyno;
	return world.random;
}

static const struct dyno_ops ops = {
	.launch = fake_launch,
	.stop = fake_stop,
	.stop_old = fake_stop_old,
	.timer = fake_timer,
	.publish = fake_publish,
	.changed = fake_changed,
	.random = fake_random,
};

/* ---- what can happen; each tells what came of it ---- */

static inline const char *on(enum dyno_event event)
{
	did_begin();
	dyno_handle(&world.dyno, event);
	return done();
}

/* A timer that has fired runs no more. */
static inline const char *fires(enum dyno_timer timer, enum dyno_event event)
{
	world.dyno.due[timer] = 0;
	return on(event);
}

static inline const char *becomes(int number, enum instance_state state)
{
	did_begin();
	instance_restore(&world.instances[number], state);
	dyno_instance_changed(&world.dyno, &world.instances[number]);
	return done();
}

static inline const char *is_up(int number)
{
	return becomes(number, INSTANCE_UP);
}

static inline const char *is_gone(int number)
{
	return becomes(number, INSTANCE_GONE);
}

/* Its main process ends by itself with that status; others remain, or none. */
static inline const char *ends(int number, int status, bool others)
{
	struct instance *instance = &world.instances[number];

	instance->ending = ENDING_ITSELF;
	instance->rung = others ? 1 : 0;
	instance->exit = (struct proc_exit){.known = true, .status = status};
	return becomes(number, INSTANCE_STOPPING);
}

static inline const char *crashes(int number, int status)
{
	ends(number, status, false);
	return is_gone(number);
}

static inline const char *boot_timeout(int number)
{
	world.instances[number].ending = ENDING_BOOT;
	world.instances[number].rung = 2;
	becomes(number, INSTANCE_STOPPING);
	return is_gone(number);
}

/* ---- situations ---- */

static inline void new_dyno(enum restart_order order, const char *backoff)
{
	struct cause cause;

	world.config = (struct process_config){.name = "web",
		.order = order,
		.ready = READY_PORT,
		.cycle = 24 * NSEC_PER_HOUR,
		.backoff_reset = 10 * NSEC_PER_MIN};
	backoff_parse(backoff, &world.config.backoff, &cause);
	world.random = 0;
	dyno_init(&world.dyno, &ops, &world, &world.config, 1);
	done();
}

static const char default_backoff[] = "0 20m 40m 60m 180m 320m";

static inline void down(void)
{
	new_dyno(ORDER_OVERLAP, default_backoff);
}

static inline void up_in(enum restart_order order)
{
	new_dyno(order, default_backoff);
	on(DYNO_START);
	is_up(1);
}

static inline void starting(void)
{
	down();
	on(DYNO_START);
}

static inline void up(void)
{
	up_in(ORDER_OVERLAP);
}

static inline void starting_beside_old(void)
{
	up();
	on(DYNO_RESTART);
}

static inline void starting_after_old(void)
{
	up_in(ORDER_STOP_FIRST);
	on(DYNO_RESTART);
}

static inline void starting_before_old(void)
{
	up_in(ORDER_START_FIRST);
	on(DYNO_RESTART);
}

static inline void up_beside_old(void)
{
	starting_beside_old();
	is_up(2);
}

static inline void stopping(void)
{
	up();
	on(DYNO_STOP);
}

static inline void stopping_and_wanted(void)
{
	stopping();
	on(DYNO_START);
}

static inline void stopping_both(void)
{
	starting_before_old();
	on(DYNO_STOP);
}

static inline void stopping_beside_old(void)
{
	starting_beside_old();
	on(DYNO_STOP);
}

static inline void cooling(void)
{
	up();
	crashes(1, 1);
	crashes(2, 1);
}

static inline void cooling_beside_old(void)
{
	new_dyno(ORDER_OVERLAP, "20m");
	on(DYNO_START);
	is_up(1);
	on(DYNO_RESTART);
	crashes(2, 1);
}

static inline void crashed(void)
{
	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	crashes(1, 1);
}

static inline void crashed_leaving_others(void)
{
	up();
	ends(1, 1, true);
}

static inline void crashed_beside_old(void)
{
	starting_beside_old();
	crashes(2, 1);
}

#endif
