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
	report->inbound_then = report->owed_then = report->used_then = 0;
	report->order_wrong = observer->is_unsure = false;
}

static void reach(struct observer *observer, nsec_t *phase, enum event_kind kind, unsigned closed)
{
	*phase = observe_elapsed(observer);
	observe_say_phase(observer, kind, *phase, closed);
	if (observer->reached != NULL)
		observer->reached(observer->owner);
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

void observe_close(struct observer *observer, struct socktable_row *row)
{
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

/* Counts it. Returns whether it may have been the end of its process that closed it. */
static bool settle(struct observer *observer, const struct socktable_row *row, nsec_t now)
{
	struct observe_report *report = &observer->report;
	struct procwatch_item *owner = observe_owner(observer, row);
	bool is_inbound = row->role == ROLE_INBOUND, is_outbound = row->role == ROLE_OUTBOUND;
	bool struck;

	bool at_end = has_ended(observer, owner, &struck);
	if (row->role == ROLE_LISTENER && row->sock.family != AF_UNIX)
		observe_shut(observer);
	if (is_inbound || row->was_inbound)
		observe_weigh(observer, row, at_end);
	if (is_outbound) {
		note_stroke(observer);
		note_releaser(observer, owner);
		observer->last_outbound = row->sock;
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

/* Marks the inbound connections that the process has accepted and not closed, in the last look,
 * that closed the last outbound one. Whatever others do is another matter. */
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

/* Each phase is reached once, when a program closes the last one: not by the death of a process.
 * surely: it was the program that closed the last outbound connection. */
static void check_phases(struct observer *observer, bool surely)
{
	struct observe_report *report = &observer->report;
	unsigned inbound = observe_count(observer, ROLE_INBOUND);
	bool is_closed = report->listeners == 0 || observe_count(observer, ROLE_LISTENER) == 0;
	unsigned all_inbound = report->inbound + report->accepted;

	stophistory_add_step(&report->history, observe_elapsed(observer), inbound,
		observe_count(observer, ROLE_OUTBOUND));
	if (report->not_accepting < 0 && report->listeners > 0 && is_closed &&
		!has_died_last(observer, ROLE_LISTENER))
		reach(observer, &report->not_accepting, EVENT_NOT_ACCEPTING, report->listeners);
	if (report->drained < 0 && is_closed && inbound == 0 && all_inbound > 0 &&
		!has_died_last(observer, ROLE_INBOUND))
		reach(observer, &report->drained, EVENT_DRAINED, all_inbound);
	if (is_released(observer)) {
		report->inbound_then = surely ? mark_accepted(observer) : 0;
		observer->is_unsure |= observer->stroke_count < 2;
		if (report->inbound_then > 0) /* another outbound one would change that */
			timer_set(
				observer->app->loop, &observer->look, clock_mono() + LOOK_INTERVAL);
		reach(observer, &report->released, EVENT_RELEASED, report->outbound);
	}
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
	return !netcounts_read(&counts) || counts.opened_here != observer->counts.opened_here ||
	       counts.opened_elsewhere != observer->counts.opened_elsewhere;
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
	bool surely = settle_all(observer);
	if (has_unseen(observer) ||
		(is_released(observer) && observe_count(observer, ROLE_INBOUND) > 0)) {
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
