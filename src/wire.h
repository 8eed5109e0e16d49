/*
 * wire: the messages between the command line and the supervisor.
 *
 * A message is one BSON document; its own length field frames it. Every message carries the version
 * of the protocol as "v". A client sends one request and reads answers until "done".
 *
 *     request   {v, cmd: "start" | "stop" | "restart" | "ps" | "why" | "ping" | "upgrade",
 *                targets: ["web.1", "web", ...], events: bool, long: bool, base: see below}
 *     accepted  {v, type: "accepted", pid, guard, version,
 *                deadline_ms: how long the answer may take at most,
 *                base: [{dyno, launches, failures, kills, down: bool}, ...]: the counters of the
 *                      dynos that are waited for, and which were down}.
 *                The answer to ping and upgrade has neither deadline_ms nor base, but
 *                ending: bool, whether the supervisor is about to end
 *     event     {v, type: "event", event: {...}}: as in the journal, for the dynos that are waited
 *                for
 *     result    {v, type: "result", dyno, code, text, already: true when nothing had to be done,
 *                revised: true when it replaces an earlier one}: one for each dyno that is waited
 *                for, and one more for each that had come up, and crashed or was stopped since
 *     dyno      {v, type: "dyno", ...}: one for each dyno, the answer to ps; see snapshot.h
 *     why       {v, type: "why", dyno, state, launch, old: bool, ladder, signal, elapsed_ms,
 *                kill_in_ms, processes: how many, held_by: [{pid, parent, command, state,
 *                wait_channel, signals, listening, inbound, outbound, inbound_peers,
 *                outbound_peers, children, text: all of it in words}, ...]}: one for each instance,
 *                the answer to why. Without targets only those that are being stopped. signal,
 *                elapsed_ms and kill_in_ms only of these, and the last one only when SIGKILL will
 *                come; a dyno without an instance has nothing but dyno and state.
 *     done      {v, type: "done", code: an exit code, text: "" or what to tell the user,
 *                unknown: the first target that there is not,
 *                warning: what else to tell him; the code is none the worse for it,
 *                pid, guard, deadline_ms: who answers, who is the last to go, and how long that
 *                may take}; unknown and warning only where there is one, the last three only of a
 *                start that is refused by a supervisor that is ending
 *
 * pid and guard are as the supervisor counts, which may be in another pid namespace than the
 * client's.
 */
#ifndef GRACECTL_WIRE_H
#define GRACECTL_WIRE_H

#include <bson/bson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "cause.h"
#include "strlist.h"

enum {
	WIRE_VERSION = 1,
	WIRE_REQUEST_MAX = 2 * 1024 * 1024, /* bytes of one request */
	WIRE_ANSWER_MAX = 2 * 1024 * 1024,  /* bytes of one answer */
	WIRE_TARGETS_MAX = 10000,
};

/* Exit codes that travel in "code"; those of the manual. */
enum wire_code {
	WIRE_DONE = 0,
	WIRE_FAILED = 1,
	WIRE_USAGE = 2
};

struct wire_request {
	char cmd[16];
	struct strlist targets;
	bool events;	   /* send events while it waits */
	bool long_listing; /* ps: with memory */
	/*
	 * The base that an earlier supervisor answered with before it died: the request goes on, it
	 * does not begin anew. An array of documents, NULL for a new request. Owned by whoever made
	 * the request.
	 */
	bson_t *base;
};

/*
 * The size of the first message in a stream of bytes: 0 when it is not complete yet, -1 when this
 * is no message of ours or a longer one than max.
 */
ssize_t wire_frame(const void *bytes, size_t len, size_t max);

/* Reads a request out of exactly one frame. Returns 0, or -1 with a sentence for the client. */
int wire_read_request(const void *frame, size_t len, struct wire_request *out, struct cause *cause);
void wire_request_release(struct wire_request *request);

/* Appends a request to out. */
void wire_write_request(const struct wire_request *request, struct buf *out);

/* Begins an answer: sets v and type. The caller appends fields, then wire_add() appends it to out
 * and destroys it. */
void wire_begin(bson_t *doc, const char *type);
void wire_add(bson_t *doc, struct buf *out);

#endif
