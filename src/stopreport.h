/*
 * stopreport: what a stop came to, as one event: the phases with their times, the signals, the
 * status, and a verdict with its evidence.
 *
 * Verdicts, several of them joined by ", ":
 *
 *     clean         nothing of what follows
 *     forced        SIGKILL was needed
 *     cut           inbound connections were open when a signal ended their process
 *     leaked        outbound connections were, likewise
 *     late accepts  it accepted connections more than a second after the signal
 *     order wrong   its last outbound connection was closed while inbound ones were open
 *     status N      it did not exit with 0
 *
 * Connections that were closed while their process was exiting by itself may have been closed by
 * the program or by its exit: that cannot be told from outside, so it is said in the evidence and
 * is no verdict.
 */
#ifndef GRACECTL_STOPREPORT_H
#define GRACECTL_STOPREPORT_H

#include "instance.h"
#include "observe.h"

void stopreport_fill(
	const struct instance *instance, const struct observe_report *report, struct event *event);

#endif
