/*
 * Tests of observe where not everything can be seen: then nothing is claimed.
 */
#include "nets.h"
#include "stoprig.h"

static void serve_one(void)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);
	int client = connect_to(AF_INET, port), server = accept_one(listener);

	say(port);
	await_signal(SIGTERM);
	close(listener);
	close(client);
	close(server);
}

/* The program tells a number when it is ready; the rest of its stop is not waited for. */
static const struct observe_report *stop(void (*program)(void *arg), void *arg)
{
	launch(program, arg, true);
	hear();
	begin_stop(SIGTERM);
	return end_stop();
}

static void is_unseen(const struct observe_report *report, const char *name)
{
	ok(!report->visible, name);
	is_int(report->watched, OBSERVE_UNKNOWN, "nothing is known of it");
	is_int(report->listeners + report->inbound + report->outbound, 0, "nothing is counted");
	ok(report->not_accepting < 0 && report->drained < 0 && report->released < 0,
		"no phase is claimed");
}

/* ---- another network ---- */

static void serve_elsewhere(void *arg)
{
	(void)arg;
	if (!enter_own_network())
		_exit(1);
	serve_one();
}

static void live_elsewhere(void *arg)
{
	(void)arg;
	if (!enter_own_network())
		_exit(1);
	say(0);
	await_signal(SIGTERM);
}

static void test_elsewhere(void)
{
	is_unseen(stop(serve_elsewhere, NULL), "sockets in another network namespace are not seen");
	ok(stop(live_elsewhere, NULL)->visible, "who has no sockets has none anywhere");
}

int main(void)
{
	begin_rig();
	if (can_have_own_network())
		test_elsewhere();
	else
		printf("# no other network\n");
	return end_rig();
}
