/*
 * Tests of why and procstate: what is said of processes that are made to be in each state, of their
 * signals and their sockets; and when the clock asks.
 */
#include "why.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "children.h"
#include "ladder.h"
#include "tap.h"

static struct app app;
static struct process_config config;
static struct instance instance;
static struct tree tree;
static struct why why;

static bool has(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		return true;
	printf("# \"%s\" does not stand in \"%s\"\n", part, text);
	return false;
}

/* ---- children ---- */

/* What a child does before it tells that it is ready, and after. */
struct act {
	void (*prepare)(void);
	void (*live)(void);
};

/* Forks a session of its own; returns when it has prepared itself. */
static pid_t begin(struct act act)
{
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		setsid();
		if (act.prepare != NULL)
			act.prepare();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		if (act.live != NULL)
			act.live();
		wait_forever();
	}
	close(ready[1]);
	read_exactly(ready[0], &byte, 1);
	close(ready[0]);
	return pid;
}

/* Makes the instance one that is that process, on the first rung of a ladder, or before it. */
static void adopt(pid_t pid, bool stopping, const char *ladder)
{
	struct cause cause;

	memset(&instance, 0, sizeof instance);
	if (ladder_parse(ladder, &config.stop, &cause) < 0)
		bail_out(cause.text);
	instance.config = &config;
	snprintf(instance.dyno, sizeof instance.dyno, "web.1");
	instance_restore(&instance, stopping ? INSTANCE_STOPPING : INSTANCE_UP);
	instance.rung = stopping;
	instance.stop_began = clock_mono();
	tree_release(&tree);
	tree = (struct tree){.app = &app, .mark = strdup("shop/web.1/1")};
	if (!proc_identify(pid, &tree.main))
		bail_out("the child is gone");
	instance.main = tree.main;
}

static void look(const uint16_t *ports, size_t port_count)
{
	app_tree_expire(&app);
	app.turn_began = clock_mono();
	why_look(&why, &app, &tree, &instance, ports, port_count);
}

/* What is said of the n-th process; good until the next call. */
static const char *said_of(unsigned n)
{
	static struct buf text;

	buf_reset(&text);
	buf_adds(&text, "");
	if (n < why.shown)
		why_describe(&why.processes[n], &text);
	return text.len > 0 ? text.data : "";
}

static const char *said(void)
{
	look(NULL, 0);
	return said_of(0);
}

/* ---- signals and states ---- */

static void handle(int signo)
{
	(void)signo;
}

static void ignore_term(void)
{
	signal(SIGTERM, SIG_IGN);
}

static void handle_term(void)
{
	signal(SIGTERM, handle);
}

static void block_term(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void block_and_take_term(void)
{
	struct timespec now = {0};
	sigset_t set;

	block_term();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	kill(getpid(), SIGTERM);
	sigtimedwait(&set, NULL, &now);
}

static void test_signals(void)
{
	pid_t pid = begin((struct act){.prepare = ignore_term});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "ignores SIGTERM; "), "who ignores the signal is told");
	ok(wait_until(has(said(), "ignores SIGTERM; sleeping")), "and that it sleeps");
	adopt(pid, false, "TERM/30/KILL/5");
	ok(has(said(), "ignores SIGTERM; "),
		"that it will ignore the signal is told before a stop");
	/* Valgrind has a handler for everything. */
	adopt(pid, false, "QUIT/30/KILL/5");
	ok(is_under_valgrind() || has(said(), "has no handler for SIGQUIT, which ends it at once"),
		"that nothing is prepared for the signal is told before a stop");
	adopt(pid, true, "TERM/30/INT/10/KILL/5");
	instance.rung = 2;
	ok(is_under_valgrind() || has(said(), "ignores SIGTERM; sleeping"),
		"only of signals that explain something something is said");
	end_child(pid, SIGKILL);

	pid = begin((struct act){.prepare = handle_term});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "handles SIGTERM; "), "who handles the signal is told");
	end_child(pid, SIGKILL);

	pid = begin((struct act){.prepare = block_term});
	kill(pid, SIGTERM);
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "blocks SIGTERM, which still waits to be taken; "),
		"who blocks the signal is told");
	end_child(pid, SIGKILL);

	pid = begin((struct act){.prepare = block_and_take_term});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "has taken SIGTERM and blocks it now; "),
		"who has read the signal in another way is not said to wait for it");
	end_child(pid, SIGKILL);
}

static bool state_is(pid_t pid, char state)
{
	struct procstate now;

	return procstate_read(pid, &now) && now.state == state;
}

