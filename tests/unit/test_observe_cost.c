/*
 * Tests of observe about how often it looks: once a second, unless that is dear.
 */
#include <errno.h>
#include <time.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

/* What the line of a phase costs, so that the look that finds it does. */
static nsec_t burden;

static nsec_t cpu_time(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return spent.tv_sec * NSEC_PER_SEC + spent.tv_nsec;
}

static void keep_line_dearly(void *arg, const struct event *event, const struct cause *lost)
{
	nsec_t end = cpu_time() + burden;

	keep_line(arg, event, lost);
	while (cpu_time() < end)
		;
}

static void lose_listener(void *arg)
{
	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(program_inherits);
	await_signal(SIGTERM);
}

/* The first look after the signal finds that only others have the listener, and costs so much. */
static void begin(nsec_t cost)
{
	uint16_t port = 0;

	program_inherits = listen_on(AF_INET, &port, false);
	launch(lose_listener, NULL, true);
	hear();
	burden = cost;
	begin_stop(SIGTERM);
	timer_set(rig.app.loop, &rig.observer.glance, clock_mono() + 3600 * NSEC_PER_SEC);
	await_phase(&rig.observer.report.not_accepting);
}

static void end(void)
{
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(program_inherits);
	program_inherits = -1;
}

/* Returns how long it took until the next look that is not spared. */
static nsec_t await_look(void)
{
	nsec_t began = clock_mono(), limit = began + PATIENCE * NSEC_PER_SEC;

	rig.observer.must_look = true;
	while (rig.observer.must_look && clock_mono() < limit)
		ev_run(rig.app.loop, EVRUN_ONCE);
	return clock_mono() - began;
}

static void test_small(void)
{
	begin(2 * NSEC_PER_MSEC);
	ok(await_look() < 3 * LOOK_INTERVAL, "a look of 2 ms is made once a second");
	end();
}

static void test_large(void)
{
	begin(100 * NSEC_PER_MSEC);
	nsec_t pause = rig.observer.due - clock_mono();
	ok(pause > 5 * LOOK_INTERVAL, "after one of 100 ms the next is put off");
	rig.observer.due = clock_mono();
	await_look();
	pause = rig.observer.due - clock_mono();
	ok(pause < LOOK_INTERVAL, "when they are cheap they are made once a second again");
	end();
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	rig.app.listener = keep_line_dearly;
	test_small();
	test_large();
	return end_rig();
}
