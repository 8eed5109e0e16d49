/* supervisor: see the header. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fdio.h"
#include "guardlink.h"
#include "lockfile.h"
#include "log.h"
#include "xmalloc.h"

/* How long the socket of a supervisor that was killed may still answer. */
#define LAST_BREATH NSEC_PER_SEC

/* A guard that cannot be executed now may be later. */
#define GUARD_AGAIN (10 * NSEC_PER_SEC)

enum {
	REAP_BATCH = 256,
	HELD_MAX = 32768
};

/* ---- children ---- */

struct reaped {
	struct runner *runner; /* whose main process it was; NULL: nobody's */
	pid_t pid;
	struct proc_exit exit;
};

/* As of waitpid(2). */
static int wait_status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status;
}

/* Before it is reaped: should we die before that is in its record, the next supervisor still finds
 * it. */
static void note_exit(
	struct supervisor *supervisor, const struct runner *runner, const siginfo_t *info)
{
	if (guardlink_note_exit(supervisor->app.run_dir, runner->tree.main, wait_status_of(info)) <
		0)
		log_debug("an exit cannot be noted: %s", strerror(errno));
}

/* None of the pids is used any more when this returns, since they may be others' now. */
static size_t reap(struct supervisor *supervisor, struct reaped *out, size_t max)
{
	size_t count = 0;
	int status;

	while (count < max) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			break;
		struct runner *runner = formation_find_main(&supervisor->formation, info.si_pid);
		if (runner != NULL)
			note_exit(supervisor, runner, &info);
		if (waitpid(info.si_pid, &status, WNOHANG) != info.si_pid)
			continue;
		if (runner != NULL)
			runner_reaped(runner);
		out[count++] = (struct reaped){
			.runner = runner, .pid = info.si_pid, .exit = proc_exit_from_wait(status)};
	}
	return count;
}

/*
 * First all that can be reaped, then what it means: whoever is told looks at the processes, and one
 * snapshot taken after the last reaping serves them all.
 */
static void child_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct supervisor *supervisor = watcher->data;
	struct reaped batch[REAP_BATCH];
	size_t count;

	(void)revents;
	count = reap(supervisor, batch, REAP_BATCH);
	app_tree_expire(&supervisor->app);
	for (size_t i = 0; i < count; i++)
		if (batch[i].runner != NULL)
			runner_main_exited(batch[i].runner, batch[i].exit);
		else
			log_debug("reaped %d, which was nobody's main process", (int)batch[i].pid);
	slices_settle(&supervisor->formation);
	if (count == REAP_BATCH)
		ev_feed_event(loop, watcher, EV_SIGNAL);
}

/* ---- for the next one ---- */

const char supervisor_kept[] = "config.ini";

void supervisor_keep(struct supervisor *supervisor)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	ending_keep(&supervisor->ending);
	if (out == NULL)
		return;
	config_print(supervisor->app.config, out);
	if (fclose(out) == 0)
		app_keep(&supervisor->app, supervisor_kept, text, size);
	free(text);
	/* Who asks whether the file has changed since compares its time with this one. */
	const struct timespec times[] = {supervisor->kept, supervisor->kept};
	utimensat(supervisor->app.run_dir, supervisor_kept, times, 0);
}

static void look_kept(struct supervisor *supervisor)
{
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &supervisor->kept);
	if (supervisor->order->again &&
		fstatat(supervisor->app.run_dir, supervisor_kept, &st, AT_SYMLINK_NOFOLLOW) == 0)
		supervisor->kept = st.st_mtim;
}

/* ---- the end ---- */

/* What the guard is to hold has been handed over, and no wish is left of which the next one would
 * not know. */
static bool may_upgrade(const struct supervisor *supervisor)
{
	return supervisor->app.guard.count == 0 && supervisor->formation.slices.wishes == 0;
}

static void tell_started(struct supervisor *supervisor)
{
	if (!supervisor->starting || supervisor->formation.slices.wishes > 0)
		return;
	supervisor->starting = false;
	guardqueue_tell(&supervisor->app.guard, GUARDLINK_STARTED, -1);
}

