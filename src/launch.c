/* launch: see the header. */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dynoenv.h"
#include "fdio.h"
#include "instancefile.h"
#include "port.h"
#include "runner.h"
#include "spawn.h"
#include "xmalloc.h"

/* ---- what is told of it ---- */

void launch_tell(struct runner *runner)
{
	char *command =
		dynoenv_show_command(runner->instance.config->command, runner->instance.port);
	struct event event;

	event_begin(
		&event, EVENT_LAUNCH, clock_wall(), runner->instance.dyno, runner->instance.launch);
	event_str(&event, "command", command);
	event_int(&event, "pid", runner->instance.main.pid);
	event_int(&event, "port", runner->instance.port);
	app_publish(runner->app, &event);
	event_release(&event);
	free(command);
}

void launch_tell_failed(struct runner *runner)
{
	struct event event;

	event_begin(&event, EVENT_LAUNCH_FAILED, clock_wall(), runner->instance.dyno,
		runner->instance.launch);
	event_str(&event, "command", runner->instance.config->command);
	event_str(&event, "reason", runner->instance.failure);
	app_publish(runner->app, &event);
	event_release(&event);
}

/* ---- readiness ---- */

static void ready(void *owner)
{
	instance_handle(&((struct runner *)owner)->instance, INSTANCE_READY);
}

/* A listener that cannot be looked at is given the benefit of the doubt: its port was free when it
 * was drawn. */
static bool owns_listener(void *owner, uint32_t inode)
{
	struct runner *runner = owner;

	return tree_owns_socket(&runner->tree, inode) != 0;
}

void launch_await_ready(struct runner *runner)
{
	probe_start(&runner->probe, runner->instance.port, owns_listener, ready, runner);
}

/* ---- the report of its exec ---- */

static void take_failure(struct runner *runner, const struct spawn_failure *failure)
{
	struct instance *instance = &runner->instance;

	spawn_failure_text(
		failure, instance->config->workdir, instance->failure, sizeof instance->failure);
	instance->lacking = spawn_failure_is_lack(failure);
	launch_tell_failed(runner);
}

void launch_learn_failure(struct runner *runner)
{
	struct spawn_record record;
	char name[INSTANCEFILE_NAME];

	if (runner->instance.failure[0] != '\0')
		return;
	instancefile_name(
		name, runner->instance.dyno, runner->instance.launch, INSTANCEFILE_RECORD);
	if (spawn_read_record(runner->app->run_dir, name, &record) && record.failed)
		take_failure(runner, &record.failure);
}

void launch_hear(struct runner *runner)
{
	struct spawn_failure failure;

	if (runner->report_fd < 0)
		return;
	ssize_t n = read(runner->report_fd, &failure, sizeof failure);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	ev_io_stop(runner->app->loop, &runner->report);
	fdio_close(&runner->report_fd);
	if (n == (ssize_t)sizeof failure)
		take_failure(runner, &failure);
	else if (runner->instance.config->ready == READY_NONE)
		ready(runner);
}

static void report_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	launch_hear(watcher->data);
}

/* ---- output ---- */

int launch_open_output(struct runner *runner, const char *fifo)
{
	const struct process_config *config = runner->instance.config;
	struct segment_limits limits = {.piece = config->log_segment, .keep = config->log_keep};
	struct stat st;

	if (mover_start(&runner->mover, runner->app, fifo, runner->instance.dyno,
		    runner->instance.launch, limits) < 0)
		return -1;
	if (fstat(runner->mover.fifo, &st) == 0)
		runner->fifo = st.st_ino;
	guardqueue_hold(&runner->app->guard, runner->mover.fifo);
	return 0;
}

/* A program that runs as another user may open /dev/stdout, which is this. */
static int give_output(struct runner *runner, const char *fifo)
{
	const struct process_config *config = runner->instance.config;

	return config->user == NULL
		       ? 0
		       : fchownat(runner->app->run_dir, fifo, config->uid, (gid_t)-1, 0);
}

