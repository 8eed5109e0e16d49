/* Tests of dyno: the courses of starts, stops, restarts, crashes and cycles. */
#include "dynorig.h"

/* ---- starting and stopping ---- */

static void test_start(void)
{
	down();
	is_int(world.dyno.state, DYNO_DOWN, "a new dyno is down");
	is_str(world.dyno.name, "web.1", "its name is type and number");
	ok(!world.dyno.wanted_up, "nobody wants it up");
	is_str(on(DYNO_START), "down>starting; cycle 1d; launch 1", "a start launches it");
	ok(world.dyno.wanted_up, "and is wanted from then on");
	is_str(world.dyno.why, "asked to start", "it says why it is starting");
	is_str(is_up(1), "starting>up; stable 10m", "it is up when its instance is");
	is_str(world.dyno.why, "", "and has nothing to explain");
	is_int(world.dyno.restarts, 0, "a first launch is no restart");
	is_str(on(DYNO_STOP), "stable off; cycle off; up>down; stop 1",
		"the log says down before the signal is sent, as on Heroku");
	is_str(is_gone(1), "", "when it is gone the log has said it");
	is_int(world.dyno.state, DYNO_DOWN, "it is down");
	is_str(world.dyno.why, "stopped", "because it was stopped");
	is_int((int64_t)world.dyno.failures, 0, "nothing of this is a failure");
	on(DYNO_START);
	is_int((int64_t)world.dyno.launches, 2, "launches are counted on");
}

static void test_start_during_stop(void)
{
	stopping();
	is_str(on(DYNO_START), "", "a start during a stop does nothing at once");
	ok(world.dyno.wanted_up, "but is kept as the wish");
	is_str(on(DYNO_STOP), "", "a stop takes it back, and does not hurry yet");
	ok(!world.dyno.wanted_up, "it is not wanted any more");
	is_str(on(DYNO_STOP), "stop 1", "a stop after that does hurry");
	is_str(is_gone(1), "", "and so it stays down");
	is_int(world.dyno.state, DYNO_DOWN, "it is down in the end");

	stopping();
	on(DYNO_START);
	is_str(is_gone(1), "down>starting; cycle 1d; launch 2",
		"otherwise it is launched when the old one is gone");
	stopping_both();
	on(DYNO_START);
	is_str(is_gone(2), "", "not before the last one of two is gone");
	is_str(is_gone(1), "down>starting; cycle 1d; launch 3", "and then once");
}

static void test_stop_of_all(void)
{
	starting_beside_old();
	is_str(on(DYNO_STOP), "cycle off; starting>down; stop 2",
		"a first stop does not hurry the old one, which is ending already");
	is_str(on(DYNO_STOP), "stop 2; stop old", "a second one hurries both");
	is_gone(2);
	is_int(world.dyno.state, DYNO_STOPPING, "it is stopping while the old one lives");
	is_gone(1);
	is_int(world.dyno.state, DYNO_DOWN, "and down when both are gone");
}

/* ---- restarting ---- */

static void test_overlap(void)
{
	up();
	is_str(on(DYNO_RESTART),
		"restart; stable off; up>starting; stop 1; cycle off; cycle 1d; launch 2",
		"overlap: the new one is launched as soon as the old one has its signal");
	is_int(world.dyno.old, 1, "the old one is on its way out");
	is_str(is_up(2), "starting>up; stable 10m", "the new one takes over");
	is_str(is_gone(1), "", "the old one goes in silence");
	is_int(world.dyno.state, DYNO_UP, "it is up");
	is_int(world.dyno.restarts, 1, "that was one restart");

	starting_beside_old();
	on(DYNO_RESTART);
	is_int(world.dyno.old, 2, "a restart on top of a restart retires the new one too");
	is_int(dyno_instances(&world.dyno), 3, "all of them are counted");
	is_gone(2);
	is_gone(1);
	is_str(is_up(3), "starting>up; stable 10m", "the newest takes over");
}

static void test_stop_first(void)
{
	up_in(ORDER_STOP_FIRST);
	is_str(on(DYNO_RESTART), "restart; stable off; up>starting; stop 1",
		"stop-first: the old one is stopped, and nothing launched");
	is_int(dyno_instances(&world.dyno), 1, "there is one instance");
	is_str(is_gone(1), "cycle off; cycle 1d; launch 2", "the new one comes when it is gone");
	is_str(is_up(2), "starting>up; stable 10m", "and takes over");

	starting_after_old();
	on(DYNO_STOP);
	is_str(is_gone(1), "", "a stop in between: nothing is launched any more");
	is_int(world.dyno.state, DYNO_DOWN, "it is down");

	new_dyno(ORDER_STOP_FIRST, default_backoff);
	on(DYNO_START);
	is_str(on(DYNO_RESTART), "restart; stop 1",
		"stop-first holds for one that is not up yet, too");
}

