/* stopreport: see the header. */
#include "stopreport.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "clock.h"

enum {
	TEXT = 256
};

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

static const char *were(unsigned count)
{
	return count == 1 ? "was" : "were";
}

static void judge_dead(
	struct judgement *judgement, const char *verdict, unsigned count, const char *direction)
{
	char text[TEXT];

	if (count == 0)
		return;
	snprintf(text, sizeof text, "%u %s connection%s %s open when their process ended", count,
		direction, plural(count), were(count));
	judge(judgement, verdict, text);
}

static void explain_unclear(struct judgement *judgement, unsigned count, const char *direction)
{
	char text[TEXT];

	if (count == 0)
		return;
	snprintf(text, sizeof text,
		"%u %s connection%s closed while their process was ending: by the program or by "
		"its end, which cannot be told apart from outside",
		count, direction, plural(count));
	add(&judgement->evidence, "; ", text);
}

static void judge_connections(struct judgement *judgement, const struct observe_report *report)
{
	judge_dead(judgement, "cut", report->cut, "inbound");
	judge_dead(judgement, "leaked", report->leaked, "outbound");
	explain_unclear(judgement, report->in_at_exit - report->cut, "inbound");
	explain_unclear(judgement, report->out_at_exit - report->leaked, "outbound");
}

static void judge_answers(struct judgement *judgement, const struct observe_report *report)
{
	char text[TEXT];

	if (report->unanswered > 0) {
		snprintf(text, sizeof text,
			"%u connection%s had sent something and %s closed without a byte of "
			"answer: a request was cut off, had never come to its end, or wanted "
			"none, or the client had gone",
			report->unanswered, plural(report->unanswered), were(report->unanswered));
		judge(judgement, "unanswered", text);
	}
	if (report->last_words > 0) {
		snprintf(text, sizeof text,
			"%u %s %s closed with the client's last words unanswered, as far as the "
			"kernel's times tell",
			report->last_words,
			report->unanswered > 0	 ? "more"
			: report->last_words > 1 ? "connections"
						 : "connection",
			were(report->last_words));
		add(&judgement->evidence, "; ", text);
	}
}

/* ", of which 2 had no answer yet and 1 was used afterwards" */
static void name_busy(const struct observe_report *report, struct buf *out)
{
	unsigned owed = report->owed_then, used = report->used_then;

	buf_adds(out, ", of which ");
	if (owed > 0)
		buf_addf(out, "%u had no answer yet", owed);
	if (used > 0)
		buf_addf(out, "%s%u %s used afterwards", owed > 0 ? " and " : "", used, were(used));
}

static void judge_order(struct judgement *judgement, const struct observe_report *report)
{
	unsigned count = report->inbound_then;
	struct buf text = BUF_INIT;

	if (count == 0)
		return;
	buf_addf(&text,
		"its last outbound connection was closed while %u inbound connection%s %s open",
		count, plural(count), were(count));
	if (report->owed_then + report->used_then > 0)
		name_busy(report, &text);
	if (!report->order_wrong)
		buf_adds(&text, ", which may have been in order");
	if (report->order_wrong)
		judge(judgement, "order wrong", text.data);
	else
		add(&judgement->evidence, "; ", text.data);
	buf_release(&text);
}

static void judge_status(struct judgement *judgement, const struct instance *instance)
{
	const struct proc_exit *exit = &instance->exit;
	char verdict[32], text[TEXT];

	if (!exit->known) {
		judge(judgement, "status unknown", "nobody could learn its exit status");
		return;
	}
	if (exit->status == 0)
		return;
	snprintf(verdict, sizeof verdict, "status %d", exit->status);
	if (exit->signo != 0)
		snprintf(text, sizeof text, "it was ended by %s", signal_name(exit->signo));
	else
		snprintf(text, sizeof text, "it exited with %d", exit->status);
	judge(judgement, verdict, text);
}

static void explain_waited(struct judgement *judgement, unsigned count)
{
	char text[TEXT];

	if (count == 0)
		return;
	snprintf(text, sizeof text,
		"%u connection%s that waited at its Unix listener %s gone when that was closed: "
		"accepted and closed just before, or reset with it, which cannot be told apart "
		"from outside",
		count, plural(count), were(count));
	add(&judgement->evidence, "; ", text);
}

static void explain_unseen(struct judgement *judgement, const struct observe_report *report)
{
	static const char *const reasons[UNSEENS] = {
		[UNSEEN_KERNEL] = "the kernel does not tell of sockets here",
		[UNSEEN_UNIX] = "it has Unix sockets, of which the kernel does not tell here",
		[UNSEEN_PROCESS] = "one of its processes may not be looked at, or has too many "
				   "descriptors open",
		[UNSEEN_ELSEWHERE] = "they are in another network namespace",
		[UNSEEN_PORTS] = "it listens on more ports than the 256 that are observed",
	};
	const char *reason = report->unseen < UNSEENS ? reasons[report->unseen] : NULL;
	char text[TEXT];

	_Static_assert(OBSERVE_PORTS == 256, "as the reason says");
	snprintf(text, sizeof text, "what its sockets did could not be seen%s%s",
		reason != NULL ? ": " : "", reason != NULL ? reason : "");
	add(&judgement->evidence, "; ", text);
}

