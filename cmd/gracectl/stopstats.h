/*
 * stopstats: how long the stops of each process type take.
 *
 * Percentiles are by nearest rank: the P-th percentile of n times is the one that stands at place
 * ceil(P/100 * n) of the sorted row, so it is always a time that was really needed.
 *
 * Stops are added the newest first, and of each type only the last so many count. What the ladder
 * allows is that of the newest one. A dyno that did not boot gets SIGKILL at once: its stop says
 * nothing about the ladder and is left out, unless it was asked for. So is one that ended when
 * nobody watched, always, for its time is not known.
 */
#ifndef GRACECTL_STOPSTATS_H
#define GRACECTL_STOPSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "stopdoc.h"
#include "strlist.h"

enum {
	STOPSTATS_LAST = 100, /* how many stops of a type count, unless told otherwise */
	STOPSTATS_LEAST = 5,  /* with fewer there is no warning */
	STOPSTATS_TEXT = 256
};

/* How often a verdict was given. */
struct stopstats_verdict {
	char *words; /* "forced"; owned */
	size_t count;
};

struct stopstats_type {
	char *name; /* "web"; owned */
	int64_t *ms;
	size_t count, room;
	int64_t allowed; /* ms, or STOPDOC_NEVER */
	struct stopstats_verdict *verdicts;
	size_t verdict_count;
};

struct stopstats {
	size_t last; /* how many of a type count; SIZE_MAX: all */
	struct stopstats_type *types;
	size_t count;
	size_t unseen; /* how many were left out, since nobody saw their end */
};

/* The value at the P-th percentile of a sorted row; 0 < percent <= 100, count > 0. */
int64_t stopstats_percentile(const int64_t *sorted, size_t count, unsigned percent);

/* True when a type, the first len bytes of name, has as many stops as count. */
bool stopstats_is_full(const struct stopstats *stats, const char *name, size_t len);

/* The fields of a stop that matter here, and to a filter; ends with NULL. */
extern const char *const stopstats_fields[];

/* False for a stop that was not by the ladder. */
bool stopstats_counts(const bson_t *stop);

/* Adds a stop that is older than all before. */
void stopstats_add(struct stopstats *stats, const bson_t *stop);

/* No more are added: puts the types, and the times of each, in order. */
void stopstats_finish(struct stopstats *stats);

/* The type of that name, or NULL. */
const struct stopstats_type *stopstats_find(
	const struct stopstats *stats, const char *name, size_t len);

/* True when there are enough stops and their 95th percentile is above half of the time allowed.
 * After stopstats_finish(), as what follows. */
bool stopstats_is_slow(const struct stopstats_type *type);

/* The sentence that says so. */
const char *stopstats_warning(const struct stopstats_type *type, char text[static STOPSTATS_TEXT]);

/* Appends a table for a person; or an object a line for a program. */
void stopstats_text(const struct stopstats *stats, bool color, struct buf *out);
void stopstats_json(const struct stopstats *stats, struct buf *out);

void stopstats_release(struct stopstats *stats);

#endif
