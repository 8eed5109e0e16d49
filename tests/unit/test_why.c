/*
 * Tests of why and procstate: what is said of processes that are made to be in each state, of their
 * signals; and when the clock asks.
 */
#include <pthread.h>

#include "whyrig.h"

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

static void handle_term_in_many_groups(void)
{
	handle_term();
	join_many_groups();
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

	pid = begin((struct act){.prepare = handle_term_in_many_groups});
	adopt(pid, true, "TERM/30/KILL/5");
	ok(has(said(), "handles SIGTERM; "), "of a process in many groups, too");
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

/* ---- who waits for a signal ---- */

static void wait_for_term(void)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &got);
}

static void *wait_in_thread(void *unused)
{
	(void)unused;
	wait_for_term();
	return NULL;
}

static void wait_for_term_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_in_thread, NULL) != 0)
		_exit(1);
	wait_forever();
}

static void test_awaited(void (*live)(void), const char *name)
{
	pid_t pid = begin((struct act){.prepare = block_term, .live = live});

	ok(wait_until(procstate_sleeps_in(pid, "do_sigtimedwait")), name);
	adopt(pid, false, "TERM/30/KILL/5");
	ok(is_under_valgrind() ||
			has(said(), "has no handler for SIGTERM, which ends it at once unless "
				    "that is the signal it waits for"),
		"it is not said to be ended by a signal that it may be waiting for");
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

/* ---- words ---- */

static void test_words(void)
{
	struct procstate now = {.state = 'D', .thread = 7, .tracer = 99};
	struct buf words = BUF_INIT;

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

/* So many processes are made of one, in a snapshot. */
static void test_crowd(void)
{
	enum {
		CROWD = 5000
	};

	pid_t pid = begin((struct act){0});
	adopt(pid, true, "TERM/30/KILL/5");
	proctree_release(&app.tree);
	app.tree = (struct proctree){.entries = calloc(CROWD, sizeof *app.tree.entries),
		.by_session = calloc(CROWD, sizeof *app.tree.by_session),
		.strays = calloc(CROWD, sizeof *app.tree.strays),
		.count = CROWD,
		.capacity = CROWD,
		.taken = clock_mono()};
	for (uint32_t i = 0; i < CROWD; i++) {
		proc_stat_read(pid, &app.tree.entries[i].stat);
		app.tree.by_session[i] = i;
	}
	why_look(&why, &app, &tree, &instance, NULL, 0);
	is_int(why.count, CROWD, "of however many all are counted");
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
	begin_rig();
	test_when();
	test_words();
	test_signals();
	test_awaited(wait_for_term, "a process waits for a signal in sigwait()");
	test_awaited(wait_for_term_in_thread, "one of its threads does");
	test_stopped();
	test_zombie();
	test_threads();
	test_command();
	test_many();
	test_crowd();
	return end_rig();
}