static void judge_stop(struct judgement *judgement, const struct instance *instance,
	const struct observe_report *report)
{
	char text[OBSERVE_LEFT + TEXT];

	if (instance->killed || instance->boot_forced) {
		snprintf(text, sizeof text, "SIGKILL was needed%s%s%s",
			instance->kill_hurried ? " when it was asked to stop once more" : "",
			report->left[0] != '\0' ? ": " : "", report->left);
		judge(judgement, "forced", text);
	}
	if (instance->refused[0] != '\0') {
		snprintf(text, sizeof text, "the supervisor may not signal %s", instance->refused);
		judge(judgement, "refused", text);
	}
	if (!report->visible)
		explain_unseen(judgement, report);
	judge_connections(judgement, report);
	judge_answers(judgement, report);
	if (report->reset > 0) {
		snprintf(text, sizeof text,
			"%u connection%s that nobody had accepted %s dropped with the listener, "
			"and reset unless the client had gone before",
			report->reset, plural(report->reset), were(report->reset));
		judge(judgement, "reset", text);
	}
	explain_waited(judgement, report->waited);
	if (report->late > 0) {
		snprintf(text, sizeof text,
			"%u connection%s came in more than a second after the signal", report->late,
			plural(report->late));
		judge(judgement, "late accepts", text);
	}
	judge_order(judgement, report);
	judge_status(judgement, instance);
	if (judgement->verdict.len == 0)
		buf_adds(&judgement->verdict, "clean");
}

static void put_ms(struct event *event, const char *key, nsec_t time)
{
	if (time >= 0)
		event_int(event, key, time / NSEC_PER_MSEC);
}

static void put_sockets(struct event *event, const struct observe_report *report)
{
	event_int(event, "listeners", report->listeners);
	event_int(event, "inbound", report->inbound);
	event_int(event, "outbound", report->outbound);
	event_str(event, "peers", report->peers);
	event_str(event, "other_ports", report->other_ports);
	event_int(event, "beside", report->beside);
	event_int(event, "accepted", report->accepted);
	event_int(event, "late", report->late);
	event_int(event, "reset", report->reset);
	event_int(event, "unanswered", report->unanswered);
	event_int(event, "last_words", report->last_words);
	event_int(event, "inbound_at_exit", report->in_at_exit);
	event_int(event, "outbound_at_exit", report->out_at_exit);
	put_ms(event, "not_accepting_ms", report->not_accepting);
	put_ms(event, "drained_ms", report->drained);
	put_ms(event, "released_ms", report->released);
}

/* Of a time in which nobody watched only a look told what had happened. */
static enum observe_watched how_watched(const struct observe_report *report)
{
	return report->interrupted && report->watched == OBSERVE_EVENTS ? OBSERVE_LOOKS
									: report->watched;
}

static void put_observed(struct event *event, const struct observe_report *report)
{
	static const char *const watched[] = {
		[OBSERVE_UNKNOWN] = "unknown",
		[OBSERVE_LOOKS] = "looks",
		[OBSERVE_EVENTS] = "events",
	};

	if (report->history.signal_count > 0)
		event_int(event, "processes", report->processes);
	event_int(event, "visible", report->visible);
	event_str(event, "watched", watched[how_watched(report)]);
	if (report->visible)
		put_sockets(event, report);
	stophistory_fill(&report->history, event);
}

/* The time before SIGKILL; none for one that did not boot, which gets nothing else. */
static nsec_t time_allowed(const struct instance *instance)
{
	const struct ladder *stop = &instance->config->stop;

	if (instance->boot_forced)
		return 0;
	return stop->rung[stop->count - 1].signo == SIGKILL ? ladder_grace(stop) : LADDER_FOREVER;
}

void stopreport_fill(
	const struct instance *instance, const struct observe_report *report, struct event *event)
{
	static const struct observe_report nothing;
	const struct ladder *stop = &instance->config->stop;
	struct judgement judgement = {BUF_INIT, BUF_INIT};
	char ladder[LADDER_TEXT];

	if (report == NULL)
		report = &nothing;
	judge_stop(&judgement, instance, report);
	event_str(event, "reason", instance->reason);
	event_str(event, "signal",
		signal_name(instance->boot_forced ? SIGKILL : stop->rung[0].signo));
	event_str(event, "ladder", ladder_format(stop, ladder));
	event_int(event, "ms", (clock_mono() - instance->stop_began) / NSEC_PER_MSEC);
	if (report->is_end_unseen)
		event_int(event, "ms_at_most", 1);
	nsec_t allowed = time_allowed(instance);
	if (allowed != LADDER_FOREVER)
		event_int(event, "allowed_ms", allowed / NSEC_PER_MSEC);
	put_observed(event, report);
	if (instance->exit.known)
		event_int(event, "status", instance->exit.status);
	event_str(event, "verdict", judgement.verdict.data);
	event_str(event, "evidence", judgement.evidence.len > 0 ? judgement.evidence.data : "");
	buf_release(&judgement.verdict);
	buf_release(&judgement.evidence);
}
