/* instance: see the header. The table stands near the end; the actions above it are called
 * STATE_EVENT. */
#include "instance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ladder.h"
#include "log.h"

const char *const instance_state_names[INSTANCE_STATES] = {
	[INSTANCE_STARTING] = "starting",
	[INSTANCE_UP] = "up",
	[INSTANCE_STOPPING] = "stopping",
	[INSTANCE_GONE] = "gone",
};

const char *const instance_event_names[INSTANCE_EVENTS] = {
	[INSTANCE_READY] = "ready",
	[INSTANCE_BOOT_OVER] = "boot-over",
	[INSTANCE_STOP] = "stop",
	[INSTANCE_RUNG_OVER] = "rung-over",
	[INSTANCE_MAIN_EXIT] = "main-exit",
	[INSTANCE_EMPTY] = "empty",
};

static void begin(struct instance *instance, struct event *event, enum event_kind kind)
{
	event_begin(event, kind, clock_wall(), instance->dyno, instance->launch);
}

static void publish(struct instance *instance, struct event *event)
{
	instance->ops->publish(instance, event);
	event_release(event);
}

static void arm(struct instance *instance, enum instance_timer timer, nsec_t wait)
{
	instance->deadline[timer] = wait == LADDER_FOREVER ? 0 : clock_mono() + wait;
	instance->ops->timer(instance, timer, instance->deadline[timer]);
}

static void disarm(struct instance *instance, enum instance_timer timer)
{
	if (instance->deadline[timer] != 0)
		instance->ops->timer(instance, timer, 0);
	instance->deadline[timer] = 0;
}

/* The one writer of the state. A deadline lives only in the state that it belongs to. */
static void set_state(struct instance *instance, enum instance_state next)
{
	log_debug("%s launch %llu: %s -> %s", instance->dyno, (unsigned long long)instance->launch,
		instance_state_names[instance->state], instance_state_names[next]);
	if (next != INSTANCE_STARTING)
		disarm(instance, INSTANCE_TIMER_BOOT);
	if (next != INSTANCE_STOPPING)
		disarm(instance, INSTANCE_TIMER_RUNG);
	instance->state = next;
	instance->since = clock_wall();
	instance->ops->changed(instance);
}

void instance_restore(struct instance *instance, enum instance_state state)
{
	instance->state = state;
}

static const struct ladder_rung *current_rung(const struct instance *instance)
{
	return &instance->config->stop.rung[instance->rung - 1];
}

static int64_t seconds(nsec_t value)
{
	return value / NSEC_PER_SEC;
}

/* Whole seconds as "30", others as "0.5". */
static void event_seconds(struct event *event, const char *key, nsec_t value)
{
	char text[32];

	if (value % NSEC_PER_SEC == 0) {
		event_int(event, key, seconds(value));
		return;
	}
	snprintf(text, sizeof text, "%.9g", (double)value / (double)NSEC_PER_SEC);
	event_str(event, key, text);
}

/* With the ladder that is to follow. */
void instance_say_stop(struct instance *instance, int signo, bool all, unsigned count)
{
	struct event event;
	char ladder[LADDER_TEXT];

	begin(instance, &event, all ? EVENT_STOP : EVENT_STOP_MAIN);
	event_str(&event, "signal", signal_name(signo));
	event_int(&event, "processes", count);
	event_str(&event, "ladder", ladder_format(&instance->config->stop, ladder));
	publish(instance, &event);
}

/* How long it has had since the first signal: what the ladder says, unless somebody was in a hurry.
 */
static nsec_t time_had(const struct instance *instance)
{
	const nsec_t grain = NSEC_PER_SEC / 10;

	return instance->hurried ? (clock_mono() - instance->stop_began) / grain * grain
				 : ladder_grace(&instance->config->stop);
}

/* The lines for a later rung, whose signal goes to so many of those that are left. R12 is said only
 * when a wait is over, not when somebody asked to hurry. */
static void say_next(
	struct instance *instance, int signo, bool hurried, const char *names, unsigned left)
{
	const struct ladder_rung *before = current_rung(instance) - (instance->rung > 1);
	struct event event;