static void end_check_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
	struct supervisor *supervisor = watcher->data;
	bool over = supervisor->upgrading ? may_upgrade(supervisor)
					  : ending_is_over(&supervisor->ending);

	(void)revents;
	tell_started(supervisor);
	if (over && (supervisor->may_end == NULL || supervisor->may_end(supervisor->may_end_arg)))
		ev_break(loop, EVBREAK_ALL);
}

static void end_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	struct supervisor *supervisor = watcher->data;
	char reason[64];

	(void)loop;
	(void)revents;
	snprintf(reason, sizeof reason, "%s received", signal_name(watcher->signum));
	ending_demand(&supervisor->ending, reason);
}

void supervisor_give_way(struct supervisor *supervisor)
{
	struct app *app = &supervisor->app;

	if (app->is_ousted)
		return;
	log_warn("%s and %s were removed under this supervisor, and another one has taken the "
		 "application; this one stops its dynos and ends",
		app->config->state_dir, app->config->run_dir);
	app->is_ousted = true;
	if (!supervisor->ending.begun)
		ending_demand(&supervisor->ending, "another supervisor runs");
}

void supervisor_upgrade(struct supervisor *supervisor)
{
	if (supervisor->ending.begun)
		return;
	app_note(&supervisor->app, NULL, 0,
		"Upgrading: the installed program takes over, the dynos run on");
	/* Without a guard it is this process that executes the program. */
	if (supervisor->app.guard_pid == 0)
		timer_set(supervisor->loop, &supervisor->guard_again, clock_mono());
	else
		supervisor->upgrading = true;
}

static void upgrade_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	(void)loop;
	(void)revents;
	supervisor_upgrade(watcher->data);
}

static void debug_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
	(void)loop;
	(void)watcher;
	(void)revents;
	log_set_debug(!log_is_debug());
	log_info("debug lines are %s", log_is_debug() ? "on" : "off");
}

static const struct {
	int signo;
	void (*cb)(struct ev_loop *, ev_signal *, int);
} signal_table[] = {
	{SIGCHLD, child_cb},
	{SIGTERM, end_cb},
	{SIGINT, end_cb},
	{SIGHUP, end_cb},
	{SIGUSR1, debug_cb},
	{SIGUSR2, upgrade_cb},
};

