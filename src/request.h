/*
 * request: something asked for by a client that takes time: which dynos it waits for, and when each
 * has got there.
 *
 * The counters of a dyno are noted when the request begins. Whatever happens later is compared with
 * them, so the answer is true even when several clients ask for different things at once.
 */
#ifndef GRACECTL_REQUEST_H
#define GRACECTL_REQUEST_H

#include <stdbool.h>

#include "buf.h"
#include "formation.h"

enum request_kind {
	REQUEST_START,
	REQUEST_STOP,
	REQUEST_RESTART,
	REQUEST_KINDS
};

/* One dyno that is waited for. */
struct request_wait {
	struct place *place;
	uint64_t launches; /* its counters when the request began */
	uint64_t failures;
	uint64_t kills;
	bool was_down; /* when the request began */
	bool done;     /* its result was told */
	bool good;     /* and it was a success */
};

struct request {
	enum request_kind kind;
	bool events; /* the client wants to see events */
	bool all;    /* nobody was named: every dyno was meant */
	struct request_wait *waits;
	size_t count;
	size_t left;	       /* of them not done */
	int code;	       /* the worst so far */
	bool resumed;	       /* another supervisor had begun it */
	bool gentle;	       /* a stop that makes nobody hurry */
	unsigned reports_lost; /* reports of stops that could not be written */
	struct cause why_lost; /* the last one */
	nsec_t due; /* monotonic: when it should be checked again even if nothing happens, 0: never
		     */
};

/* Makes it for the dynos that match (all when targets is empty) and notes their counters. */
struct request *request_new(
	enum request_kind kind, struct formation *formation, const struct strlist *targets);

/* The counters of its dynos, as an array of documents. */
void request_put_base(const struct request *request, bson_t *list);

/* Takes up a request that another supervisor had begun, with the counters that it had noted. */
void request_take_base(struct request *request, const bson_t *list);

/*
 * Tells each dyno what is wanted of it, unless it was told by the supervisor that died. A stop of
 * what is being stopped already makes it hurry; but a stop that is the first one for any of its
 * dynos, or is gentle, tells only those to whom it is new.
 */
void request_begin(struct request *request);

/*
 * Looks who has got there; appends a result message for each of them to out. What was told of a
 * dyno and has become untrue since is told once more, as "revised". True when nobody is left.
 */
bool request_check(struct request *request, struct buf *out);

/* Whether it concerns the dyno of that name. */
bool request_concerns(const struct request *request, const char *dyno);

/* The report of a stop of one of its dynos could not be written. */
void request_lose_report(struct request *request, const struct cause *why);

/* How long the answer may take at most, in milliseconds. */
int64_t request_deadline_ms(const struct request *request);

void request_free(struct request *request);

#endif
