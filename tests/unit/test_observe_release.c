/*
 * Tests of observe with outbound connections: how many were closed when it is said that all are,
 * and whether it was their program that did.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "stoprig.h"

static uint16_t database;

/* ---- connected again ---- */

static void release_twice(void *arg)
{
	int first = connect_to(AF_INET, database), second = connect_to(AF_INET, database);

	(void)arg;
	say(0);
	await_signal(SIGTERM);
	close(first);
	close(second);
	await_signal(SIGTERM);
	first = connect_to(AF_INET, database);
	say(0);
	await_signal(SIGTERM);
	close(first);
	await_signal(SIGTERM);
}

static unsigned count_lines(const char *words)
{
	unsigned count = 0;

	for (const char *at = rig.lines.data; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

static void test_again(void)
{
	launch(release_twice, NULL, true);
	hear();
	begin_stop(SIGTERM);
	go_on_after(&rig.observer.report.released);
	hear();
	begin_turn();
	observe_look(&rig.observer, false);
	observe_settle(&rig.observer);
	is_int(rig.observer.report.released, -1, "who connects again has not released all");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&rig.observer.report.released);
	end_stop();
	is_int(count_lines("Released"), 2, "when he has, it is said again");
	ok(has_line("2 outbound connections closed") && has_line("1 outbound connection closed"),
		"each time with the number of those that were closed since");
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_again();
	close(listener);
	return end_rig();
}