static int make_output(struct runner *runner, const char *fifo, struct cause *cause)
{
	unlinkat(runner->app->run_dir, fifo, 0);
	if (mkfifoat(runner->app->run_dir, fifo, 0600) < 0 || give_output(runner, fifo) < 0 ||
		launch_open_output(runner, fifo) < 0)
		return cause_errno(cause, "cannot create its output %s/%s",
			runner->app->config->run_dir, fifo);
	if (fdio_is_spare(runner->mover.fifo, FDIO_FOR_CLIENTS))
		return cause_set(cause,
			"the supervisor has no descriptors left for it: %s; raise their limit "
			"(`ulimit -Hn`, or LimitNOFILE= of systemd) and start the supervisor anew",
			strerror(EMFILE));
	return 0;
}

/* ---- the launch ---- */

static int choose_port(struct runner *runner, unsigned number, struct cause *cause)
{
	const struct process_config *config = runner->instance.config;

	if (config->port_kind == PORT_NONE)
		return 0;
	runner->instance.port = config->port_kind == PORT_FIXED
					? (uint16_t)(config->port + number - 1)
					: port_choose(cause);
	return runner->instance.port == 0 ? -1 : 0;
}

static int spawn(struct runner *runner, const char *fifo, struct cause *cause)
{
	const struct process_config *config = runner->instance.config;
	struct instance *instance = &runner->instance;
	struct strlist env = STRLIST_INIT;
	char record[INSTANCEFILE_NAME];
	char *notify = NULL;

	if (runner->probe.notify[0] != '\0')
		notify = xasprintf("%s/%s", runner->app->config->run_dir, runner->probe.notify);
	dynoenv_make(&env, runner->app, config, instance->dyno, runner->tree.mark, instance->port,
		notify);
	const struct spawn order = {
		.command = config->command,
		.env = &env,
		.workdir = config->workdir,
		.switch_user = config->user != NULL,
		.switch_group = config->group != NULL,
		.user = config->user_name,
		.uid = config->uid,
		.gid = config->gid,
		.umask = config->umask,
		.run_dir = runner->app->run_dir,
		.fifo = fifo,
		.record = instancefile_name(
			record, instance->dyno, instance->launch, INSTANCEFILE_RECORD),
	};
	pid_t pid = spawn_start(&order, &runner->report_fd, cause);
	strlist_release(&env);
	free(notify);
	if (pid < 0)
		return -1;
	if (!proc_identify(pid, &instance->main))
		instance->main = (struct proc_id){.pid = pid};
	runner->tree.main = instance->main;
	runner->tree.main_is_child = true;
	return 0;
}

int launch_start(struct runner *runner, unsigned number, struct cause *cause)
{
	char fifo[INSTANCEFILE_NAME];

	instancefile_name(
		fifo, runner->instance.dyno, runner->instance.launch, INSTANCEFILE_OUTPUT);
	if (choose_port(runner, number, cause) < 0 ||
		probe_prepare(&runner->probe, runner->app, runner->instance.config,
			runner->instance.dyno, runner->instance.launch, cause) < 0 ||
		make_output(runner, fifo, cause) < 0 || spawn(runner, fifo, cause) < 0)
		return -1;
	ev_io_init(&runner->report, report_cb, runner->report_fd, EV_READ);
	runner->report.data = runner;
	ev_io_start(runner->app->loop, &runner->report);
	return 0;
}

void launch_remove_files(struct app *app, const char *dyno, uint64_t launch)
{
	char name[INSTANCEFILE_NAME];

	instancefile_name(name, dyno, launch, INSTANCEFILE_NOTIFY);
	if (faccessat(app->run_dir, name, F_OK, 0) == 0)
		probe_forget(app, dyno, launch);
	for (int which = 0; which < INSTANCEFILES; which++)
		unlinkat(app->run_dir,
			instancefile_name(name, dyno, launch, (enum instancefile)which), 0);
}
