/*
 * logsince: how far back in the journal to look for what is not before a time.
 *
 * Events stand in the order in which they were written. That is not the order of their times when
 * the clock was set back, or was wrong for a while: so one that is earlier does not end the way
 * back. It ends where earlier ones alone fill LOGSINCE_SPAN bytes in a row. So nothing is missed,
 * unless more than that was written between it and the next later event; and as much is read in
 * vain at most.
 */
#ifndef GRACECTL_LOGSINCE_H
#define GRACECTL_LOGSINCE_H

#include "logstream.h"

enum {
	LOGSINCE_SPAN = 1024 * 1024
};

struct logsince {
	nsec_t since; /* 0: the way leads back to the beginning */
	size_t early; /* bytes of earlier events that were met in a row */
};

/* True for an event that is earlier. One whose time does not stand at its beginning is not. */
bool logsince_is_early(const struct logline *line, nsec_t since);

/* Takes in the next line on the way back. False when it ends here. */
bool logsince_goes_on(struct logsince *way, const struct logline *line);

#endif
