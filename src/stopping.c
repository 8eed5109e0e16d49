/* stopping: see the header. */
#include "stopping.h"

#include <signal.h>
#include <stdlib.h>

#include "runner.h"
#include "stopreport.h"
#include "xmalloc.h"

/* ---- why it is not over ---- */

void stopping_plan_why(struct runner *runner)
{
	nsec_t due = why_due(&runner->instance, runner->looks);

	if (due != 0)
		timer_set(runner->app->loop, &runner->why, due);
	else
		timer_stop(runner->app->loop, &runner->why);
}

void runner_why(struct runner *runner, struct why *why)
{
	const struct observer *observer = runner->observer;

	runner_find_strays(runner);
	why_look(why, runner->app, &runner->tree, &runner->instance,
		observer != NULL ? observer->ports : NULL,
		observer != NULL ? observer->port_count : 0);
}

void stopping_why_fired(void *owner)
{
	static struct why why;
	struct runner *runner = owner;
	nsec_t due;

	runner_why(runner, &why);
	why_publish(&why, runner->app);
	/* An adopted stop may be past both moments. */
	do
		due = why_due(&runner->instance, ++runner->looks);
	while (due != 0 && due <= why.taken);
	stopping_plan_why(runner);
}

/* ---- signals, under observation ---- */

static unsigned send_signal(struct runner *runner, int signo, bool all)
{
	runner->signo = all ? signo : 0;
	if (!all)
		return tree_signal_main(&runner->tree, signo);
	timer_set(runner->app->loop, &runner->again, clock_mono() + RUNNER_SECOND_LOOK);
	return tree_signal(&runner->tree, signo, false, runner->instance.main_ended);
}

/* The wait of a rung counts from its signal, and not from what had to be done before. */
static void allow_for(struct runner *runner, nsec_t delay)
{
	nsec_t *deadline = &runner->instance.deadline[INSTANCE_TIMER_RUNG];

	if (*deadline == 0)
		return;
	*deadline += delay;
	timer_set(runner->app->loop, &runner->deadline[INSTANCE_TIMER_RUNG], *deadline);
	stopping_plan_why(runner);
}

static unsigned send_observed(struct runner *runner, int signo, bool all)
{
	if (runner->observer != NULL)
		observe_before(runner->observer, signo);
	unsigned count = send_signal(runner, signo, all);
	if (runner->observer != NULL)
		observe_signal(runner->observer, signo, all, count);
	return count;
}

static void phase_reached(void *owner)
{
	struct runner *runner = owner;

	runner->owner->touched(runner->owner_arg);
}

/* Begins, or goes on where another supervisor ended. */
static void observe(struct runner *runner)
{
	const struct instance *instance = &runner->instance;

	const struct observe_subject subject = {.tree = &runner->tree,
		.dyno = instance->dyno,
		.launch = instance->launch,
		.port = instance->port};

	runner->observer = xcalloc(1, sizeof *runner->observer);
	if (runner->kept != NULL)
		observe_resume(runner->observer, runner->app, &subject, runner->kept,
			!instance->main_ended);
	else
		observe_begin(runner->observer, runner->app, &subject);
	free(runner->kept);
	runner->kept = NULL;
	runner->observer->reached = phase_reached;
	runner->observer->owner = runner;
}

/*
 * The record is written before the signal is out: an exit that the signal caused must not look like
 * a crash to the next supervisor. One that dies between the two has its signal sent by its
 * successor, see stopping_take_up().
 */
unsigned stopping_signal(struct instance *instance, int signo, bool all)
{
	struct runner *runner = instance->owner;
	nsec_t began = clock_mono();

	runner_find_strays(runner);
	if (instance->sent == 0 && runner->observer == NULL)
		observe(runner);
	runner->owner->save(runner->owner_arg);
	unsigned count = send_observed(runner, signo, all);
	instance->sent = instance->rung;
	allow_for(runner, clock_mono() - began);
	runner->owner->touched(runner->owner_arg);
	return count;
}

unsigned stopping_signal_new(struct runner *runner)
{
	if (runner->signo == 0)
		return 0;
	unsigned count =
		tree_signal(&runner->tree, runner->signo, true, runner->instance.main_ended);
	if (count > 0 && runner->observer != NULL)
		observe_signal_new(runner->observer, runner->signo, count);
	return count;
}

void stopping_describe(struct instance *instance, struct event *event)
{
	struct runner *runner = instance->owner;

	if (runner->kept != NULL)
		observe(runner);
	if (runner->observer != NULL)
		observe_end(runner->observer, &instance->exit);
	stopreport_fill(
		instance, runner->observer != NULL ? &runner->observer->report : NULL, event);
}

/* The dead supervisor had written the record, and perhaps not sent the signal. Once too often does
 * no harm: Heroku does it too. */
static void repeat_signal(struct runner *runner)
{
	struct instance *instance = &runner->instance;
	int signo = instance->boot_forced ? SIGKILL
					  : instance->config->stop.rung[instance->rung - 1].signo;
	bool all =
		instance->config->stop_to == STOP_ALL || signo == SIGKILL || instance->main_ended;

	unsigned count = send_observed(runner, signo, all);
	if (instance->sent == 0 && instance->ending != ENDING_BOOT)
		instance_say_stop(instance, signo, all, count);
	instance->sent = instance->rung;
	runner->owner->touched(runner->owner_arg);
}

void stopping_take_up(struct runner *runner)
{
	if (runner->kept != NULL)
		observe(runner);
	if (runner->adopted && runner->instance.state == INSTANCE_STOPPING &&
		runner->instance.sent != runner->instance.rung)
		repeat_signal(runner);
}

void stopping_release(struct runner *runner)
{
	timer_stop(runner->app->loop, &runner->why);
	if (runner->observer != NULL)
		observe_stop(runner->observer);
	free(runner->observer);
	free(runner->kept);
}