static void test_start_first(void)
{
	up_in(ORDER_START_FIRST);
	is_str(on(DYNO_RESTART), "restart; stable off; up>starting; cycle off; cycle 1d; launch 2",
		"start-first: the old one is left alone");
	is_str(is_up(2), "stop 1; starting>up; stable 10m", "until the new one is up");
	is_str(is_gone(1), "", "then it goes");
	is_int(world.dyno.state, DYNO_UP, "it is up");

	new_dyno(ORDER_START_FIRST, default_backoff);
	on(DYNO_START);
	is_str(on(DYNO_RESTART), "restart; stop 1; cycle off; cycle 1d; launch 2",
		"one that is not up serves nobody and is not kept");

	starting_before_old();
	is_str(on(DYNO_RESTART), "restart; stop 2; cycle off; cycle 1d; launch 3",
		"a restart on top of it replaces the candidate");
	is_str(is_gone(2), "", "the first candidate goes in silence");
	is_str(is_up(3), "stop 1; starting>up; stable 10m", "the second takes over");
}

static void test_candidate_fails(void)
{
	starting_before_old();
	is_str(crashes(2, 1), "note; starting>up; stable 10m",
		"when the candidate dies the old one goes on, and can become stable again");
	is_int(world.dyno.state, DYNO_UP, "it is up");
	is_str(world.dyno.why,
		"the new instance did not come up (exited with status 1), so the old one goes on",
		"it says what happened");
	is_int((int64_t)world.dyno.failures, 1, "the failure is counted");
	is_int(world.dyno.crashes, 0, "but is no crash of what serves");
	ok(world.dyno.current == &world.instances[1], "the old one is current");
	is_str(on(DYNO_RESTART), "restart; stable off; up>starting; cycle off; cycle 1d; launch 3",
		"and can be restarted anew");

	starting_before_old();
	is_str(boot_timeout(2), "note; starting>up; stable 10m",
		"a boot timeout of the candidate is the same");
}

static void test_old_fails(void)
{
	starting_before_old();
	is_str(crashes(1, 1), "", "when the old one dies first, the candidate stands in its place");
	ok(world.dyno.current == &world.instances[2], "it is current");
	is_int(world.dyno.crashes, 0, "that is no crash of the dyno");
	is_str(is_up(2), "starting>up; stable 10m", "it takes over as it would have");

	starting_before_old();
	is_str(ends(1, 1, true), "", "the old one may leave others behind");
	is_int(world.dyno.old, 1, "it is one of the old ones then");
	is_str(is_up(2), "starting>up; stable 10m", "the candidate takes over");
	is_str(is_gone(1), "", "and the rest goes in silence");

	starting_before_old();
	ends(1, 1, false);
	is_str(is_up(2), "stop 1; starting>up; stable 10m",
		"one whose output is not read to its end is retired like any other");

	starting_before_old();
	crashes(1, 1);
	is_str(crashes(2, 1), "cycle off; starting>crashed; crashed>starting; cycle 1d; launch 3",
		"when both die it is a crash");
	is_int(world.dyno.crashes, 1, "one");
}

/* ---- crashing ---- */

static void test_crash_policy(void)
{
	static const struct {
		const char *does;
		nsec_t pause;
	} next[] = {
		{"stable off; cycle off; up>crashed; crashed>starting; cycle 1d; launch 2", 0},
		{"cycle off; starting>crashed; cool 20m; cooling", 20},
		{"cycle off; starting>crashed; cool 40m; cooling", 40},
		{"cycle off; starting>crashed; cool 1h; cooling", 60},
		{"cycle off; starting>crashed; cool 3h; cooling", 180},
		{"cycle off; starting>crashed; cool 5h20m; cooling", 320},
		{"cycle off; starting>crashed; cool 5h20m; cooling", 320},
	};
	char name[80];

	up();
	for (int i = 0; i < (int)(sizeof next / sizeof *next); i++) {
		snprintf(name, sizeof name, "crash %d in a row, as on Heroku", i + 1);
		is_str(crashes(i + 1, 1), next[i].does, name);
		is_int(world.dyno.crashes, i + 1, "each is counted");
		if (next[i].pause > 0)
			ok(strstr(fires(DYNO_TIMER_COOL, DYNO_COOLED), "crashed>starting") != NULL,
				"it is tried again when the pause is over");
	}
	is_int((int64_t)world.dyno.failures, 7, "every crash is a failure");

	cooling();
	is_str(world.dyno.why, "exited with status 1", "it says why it cools");
	is_int(world.dyno.last_exit.status, 1, "and knows the status");
	crashed();
	is_int(world.dyno.state, DYNO_CRASHED, "never: it stays crashed");
	is_str(world.dyno.why, "exited with status 1", "and says why");
	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	is_str(boot_timeout(1), "cycle off; starting>crashed", "a boot timeout is a crash");
	is_str(world.dyno.why, "boot timeout", "which is said");
	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	is_str(crashes(1, 0), "cycle off; starting>crashed", "an exit with status 0 is one, too");
}

