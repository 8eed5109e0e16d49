/* observe-answers: see observe-parts.h. */
#include "observe-parts.h"

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
