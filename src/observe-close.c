/* observe-close: see observe-parts.h. */
#include <stdlib.h>
#include <sys/socket.h>

#include "observe-parts.h"
#include "xmalloc.h"

/* ---- phases ---- */

unsigned observe_count(const struct observer *observer, enum socktable_role role)
{
	return observer->table.counts[role];
}

/* Whether it may have been the death of a process that closed the last one. News that come so close
 * to each other may come in the wrong order. */
static bool has_died_last(const struct observer *observer, enum socktable_role role)
{
	return observer->died[role] != 0 &&
	       observer->closed[role] <= observer->died[role] + NEWS_DELAY;
}

static bool is_released(const struct observer *observer)
{
	const struct observe_report *report = &observer->report;

	return report->released < 0 && report->outbound > 0 &&
	       observe_count(observer, ROLE_OUTBOUND) == 0 &&
	       !has_died_last(observer, ROLE_OUTBOUND);
}

void observe_take_back(struct observer *observer)
{
	struct observe_report *report = &observer->report;

	report->released = -1;
	observer->is_unsaid[ROLE_OUTBOUND] = false;
	report->inbound_then = report->owed_then = report->used_then = 0;
	report->order_wrong = observer->is_unsure = false;
}

void observe_take_back_shut(struct observer *observer)
{
	observer->report.not_accepting = observer->report.drained = -1;
	observer->is_unsaid[ROLE_INBOUND] = false;
	observer->emptied = -1;
	observer->is_shut = false;
}

/* ---- what is said of them ---- */

static void say_reached(
	struct observer *observer, enum event_kind kind, nsec_t after, unsigned count)
{
	observe_say_phase(observer, kind, after, count);
	if (observer->reached != NULL)
		observer->reached(observer->owner);
}

static void say_drained(struct observer *observer)
{
	const struct observe_report *report = &observer->report;

	if (!observer->is_unsaid[ROLE_INBOUND])
		return;
	observer->is_unsaid[ROLE_INBOUND] = false;
	say_reached(observer, EVENT_DRAINED, report->drained, report->inbound + report->accepted);
}

static void say_released(struct observer *observer)
{
	if (!observer->is_unsaid[ROLE_OUTBOUND])
		return;
	observer->is_unsaid[ROLE_OUTBOUND] = false;
	say_reached(observer, EVENT_RELEASED, observer->report.released, observer->given_up);
	observer->given_up = 0;
}

/* Of those who came and went just before the last listener was closed the news may still come: they
 * are waited for, so that all are counted when it is said that all have gone. What happened after
 * that is said after that. */
static void say_phases(struct observer *observer)
{
	const struct observe_report *report = &observer->report;
	bool is_first = report->drained < 0 || report->released < report->drained;

	if (observer->emptied >= 0 && observer->may_miss && observe_is_just_shut(observer)) {
		timer_set(observer->app->loop, &observer->wait,
			observer->began + observer->shut + NEWS_DELAY + NSEC_PER_MSEC);
		return;
	}
	if (is_first)
		say_released(observer);
	say_drained(observer);
	say_released(observer);
}

/* ---- how a socket was closed ---- */

static void put_off(struct observer *observer, const struct socktable_row *row)
{
	if (observer->closing_count == observer->closing_capacity) {
		observer->closing_capacity =
			observer->closing_capacity > 0 ? observer->closing_capacity * 2 : 64;
		observer->closing = xreallocarray(
			observer->closing, observer->closing_capacity, sizeof *observer->closing);
	}
	observer->closing[observer->closing_count] = *row;
	observer->closing[observer->closing_count++].name = NULL;
}

/* Whoever is told of from now on may have come before a listener was closed. */
void observe_close(struct observer *observer, struct socktable_row *row)
{
	if (row->role == ROLE_LISTENER && row->sock.family != AF_UNIX)
		observe_shut(observer);
	put_off(observer, row);
	socktable_remove(&observer->table, row);
}

void observe_learn(struct observer *observer, struct socktable_row *row)
{
	row->was_inbound = true;
	put_off(observer, row);
	row->was_inbound = false;
}

/* Asked once in a settlement, after all its news were read. */
static enum proc_end end_of(struct observer *observer, struct procwatch_item *item)
{
	if (item->asked == observer->settlements)
		return item->end;
	item->asked = observer->settlements;
	item->end = proc_end_of(item->id);
	return item->end;
}

