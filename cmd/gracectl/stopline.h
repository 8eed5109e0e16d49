/*
 * stopline: a stop as a line of the list.
 *
 * Names of sockets and processes may hold anything; a stop is one line all the same, wherever it is
 * printed.
 */
#ifndef GRACECTL_STOPLINE_H
#define GRACECTL_STOPLINE_H

#include "logprint.h"

/* Prints a line of the journal that is a `stopped` event. */
void stopline_print(struct logprint *print, const struct logview_line *line);

#endif
