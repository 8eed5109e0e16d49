/*
 * Tests of observe with a supervisor that is replaced in the middle of a stop.
 */
#include <errno.h>

#include "nets.h"
#include "observe-parts.h"
#include "record-observe.h"
#include "stoprig.h"

/* Another supervisor goes on with what stands in the record. */
static void replace_supervisor(void)
{
	static struct observe_kept kept;
	struct observe_subject subject = rig.observer.subject;
	bson_t doc = BSON_INITIALIZER;

	record_put_observed(&doc, &rig.observer, NULL);
	observe_stop(&rig.observer);
	begin_turn();
	if (!record_get_observed(&doc, &kept))
		bail_out("nothing was kept");
	observe_resume(&rig.observer, &rig.app, &subject, &kept, !rig.has_ended);
	bson_destroy(&doc);
}

/* The time of the first step with so many connections; -1: none. */
static nsec_t time_of_step(unsigned inbound, unsigned outbound)
{
	const struct stophistory *history = &rig.observer.report.history;

	for (size_t i = 0; i < history->step_count; i++)
		if (history->steps[i].inbound == inbound && history->steps[i].outbound == outbound)
			return history->steps[i].at;
	return -1;
}

static uint16_t database;

/* What it closes at one SIGTERM after the other, a letter for each: its inbound connection (i) or
 * its outbound one (o). */
static void close_in_turn(void *arg)
{
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), outbound = connect_to(AF_INET, database);

	say(port);
	int inbound = accept_one(listener);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	for (const char *step = arg; *step != '\0'; step++) {
		close(*step == 'i' ? inbound : outbound);
		await_signal(SIGTERM);
	}
}

static int begin(char *steps)
{
	launch(close_in_turn, steps, true);
	int client = connect_to(AF_INET, hear());
	hear();
	shutdown(client, SHUT_WR);
	begin_stop(SIGTERM);
	return client;
}

static void test_drained(void)
{
	static char steps[] = "io";
	const struct observe_report *report = &rig.observer.report;
	int client = begin(steps);

	await_phase(&report->drained);
	nsec_t drained = report->drained;
	replace_supervisor();
	is_int(report->drained, drained, "a phase that was reached stays");
	is_int(time_of_step(0, 1), drained, "and the steps of the connections know its time");
	kill(rig.tree.main.pid, SIGTERM);
	go_on_after(&report->released);
	end_stop();
	ok(has_line("1 outbound connection closed"), "what was open then is closed afterwards");
	close(client);
}

static void test_released(void)
{
	static char steps[] = "oi";
	const struct observe_report *report = &rig.observer.report;
	int client = begin(steps);

	await_phase(&report->released);
	kill(rig.tree.main.pid, SIGTERM);
	await_phase(&report->drained);
	nsec_t released = report->released, drained = report->drained;
	replace_supervisor();
	is_int(time_of_step(1, 0), released, "the steps know the times of several phases");
	is_int(time_of_step(0, 0), drained, "in their order");
	is_int(report->history.step_count, 3, "and no others");
	kill(rig.tree.main.pid, SIGTERM);
	end_stop();
	close(client);
}

int main(void)
{
	if (!enter_own_network())
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_drained();
	test_released();
	close(listener);
	return end_rig();
}