struct procwatch_item *observe_owner(struct observer *observer, const struct socktable_row *row)
{
	struct procwatch_item *only = TAILQ_FIRST(&observer->processes.items);

	if (row->shared)
		return NULL;
	if (row->owner != 0)
		return procwatch_find_pid(&observer->processes, row->owner);
	return only != NULL && TAILQ_NEXT(only, link) == NULL ? only : NULL;
}

bool observe_is_orphan(struct observer *observer, const struct socktable_row *row)
{
	bool is_connection = row->role == ROLE_INBOUND || row->role == ROLE_OUTBOUND;
	const struct procwatch_item *owner;

	if (!is_connection || row->sock.family == AF_UNIX || row->sock.inode == 0)
		return false;
	owner = observe_owner(observer, row);
	return owner != NULL && owner->has_ended;
}

/* Whether all who may have had it open are past closing it themselves; struck: by a signal that
 * they do not handle, as it seems. */
static bool has_ended(struct observer *observer, struct procwatch_item *owner, bool *struck)
{
	struct procwatch_item *item;

	*struck = true;
	TAILQ_FOREACH (item, &observer->processes.items, link) {
		if (owner != NULL && item != owner)
			continue;
		if (!item->has_ended && end_of(observer, item) != PROC_ENDED)
			return false;
		*struck &= item->deadly != 0;
	}
	return true;
}

/* One connection at a time may be closed by a request that has used it; several at a stroke are a
 * pool that is given up. */
static void note_stroke(struct observer *observer)
{
	nsec_t now = observe_elapsed(observer);

	if (now - observer->stroke > NEWS_DELAY)
		observer->stroke_count = 0;
	observer->stroke = now;
	observer->stroke_count++;
}

static void note_releaser(struct observer *observer, struct procwatch_item *owner)
{
	if (observer->has_releaser && owner != observer->releaser)
		owner = NULL;
	observer->has_releaser = true;
	observer->releaser = owner;
}

/* Of one that was found closed it is weighed later what was said on it. */
static void keep_end(struct observer *observer, const struct socktable_row *row, bool at_end)
{
	struct socktable_row *left = socktable_find(&observer->table, row->sock.cookie);

	if (left == NULL)
		return;
	left->is_settled = true;
	left->was_at_end = at_end;
}

/* Counts it. Returns whether it may have been the end of its process that closed it. */
static bool settle(struct observer *observer, const struct socktable_row *row, nsec_t now)
{
	struct observe_report *report = &observer->report;
	struct procwatch_item *owner = observe_owner(observer, row);
	bool is_inbound = row->role == ROLE_INBOUND, is_outbound = row->role == ROLE_OUTBOUND;
	bool struck;

	bool at_end = has_ended(observer, owner, &struck);
	if (is_inbound)
		keep_end(observer, row, at_end);
	if (is_inbound || row->was_inbound)
		observe_weigh(observer, row, row->is_settled ? row->was_at_end : at_end);
	if (is_outbound) {
		note_stroke(observer);
		note_releaser(observer, owner);
		observer->last_outbound = row->sock;
		observer->given_up++;
	}
	bool is_dead = at_end && (row->doomed || struck);
	(is_dead ? observer->died : observer->closed)[row->role] = now;
	if (!at_end)
		return false;
	/* When a Unix socket was closed is not known so exactly. */
	if (row->doomed || struck || row->sock.family != AF_UNIX) {
		report->in_at_exit += is_inbound;
		report->out_at_exit += is_outbound;
	}
	if (row->doomed) {
		report->cut += is_inbound;
		report->leaked += is_outbound;
	} else if (owner != NULL) {
		owner->inbound += is_inbound;
		owner->outbound += is_outbound;
	}
	return is_inbound || is_outbound;
}

/* Returns whether it surely was the program that closed them all. */
static bool settle_all(struct observer *observer)
{
	nsec_t now = clock_mono();
	bool surely = true;

	for (size_t i = 0; i < observer->closing_count; i++)
		surely &= !settle(observer, &observer->closing[i], now);
	observer->closing_count = 0;
	return surely;
}

/* Marks the inbound connections that the process that closed the last outbound one has accepted and
 * not closed, as was just found out. Whatever others do is another matter. */
