/* runner: see the header. */
#include "runner.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "log.h"
#include "port.h"
#include "xmalloc.h"

enum { MEMBERS_MAX = 4096, NAMES_MAX = 8, FILE_NAME_MAX = 128 };

#define SECOND_LOOK (5 * NSEC_PER_MSEC)
#define HOLDER_SEARCH (200 * NSEC_PER_MSEC)

/* How many times holders of the output are looked for before it is given up. */
enum { SEARCHES_MAX = 5 };

static void file_name(const struct runner *runner, const char *suffix, char name[static FILE_NAME_MAX])
{
	snprintf(name, FILE_NAME_MAX, "%s.%llu.%s", runner->instance.dyno,
		(unsigned long long)runner->instance.launch, suffix);
}

/* ---- the processes of the tree ---- */

static size_t members(struct runner *runner, const struct proc_stat **out)
{
	const struct proctree_query query = {
		.main = runner->instance.main,
		.known = runner->known,
		.known_count = runner->known_count,
		.mark = runner->mark,
	};
	size_t count = proctree_members(
		app_tree(runner->app), app_reaper(runner->app), &query, out, MEMBERS_MAX);

	return count < MEMBERS_MAX ? count : MEMBERS_MAX;
}

static bool is_known(const struct runner *runner, struct proc_id id)
{
	for (size_t i = 0; i < runner->known_count; i++)
		if (proc_same(runner->known[i], id))
			return true;
	return false;
}

/* From now on it belongs to the tree, even when it leaves the session and loses its parent. */
static void know(struct runner *runner, struct proc_id id)
{
	if (proc_same(id, runner->instance.main) || is_known(runner, id))
		return;
	runner->known = xreallocarray(runner->known, runner->known_count + 1, sizeof *runner->known);
	runner->known[runner->known_count++] = id;
}

static bool is_dead(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

/* Our own child keeps its pid until we reap it, so no pidfd is needed to be sure of it. */
static bool signal_main(struct runner *runner, int signo)
{
	const struct instance *instance = &runner->instance;

	return !instance->main_ended && instance->main.pid > 0 && kill(instance->main.pid, signo) == 0;
}

/* Signals every member that only_new does not exclude; returns how many. */
static unsigned signal_members(struct runner *runner, int signo, bool only_new)
{
	static const struct proc_stat *found[MEMBERS_MAX];
	size_t count = members(runner, found);
	unsigned sent = 0;

	for (size_t i = 0; i < count; i++) {
		struct proc_id id = found[i]->id;
		bool seen = is_known(runner, id) || proc_same(id, runner->instance.main);
		if (is_dead(found[i]) || (only_new && seen))
			continue;
		know(runner, id);
		if (proc_same(id, runner->instance.main) ? signal_main(runner, signo)
							 : proc_signal(id, signo) == 0)
			sent++;
	}
	return sent;
}

static unsigned op_signal(struct instance *instance, int signo, bool all)
{
	struct runner *runner = instance->owner;

	runner->signo = all ? signo : 0;
	if (!all)
		return signal_main(runner, signo);
	timer_set(runner->app->loop, &runner->again, clock_mono() + SECOND_LOOK);
	return signal_members(runner, signo, false);
}

/* Whoever was forked between the snapshot and the signal has not got it; look until nobody new turns up. */
static void again_fired(void *owner)
{
	struct runner *runner = owner;

	if (runner->signo != 0 && signal_members(runner, runner->signo, true) > 0)
		timer_set(runner->app->loop, &runner->again, clock_mono() + SECOND_LOOK);
}

static unsigned op_survey(struct instance *instance, struct buf *names)
{
	static const struct proc_stat *found[MEMBERS_MAX];
	struct runner *runner = instance->owner;
	size_t count = members(runner, found);
	unsigned alive = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_dead(found[i]))
			continue;
		know(runner, found[i]->id);
		if (++alive <= NAMES_MAX)
			buf_addf(names, "%s%d (%s)", alive > 1 ? ", " : "", (int)found[i]->id.pid,
				found[i]->name);
	}
	if (alive > NAMES_MAX)
		buf_addf(names, " and %u more", alive - NAMES_MAX);
	return alive;
}

/* ---- the other orders of the machine ---- */

