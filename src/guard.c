/* guard: see the header. */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "guardhold.h"
#include "guardlink.h"
#include "ladder.h"
#include "log.h"
#include "proc.h"
#include "spawn.h"

enum {
	ARGS_MAX = 20,
	NUMBER_TEXT = 16,
	STATUS_FAILED = 1,
	STATUS_CANNOT_EXEC = 126
};

/* A supervisor that lived that long had no trouble starting; the pauses begin anew. */
#define HEALTHY (NSEC_PER_SEC)
#define PAUSE_STEP (100 * NSEC_PER_MSEC)
#define PAUSE_MAX (NSEC_PER_SEC)

/* All state of the guard; no heap. */
static struct {
	const struct guard_order *order;
	struct cause *cause; /* see guard_run() */
	struct guardhold holds;
	pid_t supervisor;  /* 0: none runs */
	int link;	   /* our end, -1: none */
	int signals;	   /* signalfd */
	bool ready;	   /* a supervisor has been ready once */
	bool started;	   /* what was to be started at first is launched */
	bool listens;	   /* the one that runs now is ready */
	bool done;	   /* the supervisor has done all that it had to */
	int pending;	   /* a signal to pass on to a supervisor that listens, 0: none */
	nsec_t born;	   /* monotonic: when the supervisor was started */
	nsec_t next;	   /* monotonic: when the next one is to be started */
	unsigned failures; /* deaths in a row of supervisors that did not live long */
	int trouble;	   /* why none could be started, as an errno; 0: one could */
	int ended;	   /* exit code when it has ended for good, -1 before */
} guard;

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static void keep_to_ourselves(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* ---- the supervisor ---- */

/* Builds argv of `gracectl -c FILE [-a APP] daemon ...`; numbers are written into texts. */
struct command_line {
	char *argv[ARGS_MAX];
	char texts[4][NUMBER_TEXT + 16];
	unsigned count;
	unsigned text_count;
};

static void add_arg(struct command_line *line, const char *arg)
{
	line->argv[line->count++] = (char *)arg;
}

static void add_number(struct command_line *line, const char *option, int number)
{
	char *text = line->texts[line->text_count++];

	snprintf(text, sizeof line->texts[0], "%s=%d", option, number);
	add_arg(line, text);
}

static void begin_line(struct command_line *line, const struct guard_order *order)
{
	*line = (struct command_line){0};
	add_arg(line, "gracectl");
	add_arg(line, "-c");
	add_arg(line, order->config_path);
	if (order->app != NULL) {
		add_arg(line, "-a");
		add_arg(line, order->app);
	}
	add_arg(line, "daemon");
	if (order->debug)
		add_arg(line, "--debug");
	add_number(line, "--lock-fd", order->lock);
}

/*
 * In its own session, so that Ctrl-C reaches it once, through us. Signals stay blocked until it
 * hears them itself: one that comes while it starts is not lost, and does not kill it.
 */
static _Noreturn void become_supervisor(int link)
{
	const struct guard_order *order = guard.order;
	struct command_line line;

	begin_line(&line, order);
	add_number(&line, "--guard-fd", link);
	keep_open(link);
	keep_open(order->lock);
	guardhold_hand_on_nameless(&guard.holds);
	if (!guard.ready && order->ready_fd >= 0) {
		add_number(&line, "--ready-fd", order->ready_fd);
		keep_open(order->ready_fd);
	}
	if (guard.ready || order->adopt)
		add_arg(&line, "--again");
	if (order->start && !order->adopt && !guard.started)
		add_arg(&line, "--start");
	setsid();
	spawn_restore_descriptors();
	execv(order->program, line.argv);
	execv("/proc/self/exe", line.argv);
	_exit(STATUS_CANNOT_EXEC);
}

static void plan_next(void)
{
	nsec_t pause = PAUSE_STEP * (nsec_t)guard.failures;

	guard.next = clock_mono() + (pause < PAUSE_MAX ? pause : PAUSE_MAX);
}

/* Returns 0, or -1 with errno when there is none. */
static int fork_supervisor(void)
{
	int ends[2];

	if (guardlink_pair(ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0)
		become_supervisor(ends[1]);
	int saved = errno;
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		errno = saved;
		return -1;
	}
	guard.supervisor = pid;
	guard.link = ends[0];
	return 0;
}

/* No process is left to be adopted, and no output to be read. */
static bool is_all_gone(void)
{
	siginfo_t info;

	return guardhold_is_empty(&guard.holds) &&
	       waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD;
}

/* Later there may be one again, for the sake of what runs. The trouble is told once. */
static void go_without(int error)
{
	if (error != guard.trouble)
		log_warn("no supervisor can be started: %s", strerror(error));
	guard.trouble = error;
	guard.failures++;
	plan_next();
	if (guard.pending != 0 && is_all_gone()) {
		log_info("%s, and nothing runs: this was the end", signal_name(guard.pending));
		guard.ended = 0;
	}
}

static void give_up(int error)
{
	cause_set(guard.cause, "no supervisor can be started: %s", strerror(error));
	guard.ended = STATUS_FAILED;
}

static void start_supervisor(void)
{
	guard.next = 0;
	guard.born = clock_mono();
	if (fork_supervisor() == 0)
		guard.trouble = 0;
	else if (guard.ready)
		go_without(errno);
	else
		give_up(errno);
}

/* Replaces ourselves by what is installed now; what runs stays ours. */
static void upgrade(void)
{
	static int keep[GUARDHOLD_MAX];

	guard_become(guard.order, keep, guardhold_list(&guard.holds, keep));
	log_warn("%s cannot be executed: %s; the old program goes on", guard.order->program,
		strerror(errno));
	start_supervisor();
}

static void hear_supervisor(void);

static void supervisor_died(int wait_status)
{
	hear_supervisor(); /* its last words */
	bool exited = WIFEXITED(wait_status);
	bool healthy = clock_mono() - guard.born > HEALTHY;

	guard.supervisor = 0;
	guard.listens = false;
	if (guard.link >= 0)
		close(guard.link);
	guard.link = -1;
	if (guard.done || (exited && WEXITSTATUS(wait_status) == 0)) {
		guard.ended = 0;
	} else if (exited && WEXITSTATUS(wait_status) == GUARDLINK_UPGRADE) {
		upgrade();
	} else if (exited && !guard.ready) {
		guard.ended =
			WEXITSTATUS(wait_status); /* it could not even start, and has said why */
	} else {
		log_warn("the supervisor %s %d; the next one adopts what runs",
			exited ? "ended with status" : "was killed by signal",
			exited ? WEXITSTATUS(wait_status) : WTERMSIG(wait_status));
		guard.failures = healthy ? 0 : guard.failures + 1;
		/* The first death is answered at once. */
		if (guard.failures <= 1)
			start_supervisor();
		else
			plan_next();
	}
}

/* ---- what happens ---- */

/* Its identity must be read before it is reaped, since after that nothing is left of it. */
static void reap_one(pid_t pid)
{
	struct guardlink_message message = {.kind = GUARDLINK_EXIT, .id = {.pid = pid}};
	int status;

	if (pid != guard.supervisor)
		proc_identify(pid, &message.id);
	if (pid == guard.supervisor) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			supervisor_died(status);
		return;
	}
	siginfo_t info = {0};
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid == pid) {
		message.wait_status =
			info.si_code == CLD_EXITED ? info.si_status << 8 : info.si_status;
		if (guardlink_note_exit(guard.order->run_dir, message.id, message.wait_status) < 0)
			log_warn("the exit of process %d cannot be noted: %s", (int)pid,
				strerror(errno));
	}
	waitpid(pid, &status, WNOHANG);
	if (guard.link >= 0)
		guardlink_send(guard.link, &message, -1);
}

