/* observe-answers: see observe-parts.h. */
#include "observe-parts.h"

/* ---- who has come ---- */

bool observe_is_late(const struct observer *observer)
{
	return observer->looked >= LATE_AFTER;
}

void observe_arrival(struct observer *observer, bool is_accepted)
{
	observer->report.accepted++;
	observer->report.late += is_accepted && observe_is_late(observer);
}

static bool was_just_shut(const struct observer *observer, nsec_t now)
{
	return observer->shut >= 0 && now - observer->shut <= NEWS_DELAY;
}

bool observe_is_just_shut(const struct observer *observer)
{
	return was_just_shut(observer, observe_elapsed(observer));
}

/* When the last listener was closed a look has found all that had come before; afterwards whoever
 * comes to that port comes to another program. */
bool observe_may_come(const struct observer *observer)
{
	return observe_count(observer, ROLE_LISTENER) > 0 || observe_is_just_shut(observer);
}

/* ---- who was not accepted ---- */

/* The news of a listener and of those that waited there come in any order. */
void observe_drop(struct observer *observer)
{
	nsec_t now = observe_elapsed(observer);

	if (was_just_shut(observer, now)) {
		observer->report.reset++;
		return;
	}
	if (now - observer->last_drop > NEWS_DELAY)
		observer->dropped = 0;
	observer->dropped++;
	observer->last_drop = now;
	observer->has_dropped = true;
}

void observe_shut(struct observer *observer)
{
	observer->shut = observe_elapsed(observer);
	if (observer->shut - observer->last_drop <= NEWS_DELAY)
		observer->report.reset += observer->dropped;
	observer->dropped = 0;
}

/* ---- what was said ---- */

/* The client's goodbye counts as a byte. */
static bool has_asked(const struct netsock_talk *talk)
{
	return talk->received > 1;
}

/* Whether its program had something to do for it when it had closed its last outbound connection:
 * it owed an answer all the time, or more has been said since the look that was made then. Bytes
 * tell it, since the news of a close may be late by any time. */
static bool was_busy(const struct socktable_row *row)
{
	const struct netsock_talk *talk = &row->sock.talk, *then = &row->then;

	if (has_asked(talk) && talk->sent == 0)
		return true;
	return then->is_known &&
	       (talk->sent > then->sent || talk->received > (uint64_t)then->received + 1);
}

void observe_weigh(struct observer *observer, const struct socktable_row *row, bool at_end)
{
	struct observe_report *report = &observer->report;
	const struct netsock_talk *talk = &row->sock.talk;

	if (!talk->is_known)
		return;
	if (row->at_release && report->released >= 0)
		observer->was_in_use |= was_busy(row);
	report->order_wrong = observer->was_in_use && !observer->is_unsure;
	if (!has_asked(talk))
		return;
	if (talk->sent == 0)
		report->unanswered++;
	else if (at_end && talk->last_received < talk->last_sent)
		report->last_words++;
}