static void op_timer(struct instance *instance, enum instance_timer which, nsec_t due)
{
	struct runner *runner = instance->owner;

	if (due != 0)
		timer_set(runner->app->loop, &runner->deadline[which], due);
	else
		timer_stop(runner->app->loop, &runner->deadline[which]);
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
	runner->changed(runner->owner, runner);
}

static const struct instance_ops runner_ops = {
	.signal = op_signal,
	.survey = op_survey,
	.timer = op_timer,
	.publish = op_publish,
	.changed = op_changed,
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

static void ready(void *owner)
{
	instance_handle(&((struct runner *)owner)->instance, INSTANCE_READY);
}

/* A listener that cannot be looked at is given the benefit of the doubt: its port was free when it was drawn. */
static bool owns_listener(void *owner, uint32_t inode)
{
	static const struct proc_stat *found[MEMBERS_MAX];
	struct runner *runner = owner;
	size_t count = members(runner, found);
	bool hidden = false;

	for (size_t i = 0; i < count; i++) {
		int owns = netwatch_owns(found[i]->id.pid, inode);
		if (owns > 0)
			return true;
		hidden = hidden || owns < 0;
	}
	return hidden;
}

/*
 * No process of the tree is left, yet somebody has the output open: a process that left no trace in the tree. Find it by the FIFO.
 */
static void find_holders(struct runner *runner)
{
	struct proctree *tree = app_tree(runner->app);
	struct stat st;

	if (fstat(runner->mover.fifo, &st) < 0)
		return;
	for (size_t i = 0; i < tree->count; i++) {
		pid_t pid = tree->entries[i].stat.id.pid;
		if (pid != getpid() && proc_can_write(pid, st.st_dev, st.st_ino))
			know(runner, tree->entries[i].stat.id);
	}
}

static void give_up_output(struct runner *runner)
{
	app_note(runner->app, runner->instance.dyno, runner->instance.launch,
		"Its processes are gone, but its output is still held open by a process that cannot be "
		"found; what that writes is not logged");
	mover_stop(&runner->mover);
}

/* True when the output has ended too. Otherwise arranges to look again. */
static bool output_has_ended(struct runner *runner)
{
	if (mover_drain(&runner->mover))
		return true;
	if (runner->searches++ >= SEARCHES_MAX) {
		give_up_output(runner);
		return true;
	}
	find_holders(runner);
	timer_set(runner->app->loop, &runner->again, clock_mono() + HOLDER_SEARCH);
	return false;
}

void runner_check_empty(struct runner *runner)
{
	static const struct proc_stat *found[MEMBERS_MAX];
	struct instance *instance = &runner->instance;

	if (instance->state != INSTANCE_STOPPING || !instance->main_ended)
		return;
	if (members(runner, found) > 0 || !output_has_ended(runner))
		return;
	timer_stop(runner->app->loop, &runner->again);
	instance_handle(instance, INSTANCE_EMPTY);
}

static void again_or_check_fired(void *owner)
{
	struct runner *runner = owner;

	again_fired(runner);
	runner_check_empty(runner);
}

static void output_ended(void *owner)
{
	(void)owner; /* the end of the processes decides, and asks for the output */
}

static void tell_launch_failed(struct runner *runner)
{
	struct event event;

	event_begin(&event, EVENT_LAUNCH_FAILED, clock_wall(), runner->instance.dyno, runner->instance.launch);
	event_str(&event, "command", runner->instance.config->command);
	event_str(&event, "reason", runner->instance.failure);
	app_publish(runner->app, &event);
	event_release(&event);
}

/* Reads what the child had to say about its exec; silence and the end of the pipe mean that it worked. */
static void hear_report(struct runner *runner)
{
	struct spawn_failure failure;

	if (runner->report_fd < 0)
		return;
	ssize_t n = read(runner->report_fd, &failure, sizeof failure);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	ev_io_stop(runner->app->loop, &runner->report);
	fdio_close(&runner->report_fd);
	if (n == (ssize_t)sizeof failure) {
		spawn_failure_text(&failure, runner->instance.config->workdir,
			runner->instance.failure, sizeof runner->instance.failure);
		tell_launch_failed(runner);
	} else if (runner->instance.config->ready == READY_NONE) {
		ready(runner);
	}
}

static void report_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	hear_report(watcher->data);
}