static const char *launch_fails(int number, bool was_process)
{
	struct instance *instance = &world.instances[number];

	instance->ending = ENDING_LAUNCH;
	instance->main.pid = was_process ? 100 : 0;
	snprintf(instance->failure, sizeof instance->failure, "the program cannot be executed");
	becomes(number, INSTANCE_STOPPING);
	return is_gone(number);
}

static void test_launch_failure(void)
{
	static const char *const pauses[] = {"1s", "2s", "4s", "8s", "16s", "32s", "1m", "1m"};
	char does[80];

	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	is_str(launch_fails(1, true), "cycle off; starting>crashed",
		"what cannot be executed is crashed");
	is_str(world.dyno.why, "the program cannot be executed", "and says why");
	ok(!world.dyno.last_exit.known, "without an exit status");
	is_int(world.dyno.crashes, 1, "it is counted as a crash");

	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	for (int i = 0; i < (int)(sizeof pauses / sizeof *pauses); i++) {
		snprintf(does, sizeof does, "cycle off; starting>crashed; cool %s; cooling",
			pauses[i]);
		is_str(launch_fails(i + 1, false), does,
			"where not even a process could be made, it is tried again soon");
		fires(DYNO_TIMER_COOL, DYNO_COOLED);
	}
	is_int(world.dyno.crashes, 0, "which is no crash, so backoff has no part in it");
	is_int((int64_t)world.dyno.failures, 8, "but a failure each time");
	is_str(crashes(9, 1), "cycle off; starting>crashed", "a real crash after it is one");
	is_int(world.dyno.crashes, 1, "and counted");
}

static void test_crash_leaving_others(void)
{
	up();
	is_str(ends(1, 3, true), "stable off; cycle off; up>crashed",
		"it is crashed as soon as its main process is");
	is_str(world.dyno.why, "exited with status 3", "and says why");
	is_str(on(DYNO_STABLE), "", "it cannot become stable any more");
	is_str(is_gone(1), "crashed>starting; cycle 1d; launch 2",
		"the policy begins when the rest is gone");
	is_int(world.dyno.crashes, 1, "it was one crash");
	is_int((int64_t)world.dyno.failures, 1, "and one failure");

	crashed_leaving_others();
	is_str(on(DYNO_STOP), "crashed>down; stop 1", "a stop in between stops the rest");
	is_str(is_gone(1), "", "and nothing is launched");
	is_int(world.dyno.state, DYNO_DOWN, "it is down");
}

static void test_start_while_rest_is_ending(void)
{
	cooling();
	fires(DYNO_TIMER_COOL, DYNO_COOLED);
	ends(3, 1, true);
	is_str(on(DYNO_START), "", "a start has to wait for the rest of a crashed instance");
	uint64_t failures = world.dyno.failures;
	ok(strstr(is_gone(3), "launch 4") != NULL, "and comes at once then, without a pause");
	is_int(world.dyno.crashes, 0, "the crash before it is forgiven");
	is_int((int64_t)(world.dyno.failures - failures), 0,
		"and is not taken for a failure of this start");

	new_dyno(ORDER_OVERLAP, "never");
	on(DYNO_START);
	ends(1, 1, true);
	on(DYNO_START);
	ok(strstr(is_gone(1), "launch 2") != NULL, "also where nothing is tried again by itself");

	cooling_beside_old();
	is_str(on(DYNO_START), "", "a start has to wait for an old instance, too");
	ok(strstr(is_gone(1), "launch 3") != NULL, "and not for the end of the pause");
}