static void watch_signals(struct supervisor *supervisor)
{
	sigset_t none;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write beyond the limit of file sizes fails instead */
	for (size_t i = 0; i < sizeof signal_table / sizeof *signal_table; i++) {
		ev_signal *watcher = &supervisor->signals[i];
		ev_signal_init(watcher, signal_table[i].cb, signal_table[i].signo);
		watcher->data = supervisor;
		ev_signal_start(supervisor->loop, watcher);
	}
	/* Our guard blocked them, so that none could come before this. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* ---- the guard ---- */

/* The application's zone is ours, and nobody's whom we start. */
static void set_zone(const char *zone)
{
	if (zone != NULL)
		setenv("TZ", zone, 1);
	else
		unsetenv("TZ");
	tzset();
}

/*
 * Whatever the guard reaps may be the last process of an instance that was adopted. As with our own
 * children, one snapshot taken after the last of them serves all.
 */
static void hear_exits(
	struct supervisor *supervisor, const struct guardlink_message *messages, size_t count)
{
	app_tree_expire(&supervisor->app);
	for (size_t i = 0; i < count; i++)
		formation_guard_reaped(&supervisor->formation, messages[i].id,
			proc_exit_from_wait(messages[i].wait_status));
	slices_settle(&supervisor->formation);
}

/*
 * The guard is dead. We are the parent of what we launched and cannot give that away, so we become
 * the guard and start a supervisor, which adopts everything from us.
 */
static void become_guard(struct supervisor *supervisor)
{
	static int held[HELD_MAX];

	slices_finish(&supervisor->formation); /* the next one would not know of the wishes */
	unsigned count = formation_held(&supervisor->formation, held, HELD_MAX);
	saving_write_all(&supervisor->formation);
	set_zone(supervisor->zone_before);
	guard_become(supervisor->order, held, count);
	int error = errno;
	if (supervisor->app.config->timezone != NULL)
		set_zone(supervisor->app.config->timezone);
	timer_set(supervisor->loop, &supervisor->guard_again, clock_mono() + GUARD_AGAIN);
	errno = error;
}

static void guard_again_fired(void *owner)
{
	become_guard(owner);
}

static void lose_guard(struct supervisor *supervisor)
{
	ev_io_stop(supervisor->loop, &supervisor->guard);
	guardqueue_close(&supervisor->app.guard);
	supervisor->app.guard_pid = 0;
	log_warn("the guard is dead; this process takes its place and starts a new supervisor");
	become_guard(supervisor);
	supervisor->upgrading = false; /* there is nobody to do it but us */
	log_warn("%s cannot be executed: %s; there is no guard now, and it is tried again every %d "
		 "s",
		supervisor->order->program, strerror(errno), (int)(GUARD_AGAIN / NSEC_PER_SEC));
}

static void guard_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct supervisor *supervisor = watcher->data;
	struct guardlink_message batch[REAP_BATCH];
	size_t count = 0;
	int fd, result = 0;

	(void)loop;
	(void)revents;
	while (count < REAP_BATCH &&
		(result = guardlink_receive(supervisor->app.guard.link, &batch[count], &fd)) > 0) {
		count += batch[count].kind == GUARDLINK_EXIT;
		fdio_close(&fd);
	}
	if (count > 0)
		hear_exits(supervisor, batch, count);
	if (result < 0)
		lose_guard(supervisor);
}

void supervisor_ready(struct supervisor *supervisor)
{
	guardqueue_tell(&supervisor->app.guard, GUARDLINK_READY, -1);
}

/* ---- life ---- */

/* We hold the lock, so whoever listens there belongs to another application, if it is not the last
 * breath of one of ours. */
static bool is_taken(const char *run_dir)
{
	char *path = xasprintf("%s/control.sock", run_dir);
	nsec_t end = clock_mono() + LAST_BREATH;
	bool taken;

	while ((taken = fdio_is_listening(path)) && clock_mono() < end)
		poll(NULL, 0, 10);
	free(path);
	return taken;
}

/* One that is gone is made anew. Where that cannot be, or where the place is another user's or
 * another application's by now, there is nothing left to go on with. */
static bool is_usable(const char *run_dir)
{
	struct cause cause;

	return fdio_make_dirs(run_dir, &cause) == 0 && eaccess(run_dir, R_OK | W_OK | X_OK) == 0 &&
	       !is_taken(run_dir);
}

/* False when nobody was there before. */
static bool stay(int lock, struct config *config)
{
	char *before = lockfile_run_dir(lock);
	bool left = before != NULL;

	if (left && is_usable(before))
		config_set_run_dir(config, before);
	free(before);
	return left;
}

static int settle(int lock, struct config *config, bool *left, struct cause *cause)
{
	*left = stay(lock, config);
	if (config_make_run_dir(config, cause) < 0)
		return -1;
	if (is_taken(config->run_dir))
		return cause_set(cause,
			"the supervisor of another application listens in %s; set run_dir to "
			"another directory",
			config->run_dir);
	lockfile_write(lock, config->run_dir);
	return 0;
}

int supervisor_lock(struct config *config, bool *running, bool *left, struct cause *cause)
{
	*running = *left = false;
	if (config_make_state_dir(config, cause) < 0)
		return -1;
	int lock = lockfile_take(config->state_dir);
	if (lock >= 0 && settle(lock, config, left, cause) == 0)
		return lock;
	if (lock >= 0) {
		close(lock);
		return -1;
	}
	*running = errno == EAGAIN;
	if (*running)
		return cause_set(cause, "a supervisor of %s runs already (it holds %s/lock)",
			config->name, config->state_dir);
	return cause_errno(cause, "cannot lock %s/lock", config->state_dir);
}