static unsigned mark_accepted(struct observer *observer)
{
	struct socktable *table = &observer->table;
	unsigned count = 0;

	for (size_t i = 0; i < table->count; i++) {
		struct socktable_row *row = &table->rows[i];
		row->at_release = row->role == ROLE_INBOUND && row->sock.inode != 0 &&
				  observer->releaser != NULL &&
				  observe_owner(observer, row) == observer->releaser;
		count += row->at_release;
	}
	return count;
}

/* As long as it is not said it may turn out that there were more. */
static void check_drained(struct observer *observer, nsec_t now)
{
	struct observe_report *report = &observer->report;
	bool is_closed = report->listeners == 0 || (observe_count(observer, ROLE_LISTENER) == 0 &&
							   !has_died_last(observer, ROLE_LISTENER));

	if (!is_closed || observe_count(observer, ROLE_INBOUND) > 0 ||
		has_died_last(observer, ROLE_INBOUND))
		observer->emptied = -1;
	else if (observer->emptied < 0)
		observer->emptied = now;
	report->drained = report->inbound + report->accepted > 0 ? observer->emptied : -1;
	observer->is_unsaid[ROLE_INBOUND] = report->drained >= 0;
}

static void check_released(struct observer *observer, nsec_t now, bool surely)
{
	struct observe_report *report = &observer->report;

	if (!is_released(observer))
		return;
	report->inbound_then = surely ? mark_accepted(observer) : 0;
	observer->is_unsure |= observer->stroke_count < 2;
	if (report->inbound_then > 0) /* another outbound one would change that */
		timer_set(observer->app->loop, &observer->look, clock_mono() + LOOK_INTERVAL);
	report->released = now;
	observer->is_unsaid[ROLE_OUTBOUND] = true;
}

/* Each phase is reached once, when a program closes the last one: not by the death of a process.
 * surely: it was the program that closed the last outbound connection. */
static void check_phases(struct observer *observer, bool surely)
{
	struct observe_report *report = &observer->report;
	nsec_t now = observe_elapsed(observer);

	stophistory_add_step(&report->history, now, observe_count(observer, ROLE_INBOUND),
		observe_count(observer, ROLE_OUTBOUND));
	if (report->not_accepting < 0 && report->listeners > 0 &&
		observe_count(observer, ROLE_LISTENER) == 0 &&
		!has_died_last(observer, ROLE_LISTENER)) {
		report->not_accepting = now;
		say_reached(observer, EVENT_NOT_ACCEPTING, now, report->listeners);
	}
	if (report->drained < 0 || observer->is_unsaid[ROLE_INBOUND])
		check_drained(observer, now);
	check_released(observer, now, surely);
	say_phases(observer);
}

/* Whether its last listener has just been closed, and somebody may have come before that whom no
 * look has seen. Nobody comes afterwards. */
static bool has_unseen(struct observer *observer)
{
	struct netcounts counts;

	if (observer->is_shut || observer->report.listeners == 0 ||
		observe_count(observer, ROLE_LISTENER) > 0)
		return false;
	observer->is_shut = true;
	observer->may_miss =
		!netcounts_read(&counts) || !netcounts_none_opened(&counts, &observer->counts);
	return observer->may_miss;
}

/*
 * The news of closes may come in another order than the closes, and that of a close comes only when
 * the other side has answered. So when the last outbound connection is closed while there are
 * inbound ones, the kernel is asked which of these a program still has open.
 */
void observe_settle(struct observer *observer)
{
	observer->settlements++;
	observer->has_releaser = false;
	if (observer->has_dropped)
		observe_check_listeners(observer);
	bool surely = settle_all(observer);
	bool must_look = has_unseen(observer);
	if (must_look || (is_released(observer) && observe_count(observer, ROLE_INBOUND) > 0)) {
		if (must_look || !observe_ask_inbound(observer))
			observe_look(observer, true);
		observer->settlements++;
		settle_all(observer);
	}
	check_phases(observer, surely);
}

void observe_count_struck(struct observer *observer)
{
	struct observe_report *report = &observer->report;
	const struct procwatch_item *item;

	TAILQ_FOREACH (item, &observer->processes.items, link)
		if (procwatch_was_struck(item)) {
			report->cut += item->inbound;
			report->leaked += item->outbound;
		}
}
