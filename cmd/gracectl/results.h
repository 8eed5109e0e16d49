/*
 * results: what a command that waits for dynos was told of each of them.
 *
 * The first word about a dyno stands, since after a change of supervisors everything is told once
 * more; only a result that the supervisor calls revised replaces it: the dyno had come up, and
 * crashed or was stopped while the others were waited for.
 */
#ifndef GRACECTL_RESULTS_H
#define GRACECTL_RESULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "doc.h"
#include "strlist.h"

struct results {
	struct strlist dynos;
	bson_t **docs; /* their results, in the same order; owned */
};

/* Takes a "result" of wire.h. False when it is known already, and says nothing new. */
bool results_take(struct results *results, const bson_t *message);

/* The worst exit code of them. */
int results_code(const struct results *results);

/* How many have got there, and for how many of them nothing had to be done. */
struct results_sum {
	unsigned good;
	unsigned already;
};
struct results_sum results_sum(const struct results *results);

/*
 * Prints them as JSON, and a result with this code for each dyno of base (see wire.h; NULL: none)
 * of which nothing is known.
 */
void results_print(const struct results *results, const bson_t *base, int code, double seconds);

void results_release(struct results *results);

#endif
