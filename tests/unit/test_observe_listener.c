/*
 * Tests of observe with listeners of whose end the kernel does not tell: it is found by a glance.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

/* Only glances are left: the next look would come in an hour. */
static void spare_looks(void)
{
	timer_set(rig.app.loop, &rig.observer.look, clock_mono() + 3600 * NSEC_PER_SEC);
}

/* ---- one that others have, too ---- */

static void lose_listener(void *arg)
{
	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(program_inherits);
	await_signal(SIGTERM);
}

static void test_others(void)
{
	uint16_t port = 0;

	program_inherits = listen_on(AF_INET, &port, false);
	launch(lose_listener, NULL, true);
	hear();
	begin_stop(SIGTERM);
	spare_looks();
	go_on_after(&rig.observer.report.not_accepting);
	const struct observe_report *report = end_stop();
	ok(has_line("Not accepting"),
		"a glance finds a listener that only others still have, and it is said");
	is_int(report->reset, 0, "who waits there is not reset");
	close(program_inherits);
	program_inherits = -1;
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	test_others();
	return end_rig();
}