static void say_start(struct supervisor *supervisor)
{
	struct event event;

	event_begin(&event, EVENT_SUPERVISOR_START, clock_wall(), NULL, 0);
	event_int(&event, "pid", getpid());
	event_str(&event, "version", GRACECTL_VERSION);
	app_publish(&supervisor->app, &event);
	event_release(&event);
}

int supervisor_open(struct supervisor *supervisor, const struct config *config,
	const struct guard_order *order, int link, struct cause *cause)
{
	*supervisor = (struct supervisor){.order = order};
	supervisor->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (supervisor->loop == NULL)
		return cause_set(cause, "no event loop: the kernel offers neither epoll nor poll");
	if (app_open(&supervisor->app, supervisor->loop, config, cause) < 0)
		return -1;
	supervisor->app.lock = order->lock;
	guardqueue_open(&supervisor->app.guard, link);
	/* It may have been made anew just now. */
	guardqueue_tell(&supervisor->app.guard, GUARDLINK_RUN_DIR, supervisor->app.run_dir);
	supervisor->app.guard_pid = getppid();
	app_add_reaper(&supervisor->app, getppid());
	ev_io_init(&supervisor->guard, guard_cb, link, EV_READ);
	supervisor->guard.data = supervisor;
	timer_init(&supervisor->guard_again, guard_again_fired, supervisor);
	ev_io_start(supervisor->loop, &supervisor->guard);
	supervisor->zone_before = getenv("TZ") != NULL ? xstrdup(getenv("TZ")) : NULL;
	if (config->timezone != NULL)
		set_zone(config->timezone);
	spawn_raise_descriptors();
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_warn("orphans cannot be inherited: %s; processes that leave their parent may "
			 "be missed",
			strerror(errno));
	watch_signals(supervisor);
	say_start(supervisor);
	formation_open(&supervisor->formation, &supervisor->app);
	look_kept(supervisor);
	ending_open(&supervisor->ending, &supervisor->app, &supervisor->formation, order->again);
	ev_prepare_init(&supervisor->end_check, end_check_cb);
	supervisor->end_check.data = supervisor;
	ev_prepare_start(supervisor->loop, &supervisor->end_check);
	return 0;
}

void supervisor_start_all(struct supervisor *supervisor)
{
	if (supervisor->ending.begun)
		return;
	supervisor->starting = true;
	for (size_t i = 0; i < supervisor->formation.count; i++)
		place_want(&supervisor->formation.places[i], DYNO_START);
}

int supervisor_run(struct supervisor *supervisor)
{
	ev_run(supervisor->loop, 0);
	return supervisor->upgrading ? GUARDLINK_UPGRADE : 0;
}

/* What only a next supervisor would have needed; there may be another who does. */
static void remove_files(struct supervisor *supervisor)
{
	const char *const names[] = {guardlink_exits, guardlink_old_exits, supervisor_kept};

	guardqueue_tell(&supervisor->app.guard, GUARDLINK_DONE, -1);
	if (supervisor->app.is_ousted)
		return;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unlinkat(supervisor->app.run_dir, names[i], 0);
	ending_close(&supervisor->ending);
}

void supervisor_close(struct supervisor *supervisor)
{
	formation_close(&supervisor->formation);
	if (!supervisor->upgrading)
		remove_files(supervisor);
	app_close(&supervisor->app);
	for (size_t i = 0; i < sizeof signal_table / sizeof *signal_table; i++)
		ev_signal_stop(supervisor->loop, &supervisor->signals[i]);
	ev_prepare_stop(supervisor->loop, &supervisor->end_check);
	ev_io_stop(supervisor->loop, &supervisor->guard);
	timer_stop(supervisor->loop, &supervisor->guard_again);
	ev_loop_destroy(supervisor->loop);
	free(supervisor->zone_before);
}
