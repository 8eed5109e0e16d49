/* stopreport: see the header. */
#include "stopreport.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"

/* Verdict and evidence, both growing. */
struct judgement {
	struct buf verdict;
	struct buf evidence;
};

static void add(struct buf *text, const char *separator, const char *part)
{
	if (text->len > 0)
		buf_adds(text, separator);
	buf_adds(text, part);
}

static void judge(struct judgement *judgement, const char *verdict, const char *evidence)
{
	add(&judgement->verdict, ", ", verdict);
	add(&judgement->evidence, "; ", evidence);
}

static const char *plural(unsigned count)
{
	return count == 1 ? "" : "s";
}

/* Whether it was a signal that closed what was open is certain only when a signal ended the
 * process. */
static void judge_connections(struct judgement *judgement, const struct instance *instance,
	const struct observe_report *report)
{
	bool by_signal = instance->killed || instance->boot_forced || instance->exit.signo != 0;
	char text[160];

	if (report->in_at_exit > 0 && by_signal) {
		snprintf(text, sizeof text,
			"%u inbound connection%s open when it was ended by a signal",
			report->in_at_exit, report->in_at_exit == 1 ? " was" : "s were");
		judge(judgement, "cut", text);
	}
	if (report->out_at_exit > 0 && by_signal) {
		snprintf(text, sizeof text,
			"%u outbound connection%s open when it was ended by a signal",
			report->out_at_exit, report->out_at_exit == 1 ? " was" : "s were");
		judge(judgement, "leaked", text);
	}
	if (by_signal || report->in_at_exit + report->out_at_exit == 0)
		return;
	snprintf(text, sizeof text,
		"%u inbound and %u outbound connections closed while it was exiting: by the "
		"program or by "
		"its exit, which cannot be told apart",
		report->in_at_exit, report->out_at_exit);
	add(&judgement->evidence, "; ", text);
}

static void judge_stop(struct judgement *judgement, const struct instance *instance,
	const struct observe_report *report)
{
	char verdict[32], text[160];

	if (instance->killed || instance->boot_forced)
		judge(judgement, "forced", "SIGKILL was needed");
	judge_connections(judgement, instance, report);
	if (report->late > 0) {
		snprintf(text, sizeof text,
			"%u connection%s accepted more than a second after the signal",
			report->late, plural(report->late));
		judge(judgement, "late accepts", text);
	}
	if (report->order_wrong)
		judge(judgement, "order wrong",
			"its last outbound connection was closed while inbound ones were open");
	if (instance->exit.known && instance->exit.status != 0) {
		snprintf(verdict, sizeof verdict, "status %d", instance->exit.status);
		snprintf(text, sizeof text, "it exited with %d", instance->exit.status);
		judge(judgement, verdict, text);
	}
	if (!instance->exit.known)
		judge(judgement, "status unknown", "nobody could learn its exit status");
	if (judgement->verdict.len == 0)
		buf_adds(&judgement->verdict, "clean");
}

static void put_ms(struct event *event, const char *key, nsec_t time)
{
	if (time >= 0)
		event_int(event, key, time / NSEC_PER_MSEC);
}

static void put_observed(struct event *event, const struct observe_report *report)
{
	event_int(event, "visible", report->visible);
	event_int(event, "listeners", report->listeners);
	event_int(event, "inbound", report->inbound);
	event_int(event, "outbound", report->outbound);
	event_str(event, "peers", report->peers);
	event_int(event, "accepted", report->accepted);
	event_int(event, "inbound_at_exit", report->in_at_exit);
	event_int(event, "outbound_at_exit", report->out_at_exit);
	put_ms(event, "not_accepting_ms", report->not_accepting);
	put_ms(event, "drained_ms", report->drained);
	put_ms(event, "released_ms", report->released);
}

void stopreport_fill(
	const struct instance *instance, const struct observe_report *report, struct event *event)
{
	const struct ladder *stop = &instance->config->stop;
	struct judgement judgement = {BUF_INIT, BUF_INIT};
	char ladder[LADDER_TEXT];

	judge_stop(&judgement, instance, report);
	event_str(event, "reason", instance->reason);
	event_str(event, "signal", signal_name(stop->rung[0].signo));
	event_str(event, "ladder", ladder_format(stop, ladder));
	event_int(event, "ms", (clock_mono() - instance->stop_began) / NSEC_PER_MSEC);
	put_observed(event, report);
	if (instance->exit.known)
		event_int(event, "status", instance->exit.status);
	event_str(event, "verdict", judgement.verdict.data);
	event_str(event, "evidence", judgement.evidence.len > 0 ? judgement.evidence.data : "");
	buf_release(&judgement.verdict);
	buf_release(&judgement.evidence);
}
