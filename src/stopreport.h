/*
 * stopreport: what a stop came to, as one event: the phases with their times, the signals, the
 * status, and a verdict with its evidence.
 *
 * Verdicts, several of them joined by ", ":
 *
 *     clean         nothing of what follows
 *     forced        SIGKILL was needed
 *     cut           inbound connections were open at the death of their process
 *     leaked        outbound connections were, likewise
 *     unanswered    inbound connections were closed after something had come, and without a byte of
 *                   answer
 *     reset         connections still waited to be accepted when the listener was closed
 *     late accepts  connections that came in more than a second after the signal were accepted
 *     order wrong   a process closed its last outbound connections, several at a stroke, while it
 *                   had inbound ones, one of which had asked and had no answer yet, or was used
 *                   afterwards for more than a farewell
 *     status N      it did not exit with 0
 *
 * Where its sockets could not be seen nothing is said of them, and the evidence tells that.
 *
 * What is not answered is told by the kernel with the close: the bytes that came and those that
 * went, whoever closed the connection. What was meant by them it does not know, so a request whose
 * end never came is among them. On a connection that had answers before only the times tell that
 * the client spoke last, and he need not have asked for anything: that is evidence and no verdict.
 *
 * Of Unix sockets there are no news, so what waited at a Unix listener in one look and is gone in
 * the next one, with the listener, may have been accepted and closed in between: evidence, too.
 *
 * A single outbound connection may have been closed by the request that had used it, which is then
 * answered in the right order: that is evidence and no verdict.
 *
 * What was open at the death of a process is certain in two cases only:
 *
 * - it was open just before SIGKILL was sent;
 * - a signal of ours ended the process, and was one that it did not handle: it has not executed
 *   anything after that signal. Who waits for signals in sigwait(3) looks as if it did not handle
 *   them, so of a thread that sleeps there, or of which the kernel does not tell where it sleeps,
 *   that is not said; nor of a process that goes on without the signal being pending any more.
 *
 * A process that exits by itself leaves the rest to the kernel, which closes it a tenth of a
 * millisecond to some milliseconds after the last instruction of the program. The news of a close
 * come through a queue that delays them by 0.1 ms, on a busy machine by 3 ms and more, and carry no
 * time. So a close that is heard of while the process is still running surely was the program's;
 * likewise while it has its files still attached. But a program that closes its connections and
 * exits at once looks exactly like one that never closes them (measured: in 99 of 100 stops). That
 * is said in the evidence, counted in inbound_at_exit and outbound_at_exit, and no verdict.
 *
 * No phase is claimed that a death by such a signal has brought about: one is reached when a
 * program closes the last of its sockets, even if a helper has died with another one before.
 */
#ifndef GRACECTL_STOPREPORT_H
#define GRACECTL_STOPREPORT_H

#include "instance.h"
#include "observe.h"

/* report: what was seen; NULL: nobody observed it. */
void stopreport_fill(
	const struct instance *instance, const struct observe_report *report, struct event *event);

#endif