void runner_main_exited(struct runner *runner, struct proc_exit exit)
{
	hear_report(runner);
	runner->instance.main_ended = true;
	runner->instance.exit = exit;
	instance_handle(&runner->instance, INSTANCE_MAIN_EXIT);
}

/* ---- launch ---- */

static void set_user_env(struct strlist *env, const struct process_config *config)
{
	const struct passwd *user = config->user != NULL ? getpwnam(config->user) : NULL;

	if (user == NULL)
		return;
	strlist_setenv(env, "USER", user->pw_name);
	strlist_setenv(env, "LOGNAME", user->pw_name);
	strlist_setenv(env, "HOME", user->pw_dir);
}

static void add_config_env(struct strlist *env, const struct strlist *from)
{
	for (size_t i = 0; i < from->count; i++) {
		char *copy = xstrdup(from->items[i]);
		char *equals = strchr(copy, '=');
		*equals = '\0';
		strlist_setenv(env, copy, equals + 1);
		free(copy);
	}
}

static void make_env(const struct runner *runner, struct strlist *env)
{
	char number[16];

	strlist_copy(env, &runner->app->env);
	set_user_env(env, runner->instance.config);
	add_config_env(env, &runner->instance.config->env);
	strlist_setenv(env, "DYNO", runner->instance.dyno);
	strlist_setenv(env, PROCTREE_MARK, runner->mark);
	snprintf(number, sizeof number, "%u", runner->instance.port);
	if (runner->instance.port != 0)
		strlist_setenv(env, "PORT", number);
	if (runner->probe.notify[0] != '\0') {
		char *path = xasprintf("%s/%s", runner->app->config->run_dir, runner->probe.notify);
		strlist_setenv(env, "NOTIFY_SOCKET", path);
		free(path);
	}
}

/* The command as it is logged: with its port, as a shell would put it in. */
static char *shown_command(const char *command, uint16_t port)
{
	static const char *const variables[] = {"${PORT}", "$PORT"};
	struct buf out = BUF_INIT;

	for (const char *at = command; *at != '\0';) {
		size_t len = 0;
		for (size_t i = 0; i < 2 && len == 0 && port != 0; i++)
			if (strncmp(at, variables[i], strlen(variables[i])) == 0)
				len = strlen(variables[i]);
		if (len > 0)
			buf_addf(&out, "%u", port);
		else
			buf_addc(&out, *at);
		at += len > 0 ? len : 1;
	}
	return buf_detach(&out);
}

static void tell_launch(struct runner *runner)
{
	char *command = shown_command(runner->instance.config->command, runner->instance.port);
	struct event event;

	event_begin(&event, EVENT_LAUNCH, clock_wall(), runner->instance.dyno, runner->instance.launch);
	event_str(&event, "command", command);
	event_int(&event, "pid", runner->instance.main.pid);
	event_int(&event, "port", runner->instance.port);
	app_publish(runner->app, &event);
	event_release(&event);
	free(command);
}

static int choose_port(struct runner *runner, unsigned number, struct cause *cause)
{
	const struct process_config *config = runner->instance.config;

	if (config->port_kind == PORT_NONE)
		return 0;
	runner->instance.port = config->port_kind == PORT_FIXED ? (uint16_t)(config->port + number - 1)
								: port_choose(cause);
	return runner->instance.port == 0 ? -1 : 0;
}

static int make_fifo(struct runner *runner, const char *name, struct cause *cause)
{
	const struct process_config *config = runner->instance.config;
	struct segment_limits limits = {.piece = config->log_segment, .keep = config->log_keep};

	unlinkat(runner->app->run_dir, name, 0);
	if (mkfifoat(runner->app->run_dir, name, 0600) < 0 ||
		mover_start(&runner->mover, runner->app, name, runner->instance.dyno,
			runner->instance.launch, limits, output_ended, runner) < 0)
		return cause_errno(cause, "cannot create its output %s/%s", runner->app->config->run_dir, name);
	return 0;
}

