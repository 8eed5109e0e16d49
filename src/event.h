/*
 * event: one thing that happened, as a document.
 *
 * Events are what the journal keeps, what clients are told while they wait, and what Heroku's
 * log lines are rendered from: one table (event.c) holds, for each kind, its name and its line.
 * Every document begins with: seq (1, 2, 3, ...; one that could not be written leaves a gap), time
 * (RFC 3339, UTC, nanoseconds), kind, and, where it concerns a dyno, dyno ("web.1") and launch (the
 * number of the instance: 1 for the first that was ever launched in that place). The fields of each
 * kind stand beside it below.
 */
#ifndef GRACECTL_EVENT_H
#define GRACECTL_EVENT_H

#include <bson/bson.h>
#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"

enum event_kind {
	EVENT_SUPERVISOR_START, /* pid, version */
	EVENT_SUPERVISOR_STOP,	/* reason */
	EVENT_LAUNCH,		/* command, pid, port (0: none) */
	EVENT_LAUNCH_FAILED,	/* command, reason */
	EVENT_STATE,		/* from, to, why: the words of Heroku's log */
	EVENT_RESTART,		/* why */
	EVENT_CYCLE,		/* why */
	EVENT_BOOT_TIMEOUT,	/* seconds, what: "bind to $PORT" */
	EVENT_BOOT_KILL,	/* signal */
	EVENT_STOP,		/* signal, processes (how many), ladder */
	EVENT_STOP_MAIN,	/* signal, ladder: only the main process was told */
	EVENT_STOP_NEXT,	/* signal, processes: a middle rung of the ladder */
	EVENT_STOP_TIMEOUT,	/* seconds, signal: R12 */
	EVENT_STOP_KILL,	/* signal, processes: the rest is killed */
	EVENT_REFUSED,		/* names, processes: those that are left and may not be signalled */
	EVENT_LEFT, /* names, processes, signal: those that had to be killed, since they outlived
		       that signal */
	EVENT_WHY,  /* ms, allowed_ms (absent: no SIGKILL to come), processes; after, more: as they
		       stand  in the line */
	EVENT_WHY_PROCESS, /* what a process that is left is doing: pid, command, text and the other
			      fields of held_by, see wire.h */
	EVENT_OPEN,	   /* inbound, outbound, peers: connections open at the signal; other_ports,
			      beside */
	EVENT_NOT_ACCEPTING, /* seconds since the signal, count: its listeners are closed */
	EVENT_DRAINED,	     /* seconds, count: the last inbound connection is closed */
	EVENT_RELEASED,	     /* seconds, count: the last outbound connection is closed */
	EVENT_UNANSWERED,    /* count: connections closed without a byte of answer */
	EVENT_RESET,	     /* count: connections that waited when their listener was closed */
	EVENT_PROCESS_EXIT,  /* pid, name, seconds since the signal, left (how many others): one of
				several processes has ended */
	EVENT_STOPPED,	 /* the report of a stop: reason, signal, ladder, ms, phases, verdict; see
			    gracectl(1) */
	EVENT_MAIN_EXIT, /* status or reason, left (how many others), names */
	EVENT_EXIT,	 /* status, signal if any, ms (since launch); the instance is gone */
	EVENT_EXIT_UNKNOWN,   /* reason: nobody could learn the status */
	EVENT_COOLING,	      /* crashes, pause (text), until (time) */
	EVENT_OUTPUT_DROPPED, /* bytes, reason */
	EVENT_NOTE,	      /* text: anything else worth a line */
	EVENT_KINDS
};

struct event {
	bson_t doc;
};

/* Begins an event: sets time and kind, and dyno and launch unless dyno is NULL. seq is set by the
 * journal. */
void event_begin(
	struct event *event, enum event_kind kind, nsec_t wall, const char *dyno, uint64_t launch);
void event_str(struct event *event, const char *key, const char *value);
void event_int(struct event *event, const char *key, int64_t value);

/* Appends a list of documents; fill puts the fields into each, with the functions above. */
void event_list(struct event *event, const char *key, size_t count,
	void (*fill)(const void *arg, size_t at, struct event *row), const void *arg);
void event_release(struct event *event);

/* Reading. A missing field reads as NULL or 0. The string lives as long as doc. */
const char *event_get_str(const bson_t *doc, const char *key);
int64_t event_get_int(const bson_t *doc, const char *key);

/* The wall time of an event, or 0. */
nsec_t event_time(const bson_t *doc);

/*
 * The dyno and the time as they stand at the beginning of a line of the journal, where every event
 * has them; much cheaper than to parse it. False, and 0, when they are not there. The name is not
 * terminated.
 */
bool event_peek_dyno(const char *line, size_t len, const char **dyno, size_t *dyno_len);
nsec_t event_peek_time(const char *line, size_t len);

/* "stop-timeout" for EVENT_STOP_TIMEOUT; the kind of a name, or -1. */
const char *event_kind_name(enum event_kind kind);
int event_kind_find(const char *name);

/*
 * Appends the text of the log line ("Process exited with status 0") without time and source, from
 * the template of its kind. Returns false and appends nothing when this kind (or an unknown one)
 * has no line.
 */
bool event_render(const bson_t *doc, struct buf *out);

#endif
