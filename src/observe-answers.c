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

static bool is_just_shut(const struct observer *observer, nsec_t now)
{
	return observer->shut >= 0 && now - observer->shut <= NEWS_DELAY;
}

/* When the last listener was closed a look has found all that had come before; afterwards whoever
 * comes to that port comes to another program. */
bool observe_may_come(const struct observer *observer)
{
	return observe_count(observer, ROLE_LISTENER) > 0 ||
	       is_just_shut(observer, observe_elapsed(observer));
}

/* ---- who was not accepted ---- */

/* The news of a listener and of those that waited there come in any order. */
void observe_drop(struct observer *observer)
{
	nsec_t now = observe_elapsed(observer);

	if (is_just_shut(observer, now)) {
		observer->report.reset++;
		return;
	}
	if (now - observer->last_drop > NEWS_DELAY)
		observer->dropped = 0;
	observer->dropped++;
	observer->last_drop = now;
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

/* Whether it surely was so many ms ago that the last outbound connection had been closed by then;
 * the news may be late. */
static bool is_since_release(const struct observer *observer, uint32_t ms)
{
	return observe_elapsed(observer) - (nsec_t)ms * NSEC_PER_MSEC >
	       observer->report.released + NEWS_DELAY;
}

/* Whether its program had something to do for it when it had closed its last outbound connection:
 * it owed an answer all the time, or something was said afterwards. */
static bool was_busy(const struct observer *observer, const struct netsock_talk *talk)
{
	if (has_asked(talk) && (talk->sent == 0 || is_since_release(observer, talk->last_received)))
		return true;
	return talk->sent > 0 && is_since_release(observer, talk->last_sent);
}

void observe_weigh(struct observer *observer, const struct socktable_row *row, bool at_end)
{
	struct observe_report *report = &observer->report;
	const struct netsock_talk *talk = &row->sock.talk;

	if (!talk->is_known)
		return;
	if (row->at_release && report->released >= 0)
		observer->was_in_use |= was_busy(observer, talk);
	report->order_wrong = observer->was_in_use && !observer->is_unsure;
	if (!has_asked(talk))
		return;
	if (talk->sent == 0)
		report->unanswered++;
	else if (at_end && talk->last_received < talk->last_sent)
		report->last_words++;
}