static void test_crash_count(void)
{
	cooling();
	is_int(world.dyno.crashes, 2, "two crashes");
	fires(DYNO_TIMER_COOL, DYNO_COOLED);
	is_up(3);
	is_int(world.dyno.crashes, 2, "to be up is not enough to forget them");
	fires(DYNO_TIMER_CYCLE, DYNO_CYCLE);
	is_int(world.dyno.crashes, 2, "a cycle does not touch the count");
	is_up(4);
	is_int(world.dyno.crashes, 2, "nor does the instance that it brings");
	fires(DYNO_TIMER_STABLE, DYNO_STABLE);
	is_int(world.dyno.crashes, 0, "to be up for backoff_reset does");

	cooling();
	on(DYNO_RESTART);
	is_int(world.dyno.crashes, 0, "a restart by hand does");
	cooling();
	fires(DYNO_TIMER_COOL, DYNO_COOLED);
	on(DYNO_RESTART);
	is_int(world.dyno.crashes, 0, "also while it is starting");
	cooling();
	on(DYNO_START);
	is_int(world.dyno.crashes, 0, "and so does a start");
	cooling();
	on(DYNO_STOP);
	on(DYNO_START);
	is_int(world.dyno.crashes, 0, "after a stop as well");
	up_in(ORDER_START_FIRST);
	crashes(1, 1);
	is_up(2);
	fires(DYNO_TIMER_CYCLE, DYNO_CYCLE);
	crashes(3, 1);
	is_int(world.dyno.crashes, 1, "a candidate that fails is not counted among the crashes");
	ok(world.dyno.due[DYNO_TIMER_STABLE] != 0, "and what goes on can still become stable");
}

static void test_stop_while_cooling(void)
{
	cooling();
	is_str(on(DYNO_STOP), "cool off; crashed>down", "a stop while it cools is done at once");
	is_str(on(DYNO_COOLED), "", "a timer that was on its way comes too late");
	is_int(world.dyno.state, DYNO_DOWN, "it stays down");
}

/* ---- the cycle ---- */

static nsec_t cycle_drawn(uint64_t random)
{
	new_dyno(ORDER_OVERLAP, default_backoff);
	world.config.cycle_jitter = 216 * NSEC_PER_MIN;
	world.random = random;
	did_begin();
	on(DYNO_START);
	return world.dyno.due[DYNO_TIMER_CYCLE] - doings.before;
}

static void test_cycle(void)
{
	static const uint64_t randoms[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
	const nsec_t least = 24 * NSEC_PER_HOUR, jitter = 216 * NSEC_PER_MIN;
	nsec_t surely = 0;

	for (size_t i = 0; i < sizeof randoms / sizeof *randoms; i++) {
		nsec_t drawn = cycle_drawn(randoms[i]);
		nsec_t slack = clock_mono() - doings.before;
		ok(drawn >= least, "the cycle is never shorter than it is set to");
		ok(drawn <= least + jitter + slack, "nor longer than the jitter allows");
		ok(drawn >= surely, "a larger random number gives a longer one");
		surely = drawn - slack;
	}
	is_str(is_up(1), "starting>up; stable 10m", "coming up does not draw it anew");

	new_dyno(ORDER_OVERLAP, default_backoff);
	world.config.cycle = 0;
	is_str(on(DYNO_START), "down>starting; launch 1", "cycle = 0: it is never cycled");
	new_dyno(ORDER_OVERLAP, default_backoff);
	world.config.restart_at_text = (char *)"30 4 * * *";
	is_str(on(DYNO_START), "down>starting; launch 1", "restart_at takes the cycle's place");

	up_in(ORDER_START_FIRST);
	is_str(fires(DYNO_TIMER_CYCLE, DYNO_CYCLE),
		"cycle; stable off; up>starting; cycle 1d; launch 2",
		"a cycle follows restart_order");
	is_str(world.dyno.why, "its time was up", "and says why");
}

/* ---- counters ---- */

static void test_counters(void)
{
	up();
	world.instances[1].killed = true;
	on(DYNO_STOP);
	is_gone(1);
	is_int((int64_t)world.dyno.kills, 1, "a stop that needed SIGKILL is counted");
	on(DYNO_START);
	is_up(2);
	on(DYNO_STOP);
	is_gone(2);
	is_int((int64_t)world.dyno.kills, 1, "one that did not is not");
	is_int(dyno_instances(&world.dyno), 0, "nothing exists");
	dyno_restore(&world.dyno, DYNO_CRASHED);
	is_str(done(), "", "a state from a record has no entry actions");
	is_int(world.dyno.state, DYNO_CRASHED, "but is the state");
}

int main(void)
{
	test_start();
	test_start_during_stop();
	test_stop_of_all();
	test_overlap();
	test_stop_first();
	test_start_first();
	test_candidate_fails();
	test_old_fails();
	test_crash_policy();
	test_launch_failure();
	test_crash_leaving_others();
	test_start_while_rest_is_ending();
	test_crash_count();
	test_stop_while_cooling();
	test_cycle();
	test_counters();
	buf_release(&doings.words);
	return tap_done();
}
