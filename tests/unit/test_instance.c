/*
 * Tests of instance: every cell of its table, and the courses that a stop can take. What the
 * machine does to the world is written down by fake operations as one line of text, in its order:
 * "TERM all", "rung 30s", "stop-kill".
 */
#include "instance.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

/* The world of one instance. */
static struct {
	struct instance instance;
	struct process_config config;
	unsigned left;	  /* processes that a survey finds */
	struct buf did;	  /* what was done, in words: "rung 30s; TERM all" */
	struct buf lines; /* the same events as they are logged, one a line */
	nsec_t before;	  /* monotonic: when the last event was handed in */
	bool armed[INSTANCE_TIMERS];
} world;

static void did(const char *what)
{
	if (world.did.len > 0)
		buf_adds(&world.did, "; ");
	buf_adds(&world.did, what);
}

static unsigned fake_signal(struct instance *instance, int signo, bool all)
{
	char text[64];

	(void)instance;
	snprintf(text, sizeof text, "%s %s", signal_name(signo) + 3, all ? "all" : "main");
	did(text);
	return all ? world.left : world.left > 0;
}

static unsigned fake_survey(struct instance *instance, struct buf *names)
{
	(void)instance;
	for (unsigned i = 0; i < world.left; i++)
		buf_addf(names, "%s%u (p%u)", i > 0 ? ", " : "", 100 + i, i);
	return world.left;
}

/* The wait is told in whole half seconds, so the time that the test itself takes does not matter.
 */
static void fake_timer(struct instance *instance, enum instance_timer timer, nsec_t due)
{
	static const char *const names[INSTANCE_TIMERS] = {"boot", "rung"};
	const nsec_t grain = NSEC_PER_SEC / 2;
	char wait[DURATION_TEXT], text[64];

	if (due != instance->deadline[timer] && due != 0)
		did("a deadline that is not noted");
	snprintf(text, sizeof text, "%s %s", names[timer],
		due == 0 ? "off" : duration_format((due - world.before) / grain * grain, wait));
	did(text);
	world.armed[timer] = due != 0;
}

static void fake_publish(struct instance *instance, struct event *event)
{
	(void)instance;
	did(event_get_str(&event->doc, "kind"));
	if (event_render(&event->doc, &world.lines))
		buf_addc(&world.lines, '\n');
	is_str(event_get_str(&event->doc, "dyno"), "web.1", "an event names its dyno");
	is_int(event_get_int(&event->doc, "launch"), 7, "an event names its launch");
}

static void fake_changed(struct instance *instance)
{
	char text[32];

	snprintf(text, sizeof text, "-> %s", instance_state_names[instance->state]);
	did(text);
}

static const struct instance_ops ops = {
	.signal = fake_signal,
	.survey = fake_survey,
	.timer = fake_timer,
	.publish = fake_publish,
	.changed = fake_changed,
};

/* What was done since the last call; good until the next one. */
static const char *done(void)
{
	static struct buf text;

	buf_reset(&text);
	buf_adds(&text, world.did.len > 0 ? world.did.data : "");
	buf_reset(&world.did);
	return text.data;
}

static const char *lines(void)
{
	static struct buf text;

	buf_reset(&text);
	buf_adds(&text, world.lines.len > 0 ? world.lines.data : "");
	buf_reset(&world.lines);
	return text.data;
}

static void handle(enum instance_event event)
{
	world.before = clock_mono();
	instance_handle(&world.instance, event);
}

/* Hands in an event and tells what came of it. */
static const char *on(enum instance_event event)
{
	handle(event);
	return done();
}

/* A new instance with three processes, of a type with that ladder. */
static void launch(const char *ladder, enum ready_kind ready)
{
	struct cause cause;

	world.config = (struct process_config){.name = "web",
		.ready = ready,
		.boot_timeout = 60 * NSEC_PER_SEC,
		.stop_to = STOP_ALL};
	if (ladder_parse(ladder, &world.config.stop, &cause) < 0)
		printf("Bail out! %s\n", cause.text);
	world.left = 3;
	world.before = clock_mono();
	for (int i = 0; i < INSTANCE_TIMERS; i++)
		world.armed[i] = false;
	instance_init(&world.instance, &ops, &world, &world.config, "web.1", 7);
	world.instance.main = (struct proc_id){.pid = 100, .start_ticks = 1};
}

