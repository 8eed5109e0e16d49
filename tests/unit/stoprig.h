/*
 * stoprig: stops of small programs, seen by a real observer. A program is a function that runs in a
 * child of the test, in a session of its own; its clients and its databases are sockets of the test
 * itself.
 */
#ifndef GRACECTL_TESTS_STOPRIG_H
#define GRACECTL_TESTS_STOPRIG_H

#include <arpa/inet.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "children.h"
#include "observe.h"
#include "tap.h"
#include "xmalloc.h"

static struct {
	char dir[64];
	struct config config;
	struct app app;
	struct tree tree;
	struct observer observer;
	ev_child child;
	ev_timer timer;
	bool has_ended, time_is_over;
	struct proc_exit exit;
	int told;      /* what the program says, see say() */
	uint16_t port; /* the $PORT of the program; 0: it has none */
	struct buf lines;
} rig;

/* ---- sockets ---- */

static inline struct sockaddr_storage loopback(int family, uint16_t port, socklen_t *len)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;

	if (family == AF_INET) {
		*v4 = (struct sockaddr_in){.sin_family = AF_INET,
			.sin_port = htons(port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		*len = sizeof *v4;
	} else {
		*v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
			.sin6_port = htons(port),
			.sin6_addr = IN6ADDR_LOOPBACK_INIT};
		*len = sizeof *v6;
	}
	return address;
}

/* A listener on that port, 0: any, which it returns. */
static inline int listen_on(int family, uint16_t *port, bool reuse)
{
	socklen_t len;
	struct sockaddr_storage address = loopback(family, *port, &len);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (reuse)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, 4096) < 0 ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		bail_out("no listener");
	*port = ntohs(family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
					: ((struct sockaddr_in6 *)&address)->sin6_port);
	return fd;
}

/* Its close is told once the other end has acknowledged it. Without this the kernel keeps a socket
 * for a minute when it reads that in the middle of close(), as happens on a busy machine. */
static inline int go_when_acknowledged(int fd)
{
	int at_once = -1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &at_once, sizeof at_once) < 0 &&
		errno != EOPNOTSUPP) /* as a Unix socket says */
		bail_out("the kernel keeps closed sockets");
	return fd;
}

static inline int connect_to(int family, uint16_t port)
{
	socklen_t len;
	struct sockaddr_storage address = loopback(family, port, &len);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) < 0)
		bail_out("no connection");
	return go_when_acknowledged(fd);
}

static inline void close_each(const int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
}

static inline struct sockaddr_un unix_address(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", rig.dir, name);
	return address;
}

static inline int listen_on_unix(const char *name)
{
	struct sockaddr_un address = unix_address(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(address.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(fd, 100) < 0)
		bail_out("no Unix listener");
	return fd;
}

static inline int connect_to_unix(const char *name)
{
	struct sockaddr_un address = unix_address(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		bail_out("no Unix connection");
	return fd;
}

static inline int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		bail_out("nothing to accept");
	return go_when_acknowledged(fd);
}

static inline uint32_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
}

/* ---- for programs ---- */

static int program_tells = -1;

/* The one descriptor of the test that the next program has as well. */
static int program_inherits = -1;

/* Tells the test a number, such as the port on which it listens. */
static inline void say(uint16_t number)
{
	if (write(program_tells, &number, sizeof number) != sizeof number)
		_exit(1);
}

/* Waits for the signal, which is blocked in every program that does not ask for it. */
static inline void await_signal(int signo)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, signo);
	while (sigwait(&set, &got) != 0)
		;
}

static inline void note_signal(int signo)
{
	(void)signo;
}

/* The same with a handler. */
static inline void await_handled(int signo)
{
	sigset_t set;

	signal(signo, note_signal);
	sigprocmask(SIG_SETMASK, NULL, &set);
	sigdelset(&set, signo);
	sigsuspend(&set);
}

static inline void take_time(int ms)
{
	poll(NULL, 0, ms);
}

/* ---- the observed stop ---- */

static inline void keep_line(void *arg, const struct event *event, const struct cause *lost)
{
	(void)arg;
	(void)lost;
	if (event_render(&event->doc, &rig.lines))
		buf_addc(&rig.lines, '\n');
}

static inline void begin_rig(void)
{
	struct cause cause;

	limit_patience();
	snprintf(rig.dir, sizeof rig.dir, "/tmp/gracectl-stop-XXXXXX");
	if (mkdtemp(rig.dir) == NULL)
		bail_out("no directory");
	rig.config.state_dir = xasprintf("%s/state", rig.dir);
	rig.config.run_dir = xasprintf("%s/run", rig.dir);
	if (app_open(&rig.app, ev_default_loop(0), &rig.config, &cause) < 0)
		bail_out(cause.text);
	rig.app.listener = keep_line;
}

