/*
 * The world of one instance, for its tests. What the machine does to it is written down by fake
 * operations as one line of text, in its order: "rung 30s; TERM all".
 */
#ifndef GRACECTL_INSTANCERIG_H
#define GRACECTL_INSTANCERIG_H

#include "instance.h"

#include <signal.h>

#include "did.h"
#include "tap.h"

/* The world of one instance. */
static struct {
	struct instance instance;
	struct process_config config;
	unsigned left;	  /* processes that a survey finds */
	struct buf lines; /* the events as they are logged, one a line */
	bool armed[INSTANCE_TIMERS];
} world;

static inline unsigned fake_signal(struct instance *instance, int signo, bool all)
{
	char text[64];

	(void)instance;
	snprintf(text, sizeof text, "%s %s", signal_name(signo) + 3, all ? "all" : "main");
	did(text);
	return all ? world.left : world.left > 0;
}

static inline unsigned fake_survey(struct instance *instance, struct buf *names)
{
	(void)instance;
	for (unsigned i = 0; i < world.left; i++)
		buf_addf(names, "%s%u (p%u)", i > 0 ? ", " : "", 100 + i, i);
	return world.left;
}

static inline void fake_timer(struct instance *instance, enum instance_timer timer, nsec_t due)
{
	static const char *const names[INSTANCE_TIMERS] = {"boot", "rung"};

	if (due != instance->deadline[timer] && due != 0)
		did("a deadline that is not noted");
	did_timer(names[timer], due);
	world.armed[timer] = due != 0;
}

static inline void fake_publish(struct instance *instance, struct event *event)
{
	(void)instance;
	did(event_get_str(&event->doc, "kind"));
	if (event_render(&event->doc, &world.lines))
		buf_addc(&world.lines, '\n');
	is_str(event_get_str(&event->doc, "dyno"), "web.1", "an event names its dyno");
	is_int(event_get_int(&event->doc, "launch"), 7, "an event names its launch");
}

static inline void fake_changed(struct instance *instance)
{
	char text[32];

	snprintf(text, sizeof text, "-> %s", instance_state_names[instance->state]);
	did(text);
}

static const struct instance_ops ops = {
	.signal = fake_signal,
	.survey = fake_survey,
	.timer = fake_timer,
	.publish = fake_publish,
	.changed = fake_changed,
};

static inline const char *lines(void)
{
	static struct buf text;

	return take_text(&world.lines, &text);
}

static inline void handle(enum instance_event event)
{
	did_begin();
	instance_handle(&world.instance, event);
}

/* Hands in an event and tells what came of it. */
static inline const char *on(enum instance_event event)
{
	handle(event);
	return done();
}

/* A new instance with three processes, of a type with that ladder. */
static inline void launch(const char *ladder, enum ready_kind ready)
{
	struct cause cause;

	world.config = (struct process_config){.name = "web",
		.ready = ready,
		.boot_timeout = 60 * NSEC_PER_SEC,
		.stop_to = STOP_ALL};
	if (ladder_parse(ladder, &world.config.stop, &cause) < 0)
		printf("Bail out! %s\n", cause.text);
	world.left = 3;
	did_begin();
	for (int i = 0; i < INSTANCE_TIMERS; i++)
		world.armed[i] = false;
	instance_init(&world.instance, &ops, &world, &world.config, "web.1", 7);
	world.instance.main = (struct proc_id){.pid = 100, .start_ticks = 1};
}

static inline void launch_up(const char *ladder)
{
	launch(ladder, READY_PORT);
	handle(INSTANCE_READY);
	done();
	lines();
}

static inline void main_exits(int status, int signo, unsigned left)
{
	world.left = left;
	world.instance.main_ended = true;
	world.instance.exit = (struct proc_exit){.known = true, .status = status, .signo = signo};
	handle(INSTANCE_MAIN_EXIT);
}

/* A deadline may only run in the state that it belongs to. */
static inline bool timers_fit_state(void)
{
	enum instance_state state = world.instance.state;

	return (state == INSTANCE_STARTING || !world.armed[INSTANCE_TIMER_BOOT]) &&
	       (state == INSTANCE_STOPPING || !world.armed[INSTANCE_TIMER_RUNG]);
}

#endif