static void test_stopped(void)
{
	pid_t pid = begin((struct act){0});

	adopt(pid, true, "TERM/30/KILL/5");
	kill(pid, SIGSTOP);
	if (!wait_until(state_is(pid, 'T')))
		bail_out("the child does not stop");
	kill(pid, SIGTERM);
	const char *text = said();
	ok(strncmp(text, "stopped (SIGSTOP): does nothing until SIGCONT; ", 47) == 0,
		"that it is stopped comes first");
	ok(has(text, "; SIGTERM waits until that is over"), "and that the signal has to wait");
	is_str(procstate_word(&why.processes[0].now), "stopped", "in one word it is stopped");
	end_child(pid, SIGKILL);
}

static void test_zombie(void)
{
	struct procstate now;

	pid_t pid = begin((struct act){0});
	adopt(pid, true, "TERM/30/KILL/5");
	kill(pid, SIGKILL);
	ok(wait_until(procstate_read(pid, &now) && procstate_is_dead(&now)),
		"who waits to be reaped is dead");
	ok(now.command[0] == '[', "its name stands for its command line");
	look(NULL, 0);
	is_int(why.count, 0, "it does not hold the stop up");
	end_child(pid, 0);
	ok(!procstate_read(pid, &now), "after that there is no such process");
}

/* ---- threads ---- */

static void *sleep_in_thread(void *unused)
{
	(void)unused;
	wait_forever();
}

static void start_thread_that_takes_signals(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, sleep_in_thread, NULL) != 0)
		_exit(1);
	block_term();
}

static void end_first_thread(void)
{
	pthread_exit(NULL);
}

static void test_threads(void)
{
	struct procstate now;

	pid_t pid = begin(
		(struct act){.prepare = start_thread_that_takes_signals, .live = end_first_thread});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(wait_until(procstate_read(pid, &now) && now.thread != pid),
		"when the first thread has ended another one tells the state");
	ok(!procstate_is_dead(&now), "the process lives then");
	/* A new thread blocks everything for a moment. */
	ok(wait_until(procstate_read(pid, &now) && !procstate_has(now.blocked, SIGTERM)),
		"what one thread does not block is not blocked");
	look(NULL, 0);
	is_int(why.count, 1, "it is found all the same");
	ok(has(said_of(0), ", thread "), "the thread is named");
	end_child(pid, SIGKILL);
}

/* ---- the text of /proc ---- */

static void test_parse(void)
{
	static const char text[] = "Name:\tna me)\nUmask:\t0022\nState:\tD (disk sleep)\nTgid:\t7\n"
				   "Pid:\t7\nPPid:\t1\nTracerPid:\t99\nThreads:\t12\n"
				   "SigPnd:\t0000000000000001\nShdPnd:\t0000000000004000\n"
				   "SigBlk:\t0000000000004000\nSigIgn:\t8000000000001000\n"
				   "SigCgt:\t0000000000000002\n";
	struct procstate now;
	struct buf words = BUF_INIT;

	ok(procstate_parse(text, &now), "a status file is understood");
	is_int(now.state, 'D', "the state is read");
	is_str(now.command, "[na me)]", "a name may hold anything");
	is_int(now.tracer, 99, "the debugger is read");
	is_int(now.threads, 12, "the number of threads is read");
	ok(procstate_has(now.pending, 1) && procstate_has(now.pending, SIGTERM),
		"signals wait for the thread or for the process");
	ok(procstate_has(now.blocked, SIGTERM) && !procstate_has(now.blocked, SIGHUP),
		"blocked signals are read");
	ok(procstate_has(now.ignored, SIGPIPE) && procstate_has(now.ignored, 64),
		"the last signal is read too");
	ok(procstate_has(now.caught, SIGINT), "caught signals are read");
	ok(!procstate_has(now.ignored, 65) && !procstate_has(now.ignored, 0),
		"what is no signal is in no set");
	snprintf(now.channel, sizeof now.channel, "nfs_wait_bit_killable");
	procstate_describe(&now, 7, &words);
	is_str(words.data,
		"in uninterruptible wait (D) in nfs_wait_bit_killable (waits for a file server)",
		"an uninterruptible wait is named, and what for");
	buf_reset(&words);
	now.state = 't';
	now.channel[0] = '\0';
	procstate_describe(&now, 7, &words);
	is_str(words.data, "held by a debugger (pid 99)", "a debugger is named");
	ok(!procstate_parse("", &now), "an empty file is no status");
	buf_release(&words);
}

/* ---- command lines ---- */

static char *command_argv[4];

static void execute(void)
{
	execv("/bin/cat", command_argv);
	_exit(1);
}

static void give_endless_input(void)
{
	int input[2];

	if (pipe(input) < 0)
		_exit(1);
	dup2(input[0], STDIN_FILENO);
}

/* The command line of a child with that argument. */
static const char *command_with(char *argument)
{
	static struct procstate now;

	command_argv[0] = (char *)"prog";
	command_argv[1] = (char *)"-";
	command_argv[2] = argument;
	pid_t pid = begin((struct act){.prepare = give_endless_input, .live = execute});
	if (!wait_until(procstate_read(pid, &now) && strncmp(now.command, "prog", 4) == 0))
		bail_out("no exec");
	end_child(pid, SIGKILL);
	return now.command;
}