static void reap(void)
{
	for (;;) {
		siginfo_t info = {0};
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
			return;
		reap_one(info.si_pid);
	}
}

/* True when one came that somebody must live for, in order to stop things. */
static bool hear_signals(void)
{
	struct signalfd_siginfo info;
	bool came = false;

	while (read(guard.signals, &info, sizeof info) == (ssize_t)sizeof info) {
		int signo = (int)info.ssi_signo;
		if (signo == SIGCHLD)
			continue; /* reap() looks at every turn */
		if (signo == SIGUSR1 || signo == SIGUSR2) {
			if (guard.supervisor > 0)
				kill(guard.supervisor, signo);
			continue;
		}
		guard.pending = signo;
		came = true;
	}
	if (came && guard.next != 0)
		guard.next = clock_mono();
	return came;
}

/* One that does not listen yet might die with it. came: just now. */
static void pass_on(bool came)
{
	if (guard.pending != 0 && guard.listens) {
		kill(guard.supervisor, guard.pending);
		guard.pending = 0;
	} else if (came) {
		log_info("%s is kept until a supervisor listens", signal_name(guard.pending));
	}
}

/* From now on it is started again when it dies, and whoever waits for the first one has heard of
 * it. */
static void hear_ready(void)
{
	if (!guard.ready && guard.order->ready_fd >= 0)
		close(guard.order->ready_fd);
	guard.ready = guard.listens = true;
}

