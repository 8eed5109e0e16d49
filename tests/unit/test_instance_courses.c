/* Tests of instance: boots, the ladder, the end of the main process, and what is said of exits. */
#include "instancerig.h"

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
	ok(world.instance.up_mono >= doings.before, "the time when it came up is noted");
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
	ok(world.instance.stop_began >= doings.before, "the time of its first signal is noted");
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
	buf_release(&doings.words);
	buf_release(&world.lines);
	return tap_done();
}