static void test_command(void)
{
	char umlauts[2 * PROCSTATE_COMMAND + 1];
	bool whole = true;

	is_str(command_with((char *)"\033[2Jx\ny"), "prog - \\x1b[2Jx y",
		"arguments stand on one line, and nothing in them is obeyed by a terminal");
	for (size_t i = 0; i < 2 * PROCSTATE_COMMAND; i += 2)
		memcpy(umlauts + i, "\xc3\xbc", 2);
	umlauts[2 * PROCSTATE_COMMAND] = '\0';
	for (unsigned shift = 0; shift < 2; shift++) {
		const char *text = command_with(umlauts);
		umlauts[0] = 'x';
		umlauts[1] = 'y';
		memmove(umlauts + 1, umlauts + 2, sizeof umlauts - 2);
		whole = whole && strstr(text, "\\x") == NULL &&
			strcmp(text + strlen(text) - 3, "...") == 0 &&
			strlen(text) <= PROCSTATE_COMMAND + 3;
	}
	ok(whole, "a long one is cut, but no character in two");
	char bytes[PROCSTATE_COMMAND * 2];
	memset(bytes, 0x81, sizeof bytes - 1);
	bytes[sizeof bytes - 1] = '\0';
	ok(has(command_with(bytes), "\\x81..."), "bytes that are no text are escaped, to the end");
}

/* ---- sockets ---- */

static int listener;
static struct sockaddr_in address;

static void serve_itself(void)
{
	socklen_t len = sizeof address;

	listener = socket(AF_INET, SOCK_STREAM, 0);
	address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
		listen(listener, 8) < 0 ||
		getsockname(listener, (struct sockaddr *)&address, &len) < 0)
		_exit(1);
	for (int i = 0; i < 6; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
			accept(listener, NULL, NULL) < 0)
			_exit(1);
	}
}

static void serve_no_more(void)
{
	serve_itself();
	close(listener);
}

static void test_sockets(void)
{
	char peers[64];

	pid_t pid = begin((struct act){.prepare = serve_itself});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	const struct why_process *process = &why.processes[0];
	uint16_t port = (uint16_t)atoi(process->listening);
	snprintf(peers, sizeof peers, "127.0.0.1:%u x6", port);
	ok(process->visible, "the sockets of a process of our own can be seen");
	ok(port > 0, "the port on which it listens is told");
	is_int(process->inbound, 6, "connections to its port are inbound");
	is_int(process->outbound, 6, "those that it made are outbound");
	is_str(process->outbound_peers, peers, "connections to the same address are one item");
	ok(has(process->inbound_peers, " and 2 more"), "a long list is cut");
	ok(has(said_of(0), "; 6 inbound (127.0.0.1:") && has(said_of(0), "; 6 outbound (127."),
		"the text tells both");
	end_child(pid, SIGKILL);

	pid = begin((struct act){.prepare = serve_no_more});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	/* The kernel has drawn the port, so it could as well be that of a connection that was made.
	 */
	is_int(process->inbound + process->outbound, 12, "without a listener all are still seen");
	ok(has(process->outbound_peers, "127.0.0.1:") && has(process->outbound_peers, " x6"),
		"the port stands where its other end is");
	port = (uint16_t)atoi(process->outbound_peers + strlen("127.0.0.1:"));
	look(&port, 1);
	is_int(process->inbound, 6, "those on a port where it listened before are inbound");
	is_str(process->listening, "", "it listens no more");
	instance.port = port;
	look(NULL, 0);
	is_int(process->inbound, 6, "so are those on $PORT");
	end_child(pid, SIGKILL);
}

static void serve_itself_locally(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int pair[2];

	/* An abstract name, with the pid to be the only one. */
	int len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "test_why.%d", getpid());
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&name, size) < 0 || listen(listener, 8) < 0 ||
		connect(fd, (struct sockaddr *)&name, size) < 0 ||
		accept(listener, NULL, NULL) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		_exit(1);
}

static void test_local_sockets(void)
{
	char name[64];

	pid_t pid = begin((struct act){.prepare = serve_itself_locally});
	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	snprintf(name, sizeof name, "unix:@test_why.%d", (int)pid);
	is_str(why.processes[0].listening, name, "a Unix listener is told by its name");
	is_str(why.processes[0].inbound_peers, name, "a connection that it accepted is inbound");
	is_str(why.processes[0].outbound_peers, name, "one that was made to it is outbound");
	is_int(why.processes[0].inbound + why.processes[0].outbound, 2,
		"a pair without names is not told");
	end_child(pid, SIGKILL);
}

/* ---- several processes ---- */