/* The supervisor had to make it anew. */
static void go_over(int fd, int own, const char *what)
{
	if (dup3(fd, own, O_CLOEXEC) < 0)
		log_warn("the guard cannot go over to the new %s: %s", what, strerror(errno));
	close(fd);
}

static void hear_supervisor(void)
{
	struct guardlink_message message;
	int fd, result;

	while (guard.link >= 0 && (result = guardlink_receive(guard.link, &message, &fd)) != 0) {
		if (result < 0) {
			close(guard.link);
			guard.link = -1;
			return;
		}
		if (message.kind == GUARDLINK_HOLD)
			guardhold_add(&guard.holds, message.key, fd);
		else if (message.kind == GUARDLINK_DROP)
			guardhold_drop(&guard.holds, message.key);
		else if (message.kind == GUARDLINK_RUN_DIR && fd >= 0)
			go_over(fd, guard.order->run_dir, "run directory");
		else if (message.kind == GUARDLINK_LOCK && fd >= 0)
			go_over(fd, guard.order->lock, "lock");
		else if (message.kind == GUARDLINK_READY)
			hear_ready();
		else if (message.kind == GUARDLINK_STARTED)
			guard.started = true;
		else if (message.kind == GUARDLINK_DONE)
			guard.done = true;
	}
}

static void turn(void)
{
	struct pollfd items[2] = {
		{.fd = guard.signals, .events = POLLIN}, {.fd = guard.link, .events = POLLIN}};
	int timeout = -1;

	if (guard.next != 0) {
		nsec_t left = guard.next - clock_mono();
		timeout = left > 0 ? (int)(left / NSEC_PER_MSEC) + 1 : 0;
	}
	if (poll(items, 2, timeout) < 0 && errno != EINTR)
		log_warn("the guard cannot wait: %s", strerror(errno));
	hear_supervisor();
	bool came = hear_signals();
	reap();
	if (guard.next != 0 && clock_mono() >= guard.next && guard.ended < 0)
		start_supervisor();
	pass_on(came);
}

static sigset_t heard_signals(void)
{
	static const int heard[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof heard / sizeof *heard; i++)
		sigaddset(&set, heard[i]);
	return set;
}

static int watch_signals(void)
{
	sigset_t set = heard_signals();

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* ignored, it would reap our children for us */
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int guard_run(const struct guard_order *order, struct cause *cause)
{
	*cause = (struct cause){0};
	guard.order = order;
	guard.cause = cause;
	guard.link = -1;
	guard.ended = -1;
	guard.ready = order->again;
	guard.signals = watch_signals();
	spawn_raise_descriptors(); /* held outputs need many */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		log_warn("the guard cannot inherit orphans: %s", strerror(errno));
	if (order->again)
		guardhold_find(&guard.holds, order->ready_fd);
	start_supervisor();
	reap(); /* who died while a program was executed in our place: that signal is gone */
	while (guard.ended < 0)
		turn();
	return guard.ended;
}

/* We go on as what we were, and may launch something. */
static void take_back(const struct guard_order *order, const int *keep, unsigned count)
{
	keep_to_ourselves(order->lock);
	for (unsigned i = 0; i < count; i++)
		keep_to_ourselves(keep[i]);
	spawn_raise_descriptors();
}

int guard_become(const struct guard_order *order, const int *keep, unsigned count)
{
	struct command_line line;
	sigset_t set = heard_signals(), before;

	begin_line(&line, order);
	add_arg(&line, "--guard-again");
	sigprocmask(SIG_BLOCK, &set, &before);
	spawn_restore_descriptors();
	keep_open(order->lock);
	for (unsigned i = 0; i < count; i++)
		keep_open(keep[i]);
	execv(order->program, line.argv);
	execv("/proc/self/exe", line.argv);
	int saved = errno;
	take_back(order, keep, count);
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = saved;
	return -1;
}
