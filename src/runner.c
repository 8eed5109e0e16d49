/* runner: see the header. */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "instancefile.h"
#include "launch.h"
#include "log.h"
#include "stopping.h"
#include "xmalloc.h"

#define HOLDER_SEARCH (200 * NSEC_PER_MSEC)
#define ADOPTED_LOOK (100 * NSEC_PER_MSEC)

/* How many times holders of the output are looked for before it is given up. */
enum {
	SEARCHES_MAX = 5
};

/* ---- who holds its files ---- */

static const char *name_of(const struct instance *instance, enum instancefile which,
	char name[static INSTANCEFILE_NAME])
{
	return instancefile_name(name, instance->dyno, instance->launch, which);
}

/* Whoever holds the lock of the instance was forked by one of its processes. */
static bool lock_is_held(const struct runner *runner)
{
	char record[INSTANCEFILE_NAME];

	return fdio_is_locked_at(
		runner->app->run_dir, name_of(&runner->instance, INSTANCEFILE_RECORD, record));
}

static void find_writers(struct runner *runner, const char *name, const struct stat *st)
{
	tree_find_writers(&runner->tree, name,
		(struct procopen_file){.device = st->st_dev, .inode = st->st_ino});
}

static void find_holders(struct runner *runner, bool among_all)
{
	char name[INSTANCEFILE_NAME];
	struct stat st;

	name_of(&runner->instance, INSTANCEFILE_OUTPUT, name);
	if (runner->mover.fifo >= 0 && fstat(runner->mover.fifo, &st) == 0)
		find_writers(runner, among_all ? name : NULL, &st);
	name_of(&runner->instance, INSTANCEFILE_RECORD, name);
	if (fstatat(runner->app->run_dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		find_writers(runner, among_all ? name : NULL, &st);
}

void runner_find_strays(struct runner *runner)
{
	find_holders(runner, false);
}

/* ---- the orders of the machine ---- */

static unsigned op_survey(struct instance *instance, struct buf *names)
{
	struct runner *runner = instance->owner;

	runner_find_strays(runner);
	return tree_survey(&runner->tree, names);
}

static unsigned op_reach(struct instance *instance, struct buf *names)
{
	struct runner *runner = instance->owner;

	return tree_reach(&runner->tree, names, instance->refused, sizeof instance->refused);
}

static void op_timer(struct instance *instance, enum instance_timer which, nsec_t due)
{
	struct runner *runner = instance->owner;

	runner->owner->touched(runner->owner_arg);
	if (due != 0)
		timer_set(runner->app->loop, &runner->deadline[which], due);
	else
		timer_stop(runner->app->loop, &runner->deadline[which]);
	if (which == INSTANCE_TIMER_RUNG && due != 0)
		stopping_plan_why(runner);
	else if (which == INSTANCE_TIMER_RUNG)
		timer_stop(runner->app->loop, &runner->why);
}

static void op_publish(struct instance *instance, struct event *event)
{
	struct runner *runner = instance->owner;

	app_publish(runner->app, event);
}

static void op_changed(struct instance *instance)
{
	struct runner *runner = instance->owner;

	if (instance->state != INSTANCE_STARTING)
		probe_stop(&runner->probe);
	runner->owner->changed(runner->owner_arg, runner);
}

static const struct instance_ops runner_ops = {
	.signal = stopping_signal,
	.survey = op_survey,
	.reach = op_reach,
	.timer = op_timer,
	.publish = op_publish,
	.changed = op_changed,
	.describe = stopping_describe,
};

static void boot_fired(void *owner)
{
	instance_handle(&((struct runner *)owner)->instance, INSTANCE_BOOT_OVER);
}

static void rung_fired(void *owner)
{
	instance_handle(&((struct runner *)owner)->instance, INSTANCE_RUNG_OVER);
}

/* ---- what happens to it ---- */

static void give_up_search(struct runner *runner)
{
	app_note(runner->app, runner->instance.dyno, runner->instance.launch,
		"Its processes are gone, but somebody who cannot be found still holds its output "
		"or its "
		"lock open; what that one writes is not logged");
	mover_stop(&runner->mover);
}

static bool search_again(struct runner *runner)
{
	if (runner->searches >= SEARCHES_MAX)
		return false;
	runner->searches++;
	timer_set(runner->app->loop, &runner->again, clock_mono() + HOLDER_SEARCH);
	return true;
}

/* Somebody is left of whom the main process' end knew nothing: that is said, and the signal that
 * all have got is sent. */
static void meet(struct runner *runner)
{
	instance_handle(&runner->instance, INSTANCE_MAIN_EXIT);
	timer_set(runner->app->loop, &runner->again, clock_mono());
}

/*
 * True when the output has ended too and nobody holds the lock. Otherwise somebody is left who left
 * no trace in the tree: he is found by the file that he has open, and belongs from then on.
 */
static bool nothing_is_held(struct runner *runner)
{
	bool ended = mover_drain(&runner->mover);

	if (ended && !lock_is_held(runner))
		return !tree_is_unsure(&runner->tree) || !search_again(runner);
	if (!search_again(runner)) {
		give_up_search(runner);
		return true;
	}
	find_holders(runner, true);
	if (tree_count(&runner->tree) > 0)
		meet(runner);
	return false;
}

void runner_check_empty(struct runner *runner)
{
	struct instance *instance = &runner->instance;

	if (instance->state != INSTANCE_STOPPING || !instance->main_ended)
		return;
	if (!tree_is_empty(&runner->tree)) {
		if (instance->rung == 0 && tree_count(&runner->tree) > 0)
			meet(runner);
		/* Nobody tells us of the end of processes that are not below us. */
		bool is_told = !runner->adopted && runner->searches == 0 && !runner->app->is_blind;
		if (!is_told && !timer_is_set(&runner->again))
			timer_set(runner->app->loop, &runner->again, clock_mono() + ADOPTED_LOOK);
		return;
	}
	if (!nothing_is_held(runner))
		return;
	timer_stop(runner->app->loop, &runner->again);
	instance_handle(instance, INSTANCE_EMPTY);
}

/* Whether the child of a dead supervisor went on to become the program that was meant. Without its
 * record nothing else is known. */
static bool went_on(const struct runner *runner)
{
	char name[INSTANCEFILE_NAME];
	struct spawn_record record;

	name_of(&runner->instance, INSTANCEFILE_RECORD, name);
	return spawn_read_record(runner->app->run_dir, name, &record)
		       ? record.executed
		       : faccessat(runner->app->run_dir, name, F_OK, 0) < 0;
}

/* Of an adopted one nobody tells whether it was executed. */
static void look_for_exec(struct runner *runner)
{
	struct instance *instance = &runner->instance;

	if (!runner->adopted || instance->config->ready != READY_NONE ||
		instance->state != INSTANCE_STARTING)
		return;
	if (went_on(runner) && proc_has_executed(instance->main))
		instance_handle(instance, INSTANCE_READY);
	else
		timer_set(runner->app->loop, &runner->again, clock_mono() + RUNNER_SECOND_LOOK);
}

/* Whoever was forked between the snapshot and the signal has not got it; look until nobody new
 * turns up. */
static void again_fired(void *owner)
{
	struct runner *runner = owner;

	look_for_exec(runner);
	stopping_take_up(runner);
	if (stopping_signal_new(runner) > 0)
		timer_set(runner->app->loop, &runner->again, clock_mono() + RUNNER_SECOND_LOOK);
	runner_check_empty(runner);
}

/* Its launch was told, but it never was the program that was meant. */
static void abandon(struct runner *runner)
{
	runner->instance.abandoned = true;
	runner->instance.main = PROC_NONE;
	snprintf(runner->instance.failure, sizeof runner->instance.failure,
		"its supervisor died before it was executed");
	launch_tell_failed(runner);
}

void runner_reaped(struct runner *runner)
{
	runner->tree.main_is_child = false;
}

void runner_main_exited(struct runner *runner, struct proc_exit exit)
{
	if (runner->instance.main_ended)
		return;
	launch_hear(runner);
	stopping_take_up(runner); /* what ended it comes first */
	if (runner->adopted && !went_on(runner))
		abandon(runner);
	else if (runner->adopted)
		launch_learn_failure(runner);
	deathwatch_stop(&runner->death);
	runner->instance.main_ended = true;
	runner->instance.exit = exit;
	runner->owner->touched(runner->owner_arg);
	instance_handle(&runner->instance, INSTANCE_MAIN_EXIT);
	/* Whatever it started after the signal is not its clean-up any more. */
	if (runner->signo != 0)
		timer_set(runner->app->loop, &runner->again, clock_mono());
}

/* An adopted main process, or one that there never was, has ended. */
static void main_gone(void *owner, struct proc_exit exit)
{
	struct runner *runner = owner;

	runner_main_exited(runner, exit);
	runner_check_empty(runner);
}

/* ---- beginning ---- */

static struct runner *runner_new(struct app *app, const struct runner_owner *owner, void *owner_arg)
{
	struct runner *runner = xcalloc(1, sizeof *runner);

	runner->app = app;
	runner->owner = owner;
	runner->owner_arg = owner_arg;
	runner->report_fd = -1;
	runner->mover.fifo = -1;
	runner->tree.app = app;
	timer_init(&runner->deadline[INSTANCE_TIMER_BOOT], boot_fired, runner);
	timer_init(&runner->deadline[INSTANCE_TIMER_RUNG], rung_fired, runner);
	timer_init(&runner->again, again_fired, runner);
	timer_init(&runner->why, stopping_why_fired, runner);
	return runner;
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return hash;
}

/* Two applications may have the same name, but not the same state directory. */
static void make_mark(struct runner *runner)
{
	const struct config *config = runner->app->config;

	runner->tree.mark = xasprintf("%s/%s/%016llx/%llu", config->name, runner->instance.dyno,
		(unsigned long long)hash_of(config->state_dir),
		(unsigned long long)runner->instance.launch);
}

static void dyno_name(char *name, size_t size, const struct process_config *config, unsigned number)
{
	snprintf(name, size, "%s.%u", config->name, number);
}

/* A launch that failed becomes an end like any other, but not before the caller has its runner. */
static void fail_launch(struct runner *runner, const struct cause *cause)
{
	snprintf(runner->instance.failure, sizeof runner->instance.failure, "%s", cause->text);
	launch_tell_failed(runner);
	mover_stop(&runner->mover);
	deathwatch_begin(&runner->death, runner->app, PROC_NONE, main_gone, runner);
}

void runner_tell_launch(struct runner *runner)
{
	launch_tell(runner);
}

struct runner *runner_launch(struct app *app, const struct process_config *config, unsigned number,
	uint64_t launch_number, const struct runner_owner *owner, void *owner_arg)
{
	struct runner *runner = runner_new(app, owner, owner_arg);
	char dyno[sizeof runner->instance.dyno];
	struct cause cause;

	dyno_name(dyno, sizeof dyno, config, number);
	instance_init(&runner->instance, &runner_ops, runner, config, dyno, launch_number);
	make_mark(runner);
	if (launch_start(runner, number, &cause) < 0) {
		fail_launch(runner, &cause);
		return runner;
	}
	launch_tell(runner);
	launch_await_ready(runner);
	return runner;
}

/* Takes up what the dead supervisor had begun: its deadlines, its probe, its watch over the main
 * process. */
static void resume(struct runner *runner)
{
	struct instance *instance = &runner->instance;
	struct proc_stat stat;
	struct cause cause;

	for (int timer = 0; timer < INSTANCE_TIMERS; timer++)
		if (instance->deadline[timer] != 0)
			timer_set(runner->app->loop, &runner->deadline[timer],
				instance->deadline[timer]);
	stopping_plan_why(runner);
	if (proc_stat_read(instance->main.pid, &stat) && proc_same(stat.id, instance->main))
		app_add_reaper(runner->app, stat.ppid);
	bool alive = !instance->main_ended && deathwatch_begin(&runner->death, runner->app,
						      instance->main, main_gone, runner);
	if (instance->main_ended || instance->state == INSTANCE_STOPPING)
		timer_set(runner->app->loop, &runner->again, clock_mono());
	if (instance->state != INSTANCE_STARTING || !alive)
		return;
	if (probe_prepare(&runner->probe, runner->app, instance->config, instance->dyno,
		    instance->launch, &cause) < 0)
		log_warn("%s: its readiness cannot be learnt: %s", instance->dyno, cause.text);
	else if (instance->config->ready == READY_NONE)
		timer_set(runner->app->loop, &runner->again, clock_mono());
	else
		launch_await_ready(runner);
}

/* That of one that has ended may have been removed by the supervisor that died. */
static void miss_output(struct runner *runner, const char *fifo)
{
	const struct instance *instance = &runner->instance;
	int error = errno;

	if (error != ENOENT || proc_end_of(instance->main) == PROC_RUNS)
		app_note(runner->app, instance->dyno, instance->launch,
			"Its output %s/%s cannot be opened: %s; what it writes is not logged, and "
			"it "
			"may come to wait for that",
			runner->app->config->run_dir, fifo, strerror(error));
}

struct runner *runner_adopt(struct app *app, const struct process_config *config, unsigned number,
	const struct runner_found *found, const struct runner_owner *owner, void *owner_arg)
{
	struct runner *runner = runner_new(app, owner, owner_arg);
	struct instance *instance = &runner->instance;
	char fifo[INSTANCEFILE_NAME];

	memcpy(instance, &found->instance, sizeof *instance);
	instance->ops = &runner_ops;
	instance->owner = runner;
	instance->config = config;
	dyno_name(instance->dyno, sizeof instance->dyno, config, number);
	make_mark(runner);
	runner->adopted = true;
	runner->tree.main = instance->main;
	tree_take_known(&runner->tree, found->known, found->known_count);
	if (launch_open_output(runner, name_of(instance, INSTANCEFILE_OUTPUT, fifo)) < 0)
		miss_output(runner, fifo);
	if (instance->state == INSTANCE_STOPPING && found->observed != NULL) {
		runner->kept = xmalloc(sizeof *runner->kept);
		memcpy(runner->kept, found->observed, sizeof *runner->kept);
	}
	resume(runner);
	return runner;
}

/* ---- the end ---- */

void runner_release(struct runner *runner)
{
	struct ev_loop *loop = runner->app->loop;

	for (size_t i = 0; i < INSTANCE_TIMERS; i++)
		timer_stop(loop, &runner->deadline[i]);
	timer_stop(loop, &runner->again);
	deathwatch_stop(&runner->death);
	if (runner->report_fd >= 0)
		ev_io_stop(loop, &runner->report);
	fdio_close(&runner->report_fd);
	probe_release(&runner->probe);
	stopping_release(runner);
	mover_stop(&runner->mover);
	tree_release(&runner->tree);
	free(runner);
}

/* It ended unsupervised before it was ready: what was handed on to hear it is nobody's, also where
 * its name was removed with the run directory. */
static bool leaves_probe(const struct runner *runner)
{
	const struct instance *instance = &runner->instance;

	return runner->adopted && runner->probe.app == NULL && instance->up_mono == 0 &&
	       instance->config->ready == READY_NOTIFY;
}

void runner_free(struct runner *runner)
{
	struct app *app = runner->app;

	if (leaves_probe(runner))
		probe_forget(app, runner->instance.dyno, runner->instance.launch);
	probe_stop(&runner->probe);
	launch_remove_files(app, runner->instance.dyno, runner->instance.launch);
	guardqueue_drop(&app->guard, runner->fifo);
	told_forget(&app->told, runner->instance.dyno, runner->instance.launch);
	runner_release(runner);
}
