/*
 * procstatus: what /proc/PID/status says of a process, or of one of its threads.
 *
 * The groups of a process stand in the middle of that file and may be very many, so what stands
 * behind them is read wherever it is. What the kernel does not tell is told apart from a zero.
 */
#ifndef GRACECTL_PROCSTATUS_H
#define GRACECTL_PROCSTATUS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PROCSTATUS_NAME = 64
};

/* A set of signals: bit signo - 1. */
struct procstatus {
	char name[PROCSTATUS_NAME]; /* as text in one line, see utf8_make_plain() */
	char state;		    /* as in /proc/PID/stat */
	pid_t thread;
	pid_t tracer;	  /* the debugger that holds it, 0: none */
	unsigned threads; /* how many its process has, 0: not told */
	unsigned fd_size; /* no descriptor has a higher number; UINT_MAX: not told */
	bool has_signals; /* the sets are told: of signals that it */
	uint64_t caught;  /* has a handler for, */
	uint64_t ignored;
	uint64_t blocked;
	uint64_t pending; /* was sent, or its process was, and has not taken */
};

/* Returns false when there is no such process. */
bool procstatus_read(pid_t pid, struct procstatus *out);

/* The same from a file below an open directory of /proc. */
bool procstatus_read_at(int dir, const char *file, struct procstatus *out);

/* The same from its text; false when that is none. */
bool procstatus_parse(const char *text, struct procstatus *out);

#endif