static void launch_up(const char *ladder)
{
	launch(ladder, READY_PORT);
	handle(INSTANCE_READY);
	done();
	lines();
}

static void main_exits(int status, int signo, unsigned left)
{
	world.left = left;
	world.instance.main_ended = true;
	world.instance.exit = (struct proc_exit){.known = true, .status = status, .signo = signo};
	handle(INSTANCE_MAIN_EXIT);
}

/* A deadline may only run in the state that it belongs to. */
static bool timers_fit_state(void)
{
	enum instance_state state = world.instance.state;

	return (state == INSTANCE_STARTING || !world.armed[INSTANCE_TIMER_BOOT]) &&
	       (state == INSTANCE_STOPPING || !world.armed[INSTANCE_TIMER_RUNG]);
}

/* ---- the table ---- */

static void bring_to(enum instance_state state)
{
	launch("TERM/30/KILL/5", READY_PORT);
	if (state == INSTANCE_UP)
		handle(INSTANCE_READY);
	if (state == INSTANCE_STOPPING || state == INSTANCE_GONE)
		handle(INSTANCE_STOP);
	if (state == INSTANCE_GONE) {
		main_exits(0, 0, 0);
		handle(INSTANCE_EMPTY);
	}
	done();
	world.left = 2;
	world.instance.main_ended = state == INSTANCE_GONE;
}

/* Runs with stderr in a file, and tells whether something was written there. */
static bool warns(enum instance_event event)
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);

	dup2(fileno(file), STDERR_FILENO);
	handle(event);
	dup2(saved, STDERR_FILENO);
	close(saved);
	bool warned = lseek(fileno(file), 0, SEEK_END) > 0;
	fclose(file);
	return warned;
}

#define SAME INSTANCE_STATES

