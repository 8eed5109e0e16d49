/*
 * livework: what start, stop and restart know of the dynos that they wait for, while they wait.
 *
 * A row for each dyno, fed from three sides: the supervisor's events tell at once that something
 * was reached; its answers to `ps` tell in between what no event does, such as how many connections
 * are left; the result of a dyno ends its row. A row knows of at most one instance that is being
 * stopped and of one that is starting, which is what a restart needs. Nothing here waits or draws,
 * see livedraw.h.
 *
 * Times are monotonic and handed in, so a test can make its own; 0 stands for "not yet" or "never".
 */
#ifndef GRACECTL_LIVEWORK_H
#define GRACECTL_LIVEWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "doc.h"
#include "strlist.h"

enum {
	LIVE_NAME = 80,
	LIVE_TEXT = 256
};

enum live_kind {
	LIVE_START,
	LIVE_STOP,
	LIVE_RESTART,
	LIVE_KINDS
};

/* How far a stop has come, as far as its sockets tell. */
enum live_phase {
	PHASE_UNSEEN,	 /* nothing is seen of its sockets */
	PHASE_ACCEPTING, /* a listener is open */
	PHASE_DRAINING,	 /* no listener, but inbound connections */
	PHASE_RELEASING, /* no inbound connections, but outbound ones */
	PHASE_ENDING,	 /* none at all */
	PHASES
};

/* An instance that is being stopped. */
struct live_stop {
	uint64_t launch; /* 0: none is */
	nsec_t began;	 /* the first signal */
	nsec_t kill_at;	 /* when SIGKILL is due, or was */
	bool killed;	 /* SIGKILL is out */
	char signal[24]; /* the last one that was sent; "" when not known */
	enum live_phase phase;
	unsigned processes, inbound, outbound; /* what is left; processes 0: not known */
};

/* The same when its last process is gone. */
struct live_report {
	uint64_t launch; /* 0: none has ended */
	bool is_new;	 /* it was the one that was to come up */
	nsec_t took;
	nsec_t drained, released; /* since the first signal, -1: was not seen */
	int status;		  /* -1: unknown */
	bool remarkable;	  /* the evidence is worth a word here */
	char evidence[LIVE_TEXT];
	char killed[LIVE_TEXT]; /* who had to be killed */
};

/* An instance that is starting. */
struct live_boot {
	uint64_t launch; /* 0: none is */
	nsec_t began;
	nsec_t due;   /* by then it must be up */
	nsec_t up_at; /* 0: not up yet */
	int pid, port;
};

struct live_row {
	char dyno[LIVE_NAME];
	nsec_t began;  /* the first that was heard of it, 0: nothing yet */
	nsec_t heard;  /* the last event */
	uint64_t told; /* the launch whose stop was told when it began; 0: of none */
	bool done;     /* its result is known */
	bool seen;     /* `ps` has told of it, and nothing has changed since that it must tell */
	struct live_stop stop;
	struct live_report report;
	struct live_boot boot;
};

struct livework {
	enum live_kind kind;
	struct live_row *rows; /* owned; in the order of the supervisor */
	size_t count;
	size_t done;
	size_t hint;	     /* where the last row was found; the next is often the same */
	unsigned name_width; /* of the longest name */
};

/* Makes a row for each dyno of the counters that the supervisor answers with, see wire.h. */
void livework_expect(struct livework *work, const bson_t *base);

/* An event of the supervisor, of whatever kind and dyno. */
void livework_event(struct livework *work, const bson_t *event, nsec_t now);

/* What `ps`, which was asked at that time, says of a dyno, see snapshot.h. */
void livework_snapshot(struct livework *work, const bson_t *dyno, nsec_t asked, nsec_t now);

/* Ends the row of a dyno. Returns it, or NULL when nobody waits for that one. */
const struct live_row *livework_result(struct livework *work, const char *dyno);

/* The rows that are worth a line: those that move, then those that wait, at most max. Returns how
 * many were written to out. */
size_t livework_pick(const struct livework *work, const struct live_row **out, size_t max);

/* Whether an answer to `ps` could tell more of it than is known. */
bool livework_is_curious(const struct live_row *row);

void livework_release(struct livework *work);

/* Reads the document `stop` of snapshot.h. */
void live_stop_read(struct live_stop *stop, const bson_t *doc, nsec_t now);

/* Appends how far it has come: "draining 3 connections", or, when brief, "draining 3". */
void live_stop_text(const struct live_stop *stop, bool brief, struct buf *out);

#endif
