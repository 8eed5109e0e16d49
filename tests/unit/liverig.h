/*
 * What the tests of livework and livedraw share: a command that waits, what it is told, and what it
 * shows of that.
 */
#ifndef GRACECTL_LIVERIG_H
#define GRACECTL_LIVERIG_H

#include "docof.h"
#include "event.h"
#include "livedraw.h"
#include "livework.h"
#include "tap.h"

#define T0 (1000 * NSEC_PER_SEC)
#define AT(seconds) (T0 + (nsec_t)((seconds)*1000) * NSEC_PER_MSEC)

static struct livework work;
static struct livedraw draw;

/* A command that waits for these dynos, on a terminal of 80 x 24. */
static inline void begin(enum live_kind kind, const char *base)
{
	bson_t *doc = doc_of(base);

	livework_release(&work);
	work.kind = kind;
	livework_expect(&work, doc);
	bson_destroy(doc);
	draw = (struct livedraw){.columns = 80, .rows = 24, .unicode = true};
}

#define ONE "[{\"dyno\": \"web.1\"}]"
#define TWO "[{\"dyno\": \"web.1\"}, {\"dyno\": \"worker.1\"}]"

/* Tells an event: the fields beside kind, as JSON. */
static inline void tell(enum event_kind kind, const char *fields, nsec_t now)
{
	char json[1024];

	snprintf(json, sizeof json, "{\"kind\": \"%s\", %s}", event_kind_name(kind), fields);
	bson_t *doc = doc_of(json);
	livework_event(&work, doc, now);
	bson_destroy(doc);
}

#define STOP "\"signal\": \"SIGTERM\", \"processes\": 1, \"ladder\": \"TERM/30/KILL/5\""

static inline void tell_stop(const char *dyno, unsigned launch, nsec_t now)
{
	char fields[256];

	snprintf(fields, sizeof fields, "\"dyno\": \"%s\", \"launch\": %u, " STOP, dyno, launch);
	tell(EVENT_STOP, fields, now);
}

/* `ps`, asked some time ago, tells of an instance that is being stopped. */
static inline void look_back(
	const char *dyno, unsigned launch, const char *stop, nsec_t asked, nsec_t now)
{
	char json[1024];

	snprintf(json, sizeof json,
		"{\"name\": \"%s\", \"instances\": [{\"launch\": %u, \"stop\": {%s}}]}", dyno,
		launch, stop);
	bson_t *doc = doc_of(json);
	livework_snapshot(&work, doc, asked, now);
	bson_destroy(doc);
}

/* The same, asked just now. */
static inline void look(const char *dyno, unsigned launch, const char *stop, nsec_t now)
{
	look_back(dyno, launch, stop, now, now);
}

#define DRAINING                                                                                   \
	"\"signal\": \"SIGTERM\", \"elapsed_ms\": 4200, \"kill_in_ms\": 25800, "                   \
	"\"processes\": 1, \"phase\": \"draining\", \"inbound\": 3, \"outbound\": 2"

#endif