static int spawn(struct runner *runner, const char *fifo, struct cause *cause)
{
	const struct process_config *config = runner->instance.config;
	struct strlist env = STRLIST_INIT;
	char record[FILE_NAME_MAX];

	file_name(runner, "id", record);
	make_env(runner, &env);
	const struct spawn order = {
		.command = config->command,
		.env = &env,
		.workdir = config->workdir,
		.switch_user = config->user != NULL,
		.switch_group = config->group != NULL,
		.user = config->user,
		.uid = config->uid,
		.gid = config->gid,
		.umask = config->umask,
		.run_dir = runner->app->run_dir,
		.fifo = fifo,
		.record = record,
	};
	pid_t pid = spawn_start(&order, &runner->report_fd, cause);
	strlist_release(&env);
	if (pid < 0)
		return -1;
	if (!proc_identify(pid, &runner->instance.main))
		runner->instance.main = (struct proc_id){.pid = pid};
	return 0;
}

/* Everything that a launch needs, in order. What was made is undone by runner_free(). */
static int launch(struct runner *runner, unsigned number, struct cause *cause)
{
	char fifo[FILE_NAME_MAX];

	file_name(runner, "out", fifo);
	if (choose_port(runner, number, cause) < 0 ||
		probe_prepare(&runner->probe, runner->app, runner->instance.config,
			runner->instance.dyno, runner->instance.launch, cause) < 0 ||
		make_fifo(runner, fifo, cause) < 0 || spawn(runner, fifo, cause) < 0)
		return -1;
	ev_io_init(&runner->report, report_cb, runner->report_fd, EV_READ);
	runner->report.data = runner;
	ev_io_start(runner->app->loop, &runner->report);
	return 0;
}

/* A launch that failed becomes an end like any other, but not before the caller has its runner. */
static void launch_failed_fired(void *owner)
{
	struct runner *runner = owner;

	timer_init(&runner->again, again_or_check_fired, runner);
	mover_stop(&runner->mover);
	runner_main_exited(runner, (struct proc_exit){0});
	runner_check_empty(runner);
}

static struct runner *runner_new(struct app *app, void (*changed)(void *, struct runner *), void *owner)
{
	struct runner *runner = xcalloc(1, sizeof *runner);

	runner->app = app;
	runner->changed = changed;
	runner->owner = owner;
	runner->report_fd = -1;
	runner->mover.fifo = -1;
	timer_init(&runner->deadline[INSTANCE_TIMER_BOOT], boot_fired, runner);
	timer_init(&runner->deadline[INSTANCE_TIMER_RUNG], rung_fired, runner);
	timer_init(&runner->again, again_or_check_fired, runner);
	return runner;
}

struct runner *runner_launch(struct app *app, const struct process_config *config, unsigned number,
	uint64_t launch_number, void (*changed)(void *owner, struct runner *runner), void *owner)
{
	struct runner *runner = runner_new(app, changed, owner);
	char dyno[sizeof runner->instance.dyno];
	struct cause cause;

	snprintf(dyno, sizeof dyno, "%s.%u", config->name, number);
	instance_init(&runner->instance, &runner_ops, runner, config, dyno, launch_number);
	runner->mark = xasprintf("%s/%s/%llu", app->config->name, dyno, (unsigned long long)launch_number);
	if (launch(runner, number, &cause) < 0) {
		snprintf(runner->instance.failure, sizeof runner->instance.failure, "%s", cause.text);
		tell_launch_failed(runner);
		timer_init(&runner->again, launch_failed_fired, runner);
		timer_set(app->loop, &runner->again, clock_mono());
		return runner;
	}
	tell_launch(runner);
	probe_start(&runner->probe, runner->instance.port, owns_listener, ready, runner);
	return runner;
}

/* ---- the end ---- */

void runner_abandon(struct runner *runner)
{
	struct ev_loop *loop = runner->app->loop;

	for (size_t i = 0; i < INSTANCE_TIMERS; i++)
		timer_stop(loop, &runner->deadline[i]);
	timer_stop(loop, &runner->again);
	if (runner->report_fd >= 0)
		ev_io_stop(loop, &runner->report);
	fdio_close(&runner->report_fd);
	probe_stop(&runner->probe);
	mover_stop(&runner->mover);
	free(runner->known);
	free(runner->mark);
	free(runner);
}

void runner_free(struct runner *runner)
{
	static const char *const suffixes[] = {"out", "id"};
	char name[FILE_NAME_MAX];

	for (size_t i = 0; i < 2; i++) {
		file_name(runner, suffixes[i], name);
		unlinkat(runner->app->run_dir, name, 0);
	}
	runner_abandon(runner);
}