static inline int end_rig(void)
{
	char *command = xasprintf("rm -r %s", rig.dir);

	app_close(&rig.app);
	free(rig.config.state_dir);
	free(rig.config.run_dir);
	buf_release(&rig.lines);
	if (system(command) != 0)
		printf("# %s is left\n", rig.dir);
	free(command);
	ev_loop_destroy(EV_DEFAULT);
	return tap_done();
}

/* What the program says next. */
static inline uint16_t hear(void)
{
	uint16_t number;

	read_exactly(rig.told, &number, sizeof number);
	return number;
}

static inline void child_cb(struct ev_loop *loop, ev_child *watcher, int revents)
{
	(void)revents;
	rig.has_ended = true;
	rig.exit = proc_exit_from_wait(watcher->rstatus);
	app_tree_expire(&rig.app);
	ev_child_stop(loop, watcher);
}

static inline void timer_over(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	(void)loop;
	(void)watcher;
	(void)revents;
	rig.time_is_over = true;
}

/* A program has none of the sockets of the test. */
static inline void close_others(int keep, int keep_too)
{
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
		if (fd != keep && fd != keep_too)
			close(fd);
}

/* Starts a program. With blocked, SIGTERM waits for it to ask. */
static inline void launch(void (*program)(void *arg), void *arg, bool blocked)
{
	int ends[2];
	sigset_t set;

	if (pipe2(ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		program_tells = ends[1];
		close_others(ends[1], program_inherits);
		setsid();
		sigemptyset(&set);
		if (blocked)
			sigaddset(&set, SIGTERM);
		sigprocmask(SIG_SETMASK, &set, NULL);
		program(arg);
		_exit(0);
	}
	close(ends[1]);
	rig.told = ends[0];
	rig.tree = (struct tree){.app = &rig.app, .main_is_child = true};
	proc_identify(pid, &rig.tree.main);
	rig.has_ended = false;
	buf_reset(&rig.lines);
	ev_child_init(&rig.child, child_cb, pid, 0);
	ev_child_start(rig.app.loop, &rig.child);
}

static inline void send_to_all(int signo)
{
	observe_before(&rig.observer, signo);
	unsigned count = tree_signal(&rig.tree, signo, false, rig.has_ended);
	observe_signal(&rig.observer, signo, true, count);
}

/* A turn of the loop begins, and whatever was seen in the last one is old. */
static inline void begin_turn(void)
{
	rig.app.turn_began = rig.app.stale_before = clock_mono();
	rig.app.turn_waited = 0;
}

static inline void observe(struct observer *observer, const char *dyno)
{
	observe_begin(observer, &rig.app,
		&(const struct observe_subject){
			.tree = &rig.tree, .dyno = dyno, .launch = 1, .port = rig.port});
}

static inline void begin_stop(int signo)
{
	begin_turn();
	observe(&rig.observer, "web.1");
	send_to_all(signo);
}

static inline void show_stop(void)
{
	const struct socktable *table = &rig.observer.table;

	printf("# open: %u inbound, %u outbound, %u listeners; the lines:\n%s",
		table->counts[ROLE_INBOUND], table->counts[ROLE_OUTBOUND],
		table->counts[ROLE_LISTENER], rig.lines.len > 0 ? rig.lines.data : "");
}

/* Runs the loop for a time, or until the program has ended (-1). */
static inline void run_loop(int ms)
{
	rig.time_is_over = false;
	ev_timer_init(&rig.timer, timer_over, (ms < 0 ? PATIENCE * 1000 : ms) / 1000., 0.);
	ev_now_update(rig.app.loop);
	ev_timer_start(rig.app.loop, &rig.timer);
	while (!rig.time_is_over && (ms >= 0 || !rig.has_ended))
		ev_run(rig.app.loop, EVRUN_ONCE);
	ev_timer_stop(rig.app.loop, &rig.timer);
	if (ms >= 0 || rig.has_ended)
		return;
	show_stop();
	bail_out("a program of the test does not end");
}

/* Runs the loop until that phase is reached. */
static inline void await_phase(const nsec_t *phase)
{
	nsec_t limit = clock_mono() + PATIENCE * NSEC_PER_SEC;

	while (*phase < 0 && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	if (*phase >= 0)
		return;
	show_stop();
	bail_out("a phase is not reached");
}

/* The same, and then lets a program go on that awaits SIGTERM once more. It is not seen as a signal
 * of the stop. */
static inline void go_on_after(const nsec_t *phase)
{
	await_phase(phase);
	kill(rig.tree.main.pid, SIGTERM);
}

/* The end of the stop, once the loop has heard of the end of its main process. */
static inline const struct observe_report *end_stop(void)
{
	if (!rig.has_ended)
		run_loop(-1);
	begin_turn();
	observe_end(&rig.observer, &rig.exit);
	tree_release(&rig.tree);
	close(rig.told);
	return &rig.observer.report;
}

static inline bool has_line(const char *words)
{
	bool found = rig.lines.len > 0 && strstr(rig.lines.data, words) != NULL;

	if (!found)
		printf("# the lines:\n%s", rig.lines.len > 0 ? rig.lines.data : "");
	return found;
}

#endif