enum {
	MANY = WHY_PROCESSES + 4
};

static void have_children(void)
{
	for (int i = 1; i < MANY; i++)
		if (fork() == 0)
			wait_forever();
}

static void test_many(void)
{
	pid_t pid = begin((struct act){.prepare = have_children});

	adopt(pid, true, "TERM/30/KILL/5");
	look(NULL, 0);
	is_int(why.count, MANY, "all are counted");
	ok(why.shown <= WHY_PROCESSES && why.shown > 0, "some of them are shown");
	is_int(why.processes[0].pid, pid, "the main process comes first");
	is_int(why.processes[1].parent, pid, "who is whose child is told");
	ok(has(why.processes[0].children, is_under_valgrind() ? ", " : " test_why, ") &&
			has(why.processes[0].children, " and 15 more"),
		"a few children are named");
	config.stop_to = STOP_MAIN;
	look(NULL, 0);
	ok(has(said_of(1), "was not sent SIGTERM; "), "who was not told is not said to ignore it");
	ok(strstr(said_of(0), "was not sent") == NULL, "the main process was told");
	config.stop_to = STOP_ALL;
	look(NULL, 0);
	ok(strstr(said_of(1), "was not sent") == NULL,
		"of an adopted stop nobody knows who was told");
	for (unsigned i = 1; i < why.shown; i++)
		kill(why.processes[i].pid, SIGKILL);
	kill(-pid, SIGKILL);
	end_child(pid, SIGKILL);
}

/* ---- when ---- */

/* The moments at which the clock asks, in seconds after the first signal. */
static const char *moments(const char *ladder, unsigned rung)
{
	static char text[128];
	struct cause cause;
	nsec_t wait = 0;

	text[0] = '\0';
	if (ladder_parse(ladder, &config.stop, &cause) < 0)
		bail_out(cause.text);
	instance.stop_began = 1000 * NSEC_PER_SEC;
	instance.rung = rung;
	for (unsigned i = 0; i < rung && wait != LADDER_FOREVER; i++)
		wait = config.stop.rung[i].wait == LADDER_FOREVER ? LADDER_FOREVER
								  : wait + config.stop.rung[i].wait;
	instance.deadline[INSTANCE_TIMER_RUNG] =
		wait == LADDER_FOREVER ? 0 : instance.stop_began + wait;
	for (unsigned looks = 0; looks < 5; looks++) {
		nsec_t due = why_due(&instance, looks);
		if (due != 0)
			snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.2f",
				looks > 0 ? " " : "",
				(double)(due - instance.stop_began) / (double)NSEC_PER_SEC);
	}
	return text;
}

static void test_when(void)
{
	memset(&instance, 0, sizeof instance);
	instance.config = &config;
	instance_restore(&instance, INSTANCE_STOPPING);
	is_str(moments("TERM/30/KILL/5", 1), "15.00 29.00", "at half time, and a second before");
	is_str(moments("TERM/2/KILL/5", 1), "1.00 1.90", "of two seconds the last tenth");
	is_str(moments("TERM/1999ms/KILL/5", 1), "", "in less than two seconds never");
	is_str(moments("TERM/20/INT/10/KILL/5", 1), "15.00 29.00",
		"the time to SIGKILL counts, not that of a rung");
	is_str(moments("TERM/20/INT/10/KILL/5", 2), "15.00 29.00", "on every rung the same");
	is_str(moments("TERM/10", 1), "5.00", "without a SIGKILL once, at half of the first wait");
	is_str(moments("TERM/10/INT/10", 2), "", "and not later");
	is_str(moments("TERM/10/INT/forever/KILL/5", 1), "5.00",
		"a SIGKILL that does not come by itself is none");
	is_str(moments("TERM/forever/KILL/5", 1), "", "without any end never");
	is_str(moments("TERM/30/KILL/6", 2), "33.00 33.00 33.00",
		"once more when somebody outlives SIGKILL, however often it was told before");
	is_str(moments("TERM/30/KILL/1", 2), "", "but not at once");
	instance.boot_forced = true;
	is_str(moments("TERM/30/KILL/6", 2), "", "not of one that did not boot");
	instance.boot_forced = false;
	instance_restore(&instance, INSTANCE_UP);
	is_str(moments("TERM/30/KILL/5", 1), "", "not of one that is not being stopped");
}

int main(void)
{
	limit_patience();
	if (netwatch_open(&app.net) < 0)
		bail_out("no view of the sockets");
	TAILQ_INIT(&app.observers);
	test_when();
	test_parse();
	test_signals();
	test_stopped();
	test_zombie();
	test_threads();
	test_command();
	test_sockets();
	test_local_sockets();
	test_many();
	tree_release(&tree);
	proctree_release(&app.tree);
	netsock_release(&app.sockets);
	netwatch_close(&app.net);
	return tap_done();
}