	if (signo != SIGKILL && left == 0)
		return;
	if (signo != SIGKILL) {
		begin(instance, &event, EVENT_STOP_NEXT);
		event_int(&event, "processes", left);
		event_str(&event, "signal", signal_name(signo));
		publish(instance, &event);
		return;
	}
	if (!hurried) {
		begin(instance, &event, EVENT_STOP_TIMEOUT);
		event_seconds(&event, "seconds", time_had(instance));
		event_str(&event, "signal", signal_name(instance->config->stop.rung[0].signo));
		publish(instance, &event);
	}
	if (left == 0)
		return;
	begin(instance, &event, EVENT_STOP_KILL);
	event_str(&event, "signal", signal_name(SIGKILL));
	event_int(&event, "processes", left);
	publish(instance, &event);
	begin(instance, &event, EVENT_LEFT);
	event_int(&event, "processes", left);
	event_str(&event, "signal", signal_name(before->signo));
	event_str(&event, "names", names);
	publish(instance, &event);
}

/* Sends the signal of the current rung and arms its wait. What did not boot gets nothing but
 * SIGKILL. */
static void send_rung(struct instance *instance, bool first)
{
	const struct ladder_rung *rung = current_rung(instance);
	int signo = instance->boot_forced ? SIGKILL : rung->signo;
	bool all =
		instance->config->stop_to == STOP_ALL || signo == SIGKILL || instance->main_ended;

	/* The deadline stands in the record before the signal is out. */
	arm(instance, INSTANCE_TIMER_RUNG, instance->boot_forced ? NSEC_PER_SEC : rung->wait);
	unsigned count = instance->ops->signal(instance, signo, all);
	if (first)
		instance_say_stop(instance, signo, all, count);
}

static void begin_ladder(struct instance *instance, enum instance_ending why)
{
	instance->ending = why;
	if (why != ENDING_ASKED)
		snprintf(instance->reason, sizeof instance->reason, "exit");
	instance->rung = 1;
	instance->stop_began = clock_mono();
	set_state(instance, INSTANCE_STOPPING);
	send_rung(instance, true);
}

/* Whoever may not be signalled is named once in a stop. */
static unsigned reach(struct instance *instance, unsigned left, struct buf *names)
{
	bool is_said = instance->refused[0] != '\0';
	struct event event;

	if (left == 0 || instance->ops->reach == NULL)
		return left;
	buf_reset(names);
	unsigned reached = instance->ops->reach(instance, names);
	if (reached == left || is_said)
		return reached;
	begin(instance, &event, EVENT_REFUSED);
	event_int(&event, "processes", left - reached);
	event_str(&event, "names", instance->refused);
	publish(instance, &event);
	return reached;
}

static void next_rung(struct instance *instance, bool hurried)
{
	const bool is_early = hurried;
	struct buf names = BUF_INIT;

	if (instance->rung == 0)
		return;
	unsigned left = instance->ops->survey(instance, &names);
	unsigned reached = reach(instance, left, &names);
	if (instance->boot_forced) {
		buf_release(&names);
		send_rung(instance, false);
		return;
	}
	/* The last rung is not left any more: its signal is sent again for what was forked
	 * meanwhile. */
	if (instance->rung < instance->config->stop.count)
		instance->rung++;
	else
		hurried = true;
	const struct ladder_rung *rung = current_rung(instance);
	if (left > 0 && (!hurried || !instance->killed))
		say_next(instance, rung->signo, hurried, names.len > 0 ? names.data : "", reached);
	if (reached > 0 && rung->signo == SIGKILL && !instance->killed) {
		instance->killed = true;
		instance->kill_hurried = is_early;
	}
	instance->outlasted |= left > 0 && reached == 0 && rung->signo == SIGKILL;
	buf_release(&names);
	send_rung(instance, false);
}

static void starting_ready(struct instance *instance)
{
	instance->up_mono = clock_mono();
	set_state(instance, INSTANCE_UP);
}

static const char *boot_proof(const struct process_config *config)
{
	static const char *const proofs[] = {
		[READY_NONE] = "be executed",
		[READY_PORT] = "bind to $PORT",
		[READY_HTTP] = "answer on $PORT",
		[READY_NOTIFY] = "report READY=1",
	};

	return proofs[config->ready];
}

