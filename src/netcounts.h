/*
 * netcounts: whether anything has happened to the TCP connections of this network namespace.
 *
 * The kernel counts the connections that were opened from here and from elsewhere, and knows how
 * many are open. As long as all three stay the same none was opened and none was closed, which
 * costs much less to know than to look at each. Only one that is opened here, and is established in
 * the same moment in which another one is closed, goes unseen.
 */
#ifndef GRACECTL_NETCOUNTS_H
#define GRACECTL_NETCOUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct netcounts {
	uint64_t opened_here;
	uint64_t opened_elsewhere;
	uint64_t open;
};

/* False when the kernel does not tell. */
bool netcounts_read(struct netcounts *counts);
bool netcounts_are_same(const struct netcounts *a, const struct netcounts *b);

/* Whether no connection was opened in between; some may have been closed. */
bool netcounts_none_opened(const struct netcounts *a, const struct netcounts *b);

#endif
