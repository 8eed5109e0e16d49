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

void observe_weigh(struct observer *observer, const struct netsock_talk *talk, bool at_end)
{
	struct observe_report *report = &observer->report;

	/* The client's goodbye counts as a byte. */
	if (!talk->is_known || talk->received <= 1)
		return;
	if (talk->sent == 0)
		report->unanswered++;
	else if (at_end && talk->last_received < talk->last_sent)
		report->last_words++;
}