/* As on Heroku: no ladder for one that did not boot, SIGKILL at once. */
static void starting_boot_over(struct instance *instance)
{
	struct event event;

	begin(instance, &event, EVENT_BOOT_TIMEOUT);
	event_seconds(&event, "seconds", instance->config->boot_timeout);
	event_str(&event, "what", boot_proof(instance->config));
	publish(instance, &event);
	begin(instance, &event, EVENT_BOOT_KILL);
	event_str(&event, "signal", signal_name(SIGKILL));
	publish(instance, &event);
	instance->boot_forced = true;
	instance->ending = ENDING_BOOT;
	snprintf(instance->reason, sizeof instance->reason, "boot timeout");
	instance->rung = (unsigned)instance->config->stop.count;
	instance->stop_began = clock_mono();
	set_state(instance, INSTANCE_STOPPING);
	arm(instance, INSTANCE_TIMER_RUNG, NSEC_PER_SEC);
	instance->ops->signal(instance, SIGKILL, true);
}

static void running_stop(struct instance *instance)
{
	begin_ladder(instance, ENDING_ASKED);
}

static void say_main_exit(struct instance *instance, unsigned left, const char *names)
{
	struct event event;

	begin(instance, &event, EVENT_MAIN_EXIT);
	if (instance->exit.known)
		event_int(&event, "status", instance->exit.status);
	else
		event_str(&event, "status", "unknown");
	event_int(&event, "left", left);
	event_str(&event, "names", names);
	publish(instance, &event);
}

/* The main process has ended and seemed to be the last one; whoever is there now was found later.
 */
static void stop_rest(struct instance *instance)
{
	struct buf names = BUF_INIT;
	unsigned left = instance->ops->survey(instance, &names);

	if (left > 0) {
		say_main_exit(instance, left, names.data);
		begin_ladder(instance, instance->ending);
	}
	buf_release(&names);
}

static void stopping_stop(struct instance *instance)
{
	bool first = instance->ending == ENDING_ITSELF;

	/* What its main process left behind is being stopped already; that its end is wanted now is
	 * no reason to hurry. */
	if (first)
		instance->ending = ENDING_ASKED;
	if (instance->rung == 0)
		stop_rest(instance);
	else if (!first) {
		instance->hurried = true;
		next_rung(instance, true);
	}
}

static void stopping_rung_over(struct instance *instance)
{
	next_rung(instance, false);
}

/* Nobody asked, so this is a crash; if it left others behind they are stopped properly before
 * anything else happens. */
static void running_main_exit(struct instance *instance)
{
	struct buf names = BUF_INIT;
	unsigned left = instance->ops->survey(instance, &names);
	enum instance_ending why = instance->failure[0] != '\0' ? ENDING_LAUNCH : ENDING_ITSELF;

	if (left > 0) {
		say_main_exit(instance, left, names.data);
		begin_ladder(instance, why);
	} else {
		instance->ending = why;
		set_state(instance, INSTANCE_STOPPING);
	}
	buf_release(&names);
}

/* With stop_to = main the others hear of the stop only when the main process has ended without
 * taking them along. */
static void stopping_main_exit(struct instance *instance)
{
	struct buf names = BUF_INIT;

	if (instance->rung == 0) {
		stop_rest(instance);
		return;
	}
	unsigned left = instance->ops->survey(instance, &names);

	if (left > 0)
		say_main_exit(instance, left, names.data);
	if (left > 0 && instance->config->stop_to == STOP_MAIN &&
		current_rung(instance)->signo != SIGKILL)
		instance->ops->signal(instance, current_rung(instance)->signo, true);
	buf_release(&names);
}

static void say_exit(struct instance *instance)
{
	struct event event;

	begin(instance, &event, instance->exit.known ? EVENT_EXIT : EVENT_EXIT_UNKNOWN);
	if (instance->exit.known) {
		event_int(&event, "status", instance->exit.status);
		if (instance->exit.signo != 0)
			event_str(&event, "signal", signal_name(instance->exit.signo));
	} else {
		event_str(&event, "reason", "it ended while no supervisor was its parent");
	}
	event_int(&event, "ms", (clock_wall() - instance->launched) / NSEC_PER_MSEC);
	publish(instance, &event);
}

