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

/* Whoever closes a connection that is not needed any more may say goodbye on it, and be answered.
 * The longest goodbye of the protocols that are known is the close frame of a WebSocket with a
 * reason of 123 bytes, encrypted, and the alert that ends the encryption. */
#define FAREWELL (131 + 22 + 24)

/* Whether its client had asked, and had no answer when the last outbound connection of its process
 * was closed; where that is not known, none at all. */
static bool was_owed(const struct netsock_talk *then, const struct netsock_talk *talk)
{
	const struct netsock_talk *known = then->is_known ? then : talk;

	return has_asked(known) && known->sent == 0;
}

/* Whether more has been said since than a farewell. Bytes tell it, since the news of a close may be
 * late by any time. */
static bool was_used(const struct netsock_talk *then, const struct netsock_talk *talk)
{
	return then->is_known && (talk->sent > (uint64_t)then->sent + FAREWELL ||
					 talk->received > (uint64_t)then->received + FAREWELL);
}

static void weigh_order(struct observer *observer, const struct socktable_row *row)
{
	struct observe_report *report = &observer->report;

	if (was_owed(&row->then, &row->sock.talk))
		report->owed_then++;
	else if (was_used(&row->then, &row->sock.talk))
		report->used_then++;
	report->order_wrong = report->owed_then + report->used_then > 0 && !observer->is_unsure;
}

void observe_weigh(struct observer *observer, const struct socktable_row *row, bool at_end)
{
	struct observe_report *report = &observer->report;
	const struct netsock_talk *talk = &row->sock.talk;

	if (!talk->is_known)
		return;
	if (row->at_release && report->released >= 0)
		weigh_order(observer, row);
	if (!has_asked(talk))
		return;
	if (talk->sent == 0)
		report->unanswered++;
	else if (at_end && talk->last_received < talk->last_sent)
		report->last_words++;
}
