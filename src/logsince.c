/* logsince: see the header. */
#include "logsince.h"

#include "event.h"

bool logsince_is_early(const struct logline *line, nsec_t since)
{
	if (since <= 0 || line->text == NULL)
		return false;
	nsec_t time = event_peek_time(line->text, line->len);
	return time > 0 && time < since;
}

bool logsince_goes_on(struct logsince *way, const struct logline *line)
{
	if (!logsince_is_early(line, way->since))
		way->early = 0;
	else
		way->early += line->len + 1;
	return way->early < LOGSINCE_SPAN;
}