/*
 * The report of the whole stop is told last, but made first: the end of the observation may have a
 * line of its own, and that belongs before the exit.
 */
static void stopping_empty(struct instance *instance)
{
	bool stopped = instance->rung > 0 && instance->ops->describe != NULL;
	struct event report;

	if (stopped) {
		begin(instance, &report, EVENT_STOPPED);
		instance->ops->describe(instance, &report);
	}
	/* What was never a process has no exit to report. */
	if (instance->main.pid > 0)
		say_exit(instance);
	if (stopped)
		publish(instance, &report);
	set_state(instance, INSTANCE_GONE);
}

static void impossible(struct instance *instance)
{
	log_warn("%s launch %llu: an event that cannot come in state %s was ignored",
		instance->dyno, (unsigned long long)instance->launch,
		instance_state_names[instance->state]);
}

/* An empty cell: does not matter in that state. */
static void (*const actions[INSTANCE_STATES][INSTANCE_EVENTS])(struct instance *) = {
	[INSTANCE_STARTING] =
		{
			[INSTANCE_READY] = starting_ready,
			[INSTANCE_BOOT_OVER] = starting_boot_over,
			[INSTANCE_STOP] = running_stop,
			[INSTANCE_RUNG_OVER] = impossible,
			[INSTANCE_MAIN_EXIT] = running_main_exit,
			[INSTANCE_EMPTY] = impossible,
		},
	[INSTANCE_UP] =
		{
			[INSTANCE_STOP] = running_stop,
			[INSTANCE_RUNG_OVER] = impossible,
			[INSTANCE_MAIN_EXIT] = running_main_exit,
			[INSTANCE_EMPTY] = impossible,
		},
	[INSTANCE_STOPPING] =
		{
			[INSTANCE_STOP] = stopping_stop,
			[INSTANCE_RUNG_OVER] = stopping_rung_over,
			[INSTANCE_MAIN_EXIT] = stopping_main_exit,
			[INSTANCE_EMPTY] = stopping_empty,
		},
	[INSTANCE_GONE] =
		{
			[INSTANCE_RUNG_OVER] = impossible,
			[INSTANCE_MAIN_EXIT] = impossible,
			[INSTANCE_EMPTY] = impossible,
		},
};

void instance_handle(struct instance *instance, enum instance_event event)
{
	void (*action)(struct instance *) = actions[instance->state][event];

	log_debug("%s launch %llu: %s in %s", instance->dyno, (unsigned long long)instance->launch,
		instance_event_names[event], instance_state_names[instance->state]);
	if (action != NULL)
		action(instance);
}

void instance_init(struct instance *instance, const struct instance_ops *ops, void *owner,
	const struct process_config *config, const char *dyno, uint64_t launch)
{
	memset(instance, 0, sizeof *instance);
	instance->ops = ops;
	instance->owner = owner;
	instance->config = config;
	instance->launch = launch;
	snprintf(instance->dyno, sizeof instance->dyno, "%s", dyno);
	instance->launched = instance->since = clock_wall();
	if (config->ready != READY_NONE)
		arm(instance, INSTANCE_TIMER_BOOT, config->boot_timeout);
}

nsec_t instance_kill_time(const struct instance *instance)
{
	const struct ladder *ladder = &instance->config->stop;
	nsec_t time = instance->deadline[INSTANCE_TIMER_RUNG];

	if (instance->rung == 0 || time == 0)
		return 0;
	for (unsigned i = instance->rung; i < ladder->count; i++) {
		if (ladder->rung[i].signo == SIGKILL)
			return time;
		if (ladder->rung[i].wait == LADDER_FOREVER)
			return 0;
		time += ladder->rung[i].wait;
	}
	return 0;
}

const char *instance_exit_text(
	const struct instance *instance, char text[static INSTANCE_EXIT_TEXT])
{
	if (!instance->exit.known)
		return "unknown status";
	if (instance->exit.signo != 0)
		snprintf(text, INSTANCE_EXIT_TEXT, "status %d (%s)", instance->exit.status,
			signal_name(instance->exit.signo));
	else
		snprintf(text, INSTANCE_EXIT_TEXT, "status %d", instance->exit.status);
	return text;
}