/* Every cell of the table in the header, in its order. */
static const struct cell {
	enum instance_state from;
	enum instance_event event;
	enum instance_state to; /* SAME: it stays */
	bool impossible;	/* is ignored with a warning */
	const char *does;
} cells[] = {
	{INSTANCE_STARTING, INSTANCE_READY, INSTANCE_UP, false, "boot off; -> up"},
	{INSTANCE_STARTING, INSTANCE_BOOT_OVER, INSTANCE_STOPPING, false,
		"boot-timeout; boot-kill; boot off; -> stopping; rung 1s; KILL all"},
	{INSTANCE_STARTING, INSTANCE_STOP, INSTANCE_STOPPING, false,
		"boot off; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_STARTING, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_STARTING, INSTANCE_MAIN_EXIT, INSTANCE_STOPPING, false,
		"main-exit; boot off; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_STARTING, INSTANCE_EMPTY, SAME, true, ""},

	{INSTANCE_UP, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_UP, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_UP, INSTANCE_STOP, INSTANCE_STOPPING, false,
		"-> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_UP, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_UP, INSTANCE_MAIN_EXIT, INSTANCE_STOPPING, false,
		"main-exit; -> stopping; rung 30s; TERM all; stop"},
	{INSTANCE_UP, INSTANCE_EMPTY, SAME, true, ""},

	{INSTANCE_STOPPING, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_STOPPING, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_STOPPING, INSTANCE_STOP, SAME, false, "stop-kill; left; rung 5s; KILL all"},
	{INSTANCE_STOPPING, INSTANCE_RUNG_OVER, SAME, false,
		"stop-timeout; stop-kill; left; rung 5s; KILL all"},
	{INSTANCE_STOPPING, INSTANCE_MAIN_EXIT, SAME, false, "main-exit"},
	{INSTANCE_STOPPING, INSTANCE_EMPTY, INSTANCE_GONE, false,
		"exit-unknown; rung off; -> gone"},

	{INSTANCE_GONE, INSTANCE_READY, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_BOOT_OVER, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_STOP, SAME, false, ""},
	{INSTANCE_GONE, INSTANCE_RUNG_OVER, SAME, true, ""},
	{INSTANCE_GONE, INSTANCE_MAIN_EXIT, SAME, true, ""},
	{INSTANCE_GONE, INSTANCE_EMPTY, SAME, true, ""},
};

enum {
	CELLS = sizeof cells / sizeof *cells
};

static void test_cell(const struct cell *cell)
{
	enum instance_state to = cell->to == SAME ? cell->from : cell->to;
	char name[160], place[64];

	snprintf(place, sizeof place, "%s x %s", instance_state_names[cell->from],
		instance_event_names[cell->event]);
	bring_to(cell->from);
	is_int(world.instance.state, cell->from, "the test has brought it into the state");
	if (cell->event == INSTANCE_MAIN_EXIT && !cell->impossible)
		world.instance.main_ended = true;
	bool warned = warns(cell->event);
	snprintf(name, sizeof name, "%s does this and nothing else", place);
	is_str(done(), cell->does, name);
	snprintf(name, sizeof name, "%s leads to %s", place, instance_state_names[to]);
	is_str(instance_state_names[world.instance.state], instance_state_names[to], name);
	snprintf(name, sizeof name, "%s is %s", place,
		cell->impossible ? "ignored with a warning" : "no surprise");
	is_int(warned, cell->impossible, name);
	snprintf(name, sizeof name, "%s leaves no deadline of another state", place);
	ok(timers_fit_state(), name);
}

static void test_table(void)
{
	bool seen[INSTANCE_STATES][INSTANCE_EVENTS] = {{false}};
	int count = 0;

	for (size_t i = 0; i < CELLS; i++) {
		count += !seen[cells[i].from][cells[i].event];
		seen[cells[i].from][cells[i].event] = true;
		test_cell(&cells[i]);
	}
	is_int(count, INSTANCE_STATES * INSTANCE_EVENTS, "no cell of the table is left out");
	lines();
}

/* ---- booting ---- */

static void test_boot(void)
{
	launch("TERM/30/KILL/5", READY_NONE);
	is_str(done(), "", "a type without readiness has no boot deadline");
	launch("TERM/30/KILL/5", READY_PORT);
	is_str(done(), "boot 1m", "a type with readiness has one");
	is_int(world.instance.state, INSTANCE_STARTING, "a new instance is starting");
	is_int(world.instance.up_mono, 0, "it has not been up");
	on(INSTANCE_READY);
	ok(world.instance.up_mono >= world.before, "the time when it came up is noted");
	is_int(world.instance.deadline[INSTANCE_TIMER_BOOT], 0, "and its boot deadline is gone");
}

static void test_boot_timeout(void)
{
	launch("TERM/30/KILL/5", READY_PORT);
	handle(INSTANCE_BOOT_OVER);
	is_str(lines(),
		"Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds "
		"of "
		"launch\nStopping process with SIGKILL\n",
		"R10 is said in Heroku's words");
	is_int(world.instance.ending, ENDING_BOOT, "the boot timeout is why it ends");
	ok(world.instance.boot_forced, "it is known that SIGKILL was for its boot");
	ok(!world.instance.killed, "which is not the SIGKILL of a stop");
	done();
	is_str(on(INSTANCE_READY), "", "it is too late to be ready");
	handle(INSTANCE_RUNG_OVER);
	ok(strstr(done(), "rung 1s; KILL all") != NULL,
		"what is left a second later is killed again");
	ok(strstr(lines(), "R12") == NULL, "without R12");
	main_exits(137, SIGKILL, 0);
	is_str(done(), "", "its main process ends");
	is_str(on(INSTANCE_EMPTY), "exit; rung off; -> gone", "and it is gone");
	lines();

	launch("INT/forever", READY_HTTP);
	world.config.boot_timeout = 1500 * NSEC_PER_MSEC;
	handle(INSTANCE_BOOT_OVER);
	is_str(lines(),
		"Error R10 (Boot timeout) -> Web process failed to answer on $PORT within 1.5 "
		"seconds of "
		"launch\nStopping process with SIGKILL\n",
		"R10 says what was waited for, and parts of a second");
	is_str(done(), "boot 1m; boot-timeout; boot-kill; boot off; -> stopping; rung 1s; KILL all",
		"SIGKILL ends a failed boot even where no ladder has it");
	handle(INSTANCE_RUNG_OVER);
	ok(strstr(done(), "KILL all") != NULL, "what is left of a failed boot is killed again, not "
					       "asked with the ladder's last signal");
	lines();
	launch("TERM/30/KILL/5", READY_PORT);
	world.config.boot_timeout = 1000500 * NSEC_PER_MSEC;
	handle(INSTANCE_BOOT_OVER);
	ok(strstr(lines(), "within 1000.5 seconds") != NULL, "a long time is not rounded");
	done();
	launch("TERM/30/KILL/5", READY_NOTIFY);
	handle(INSTANCE_BOOT_OVER);
	ok(strstr(lines(), "failed to report READY=1 within") != NULL, "R10 knows sd_notify too");
	done();
}

/* ---- the ladder ---- */

static void test_graceful_stop(void)
{
	launch_up("TERM/30/KILL/5");
	is_str(on(INSTANCE_STOP), "-> stopping; rung 30s; TERM all; stop", "a stop begins");
	is_int(world.instance.ending, ENDING_ASKED, "because somebody asked");
	ok(world.instance.stop_began >= world.before, "the time of its first signal is noted");
	main_exits(143, SIGTERM, 0);
	is_str(done(), "", "the end of its main process needs no word when nothing is left");
	is_str(on(INSTANCE_EMPTY), "exit; rung off; -> gone", "it is gone when it is empty");
	is_str(lines(), "Stopping all processes with SIGTERM\nProcess exited with status 143\n",
		"this is Heroku's log of a graceful stop");
	ok(!world.instance.killed, "nothing had to be killed");
	is_int(world.instance.ending, ENDING_ASKED, "it is still known that somebody asked");
}

static void test_timeout(void)
{
	launch_up("TERM/30/KILL/5");
	on(INSTANCE_STOP);
	is_str(on(INSTANCE_RUNG_OVER), "stop-timeout; stop-kill; left; rung 5s; KILL all",
		"when the time is up, R12 comes first and SIGKILL after it");
	ok(world.instance.killed, "it is noted that SIGKILL was needed");
	is_str(on(INSTANCE_RUNG_OVER), "rung 5s; KILL all", "SIGKILL is repeated without a word");
	is_str(on(INSTANCE_RUNG_OVER), "rung 5s; KILL all", "as often as it takes");
	main_exits(137, SIGKILL, 0);
	on(INSTANCE_EMPTY);
	is_str(lines(),
		"Stopping all processes with SIGTERM\n"
		"Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds "
		"of "
		"SIGTERM\n"
		"Stopping remaining processes with SIGKILL\n"
		"Killed 3 processes that did not end after SIGTERM: 100 (p0), 101 (p1), 102 (p2)\n"
		"Process exited with status 137\n",
		"this is Heroku's log of a stop that took too long, and who it was");
}

/* Everything has ended between the time-out and the look at the processes. */
static void test_late_timeout(void)
{
	launch_up("TERM/30/KILL/5");
	on(INSTANCE_STOP);
	world.left = 0;
	is_str(on(INSTANCE_RUNG_OVER), "rung 5s; KILL all", "R12 is not said when nobody is left");
	ok(!world.instance.killed, "nor is anything counted as killed");
	lines();
}

static void test_hurry(void)
{
	launch_up("TERM/30/KILL/5");
	on(INSTANCE_STOP);
	is_str(on(INSTANCE_STOP), "stop-kill; left; rung 5s; KILL all",
		"a second stop goes on to SIGKILL, and R12 is not said");
	ok(world.instance.killed, "it is noted that SIGKILL was used");
	ok(world.instance.kill_hurried, "and that it was before its time");
	is_str(on(INSTANCE_STOP), "rung 5s; KILL all", "a third one can only repeat it");
	is_int(world.instance.rung, 2, "the ladder is not left at its end");
	lines();
}

static void test_many_rungs(void)
{
	launch_up("QUIT/10/TERM/5/INT/1/KILL/2");
	is_str(on(INSTANCE_STOP), "-> stopping; rung 10s; QUIT all; stop", "first rung");
	is_str(on(INSTANCE_RUNG_OVER), "stop-next; rung 5s; TERM all", "second rung, by its time");
	is_str(on(INSTANCE_STOP), "stop-next; rung 1s; INT all", "third rung, by a second stop");
	ok(!world.instance.killed, "nothing was killed yet");
	world.left = 1;
	lines();
	is_str(on(INSTANCE_RUNG_OVER), "stop-timeout; stop-kill; left; rung 2s; KILL all",
		"last rung");
	lines();

	launch_up("QUIT/10/TERM/5/KILL/2");
	on(INSTANCE_STOP);
	on(INSTANCE_RUNG_OVER);
	world.left = 1;
	on(INSTANCE_RUNG_OVER);
	is_str(lines(),
		"Stopping all processes with SIGQUIT\n"
		"Stopping 3 remaining processes with SIGTERM\n"
		"Error R12 (Exit timeout) -> At least one process failed to exit within 15 seconds "
		"of "
		"SIGQUIT\n"
		"Stopping remaining processes with SIGKILL\n"
		"Killed 1 process that did not end after SIGTERM: 100 (p0)\n",
		"R12 counts from the first signal, the last line from the one before SIGKILL");
	done();
}

/* Hurried over the first wait, it has had 5 seconds and not 15. */
static void test_truth_of_timeout(void)
{
	launch_up("QUIT/10/TERM/5/KILL/2");
	on(INSTANCE_STOP);
	on(INSTANCE_STOP);
	lines();
	on(INSTANCE_RUNG_OVER);
	ok(strstr(lines(), "within 15 seconds") == NULL,
		"R12 does not claim a wait that was cut short by a second stop");
	ok(world.instance.killed && !world.instance.kill_hurried,
		"but it was its last wait that brought SIGKILL, and not the second stop");
}

static void test_forever(void)
{
	launch_up("TERM/forever");
	is_str(on(INSTANCE_STOP), "-> stopping; rung off; TERM all; stop",
		"a wait of forever has no deadline");
	is_int(instance_kill_time(&world.instance), 0, "and SIGKILL has no time");
	is_str(on(INSTANCE_STOP), "stop-next; rung off; TERM all",
		"a second stop can only repeat the last signal");
	main_exits(0, 0, 0);
	is_str(on(INSTANCE_EMPTY), "exit; -> gone", "it ends when the process ends");

	launch_up("TERM/forever/KILL/5");
	on(INSTANCE_STOP);
	is_int(instance_kill_time(&world.instance), 0, "SIGKILL after forever has no time");
	is_str(on(INSTANCE_STOP), "stop-kill; left; rung 5s; KILL all",
		"but a second stop goes on to it");
	lines();
}

static void test_last_rung_without_kill(void)
{
	launch_up("TERM/10/INT/5");
	on(INSTANCE_STOP);
	is_str(on(INSTANCE_RUNG_OVER), "stop-next; rung 5s; INT all", "the last rung is INT");
	is_str(on(INSTANCE_RUNG_OVER), "stop-next; rung 5s; INT all", "which is repeated");
	ok(!world.instance.killed, "nothing is killed without KILL in the ladder");
	lines();
}

/* `stop = KILL`: the first rung is the last. */
static void test_kill_alone(void)
{
	launch_up("KILL/5");
	is_str(on(INSTANCE_STOP), "-> stopping; rung 5s; KILL all; stop", "KILL can be all");
	handle(INSTANCE_RUNG_OVER);
	ok(strstr(done(), "rung 5s; KILL all") != NULL, "and is repeated");
	const char *said = lines();
	ok(strstr(said, "R12") == NULL, "R12 makes no sense for it");
	ok(strstr(said, "did not end after signal ") == NULL,
		"nor does a signal that stands before the first rung");
}

static void test_kill_time(void)
{
	launch_up("QUIT/10/TERM/5/KILL/2");
	is_int(instance_kill_time(&world.instance), 0, "without a stop, SIGKILL has no time");
	on(INSTANCE_STOP);
	nsec_t due = world.instance.deadline[INSTANCE_TIMER_RUNG];
	is_int(instance_kill_time(&world.instance), due + 5 * NSEC_PER_SEC,
		"on the first rung, the waits of the others are added");
	on(INSTANCE_RUNG_OVER);
	due = world.instance.deadline[INSTANCE_TIMER_RUNG];
	is_int(instance_kill_time(&world.instance), due, "on the last but one, it is the deadline");
	on(INSTANCE_RUNG_OVER);
	is_int(instance_kill_time(&world.instance), 0, "after SIGKILL there is none");
	lines();
}

/* ---- the main process ---- */

static void test_remainder(void)
{
	launch_up("TERM/30/KILL/5");
	main_exits(1, 0, 2);
	is_str(done(), "main-exit; -> stopping; rung 30s; TERM all; stop",
		"what a main process left is stopped from the first rung");
	is_str(lines(),
		"Main process exited with status 1, waiting for 2 more: 100 (p0), 101 (p1)\n"
		"Stopping all processes with SIGTERM\n",
		"and the log says who is left");
	is_int(world.instance.ending, ENDING_ITSELF, "nobody asked for it");
	is_str(on(INSTANCE_STOP), "", "that somebody asks now is no reason to hurry");
	is_int(world.instance.rung, 1, "it stays on its rung");
	is_int(world.instance.ending, ENDING_ASKED, "but the end is wanted now");
	is_str(on(INSTANCE_STOP), "stop-kill; left; rung 5s; KILL all", "a second request is one");
	world.left = 0;
	is_str(on(INSTANCE_EMPTY), "exit; rung off; -> gone", "and it is gone");
	ok(strstr(lines(), "Process exited with status 1\n") != NULL,
		"the status is that of the main process");

	launch_up("TERM/30/KILL/5");
	main_exits(0, 0, 0);
	is_str(done(), "-> stopping", "where nothing is left, no signal is sent");
	is_int(world.instance.ending, ENDING_ITSELF, "it ended by itself");
	is_int(world.instance.rung, 0, "it is on no ladder");
	is_str(on(INSTANCE_STOP), "", "and a stop has nothing to do");
	is_str(on(INSTANCE_EMPTY), "exit; -> gone", "it is gone when its output has ended");
	lines();
}

/* A process that left no trace in the tree is found by its output, after the survey had found
 * nobody. */
static void test_late_remainder(void)
{
	launch_up("TERM/30/KILL/5");
	main_exits(0, 0, 0);
	done();
	world.left = 1;
	handle(INSTANCE_STOP);
	handle(INSTANCE_STOP);
	ok(strstr(done(), " all") != NULL,
		"a process that turned up after the main process had ended can be stopped");
	lines();
}

static void test_main_exit_while_stopping(void)
{
	launch_up("TERM/30/KILL/5");
	on(INSTANCE_STOP);
	main_exits(143, SIGTERM, 1);
	is_str(done(), "main-exit", "the end of the main process is told when others are left");
	is_int(world.instance.state, INSTANCE_STOPPING, "the stop goes on");
	is_int(world.instance.rung, 1, "on the same rung");
	ok(world.armed[INSTANCE_TIMER_RUNG], "with the same deadline");
	is_int(world.instance.ending, ENDING_ASKED, "and for the same reason");
	lines();
}

static void test_stop_to_main(void)
{
	launch_up("TERM/30/INT/5/KILL/5");
	world.config.stop_to = STOP_MAIN;
	is_str(on(INSTANCE_STOP), "-> stopping; rung 30s; TERM main; stop-main",
		"with stop_to = main only the main process is told");
	is_str(lines(), "Stopping main process with SIGTERM\n", "and the log says so");
	is_str(on(INSTANCE_RUNG_OVER), "stop-next; rung 5s; INT main", "on each rung");
	is_str(on(INSTANCE_RUNG_OVER), "stop-timeout; stop-kill; left; rung 5s; KILL all",
		"but SIGKILL goes to all");
	lines();

	launch_up("TERM/30/INT/5/KILL/5");
	world.config.stop_to = STOP_MAIN;
	on(INSTANCE_STOP);
	main_exits(0, 0, 2);
	is_str(done(), "main-exit; TERM all",
		"when the main process has ended, the others are told at last");
	is_str(on(INSTANCE_RUNG_OVER), "stop-next; rung 5s; INT all", "and from then on");
	lines();

	launch_up("TERM/30/KILL/5");
	world.config.stop_to = STOP_MAIN;
	on(INSTANCE_STOP);
	main_exits(0, 0, 0);
	is_str(done(), "", "when it took the others along, nothing is sent");

	launch_up("TERM/30/KILL/5");
	world.config.stop_to = STOP_MAIN;
	on(INSTANCE_STOP);
	on(INSTANCE_RUNG_OVER);
	main_exits(137, SIGKILL, 1);
	is_str(done(), "main-exit", "after SIGKILL, which went to all, nothing is sent either");

	launch_up("TERM/30/KILL/5");
	world.config.stop_to = STOP_MAIN;
	main_exits(1, 0, 2);
	is_str(done(), "main-exit; -> stopping; rung 30s; TERM all; stop",
		"a remainder is told, whatever stop_to is");
	lines();
}

/* ---- exits ---- */

static void test_exit_lines(void)
{
	launch_up("TERM/30/KILL/5");
	main_exits(0, 0, 0);
	handle(INSTANCE_EMPTY);
	is_str(lines(), "Process exited with status 0\n", "a status of 0 is told");

	launch_up("TERM/30/KILL/5");
	world.instance.main_ended = true;
	world.left = 1;
	handle(INSTANCE_MAIN_EXIT);
	is_str(lines(),
		"Main process exited with status unknown, waiting for 1 more: 100 (p0)\n"
		"Stopping all processes with SIGTERM\n",
		"a status that nobody could learn is not invented");
	handle(INSTANCE_EMPTY);
	is_str(lines(),
		"Process exited with unknown status: it ended while no supervisor was its parent\n",
		"neither at the end");
	done();
}

static void test_exit_text(void)
{
	char text[INSTANCE_EXIT_TEXT];
	struct instance instance = {.exit = {.known = true, .status = 1}};

	is_str(instance_exit_text(&instance, text), "status 1", "an exit as a text");
	instance.exit = (struct proc_exit){.known = true, .status = 137, .signo = SIGKILL};
	is_str(instance_exit_text(&instance, text), "status 137 (SIGKILL)", "a signal as a text");
	instance.exit = (struct proc_exit){0};
	is_str(instance_exit_text(&instance, text), "unknown status", "an unknown one as a text");
}

static void test_launch_failure(void)
{
	launch("TERM/30/KILL/5", READY_PORT);
	done();
	world.instance.main = PROC_NONE;
	snprintf(world.instance.failure, sizeof world.instance.failure, "no process for `x`");
	world.left = 0;
	world.instance.main_ended = true;
	is_str(on(INSTANCE_MAIN_EXIT), "boot off; -> stopping", "what was never launched ends");
	is_int(world.instance.ending, ENDING_LAUNCH, "because it could not be launched");
	is_str(on(INSTANCE_EMPTY), "-> gone", "and has no exit to report");

	launch("TERM/30/KILL/5", READY_PORT);
	done();
	snprintf(world.instance.failure, sizeof world.instance.failure, "no such program");
	main_exits(127, 0, 0);
	is_int(world.instance.ending, ENDING_LAUNCH,
		"a child that could not execute has the same end");
	on(INSTANCE_EMPTY);
	is_str(lines(), "Process exited with status 127\n", "but was a process, with a status");
	done();
}

static void test_restore(void)
{
	launch_up("TERM/30/KILL/5");
	instance_restore(&world.instance, INSTANCE_STOPPING);
	is_str(done(), "", "a state from a record has no entry actions");
	is_int(world.instance.state, INSTANCE_STOPPING, "but is the state");
}

int main(void)
{
	test_table();
	test_boot();
	test_boot_timeout();
	test_graceful_stop();
	test_timeout();
	test_late_timeout();
	test_hurry();
	test_many_rungs();
	test_truth_of_timeout();
	test_forever();
	test_last_rung_without_kill();
	test_kill_alone();
	test_kill_time();
	test_remainder();
	test_late_remainder();
	test_main_exit_while_stopping();
	test_stop_to_main();
	test_exit_lines();
	test_exit_text();
	test_launch_failure();
	test_restore();
	buf_release(&world.did);
	buf_release(&world.lines);
	return tap_done();
}
