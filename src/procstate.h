/*
 * procstate: what a process is doing at this moment, and what it does with signals.
 *
 * For the question why it does not end, so it must answer about processes that are in trouble, and
 * must not get into trouble itself. What is read here of /proc takes no lock that a process could
 * hold while it waits for a dead disk or file server, with one exception: the command line needs
 * the lock of its memory. Whoever holds that for long, or has been waiting for it, is a thread in
 * state D. So all threads are looked at first, and when one is in D, or there are too many to look
 * at, the name alone stands for the command line.
 */
#ifndef GRACECTL_PROCSTATE_H
#define GRACECTL_PROCSTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

enum {
	PROCSTATE_CHANNEL = 40,
	PROCSTATE_COMMAND = 80,
	PROCSTATE_THREADS = 128 /* so many are looked at */
};

/* A set of signals: bit signo - 1. */
struct procstate {
	char state;	  /* as in /proc/PID/stat: R S D T t Z ... */
	pid_t thread;	  /* whose state that is: one in D, or else the first that lives */
	pid_t tracer;	  /* the debugger that holds it, 0: none */
	unsigned threads; /* how many it has, 0: not told */
	bool has_signals; /* the sets are told: */
	uint64_t ignored; /* signals that it ignores, */
	uint64_t caught;  /* has a handler for, */
	uint64_t blocked; /* blocks in every thread; 0 when not all could be looked at; */
	uint64_t pending; /* that were sent and are not delivered yet */
	char channel[PROCSTATE_CHANNEL]; /* where in the kernel it sleeps: "ep_poll"; "" where the
					    kernel does not tell */
	char command[PROCSTATE_COMMAND * 4 + 4]; /* printable UTF-8, cut after so many bytes;
						"[name]" when it may not be looked at */
};

/* Returns false when there is no such process. */
bool procstate_read(pid_t pid, struct procstate *out);

/* True when one of its threads sleeps there in the kernel. At most PROCSTATE_THREADS are asked. */
bool procstate_sleeps_in(pid_t pid, const char *channel);

/* True when one of its threads may be waiting for a signal in sigwait(3) or the like: it sleeps
 * there, or where it sleeps is not told. While it does the kernel shows the signal as neither
 * blocked nor handled. */
bool procstate_may_await(pid_t pid);

bool procstate_has(uint64_t set, int signo);

/* It has ended, and only waits to be reaped. */
bool procstate_is_dead(const struct procstate *state);

/* It cannot act at all, whatever it is told: uninterruptible, stopped or traced. */
bool procstate_is_held(const struct procstate *state);

/* One word: "sleeping", "running", "uninterruptible", "stopped", "traced", "zombie". */
const char *procstate_word(const struct procstate *state);

/* Appends the state for people: "sleeping in ep_poll (waits for events)". */
void procstate_describe(const struct procstate *state, pid_t pid, struct buf *out);

#endif
