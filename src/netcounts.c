/* netcounts: see the header. */
#include "netcounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "fdio.h"

enum {
	SNMP_MAX = 64 * 1024
};

/* A line of names and a line of values. */
static bool parse(const char *text, struct netcounts *counts)
{
	static const char names[] = "\nTcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens "
				    "PassiveOpens AttemptFails EstabResets CurrEstab ";
	const char *found = strstr(text, names);
	const char *values = found != NULL ? strchr(found + 1, '\n') : NULL;

	return values != NULL &&
	       sscanf(values, " Tcp: %*s %*s %*s %*s %" SCNu64 " %" SCNu64 " %*s %*s %" SCNu64,
		       &counts->opened_here, &counts->opened_elsewhere, &counts->open) == 3;
}

bool netcounts_read(struct netcounts *counts)
{
	struct buf text = BUF_INIT;
	bool told = fdio_read_file("/proc/net/snmp", SNMP_MAX, &text) == 0 && text.len > 0 &&
		    parse(text.data, counts);

	buf_release(&text);
	return told;
}

bool netcounts_none_opened(const struct netcounts *a, const struct netcounts *b)
{
	return a->opened_here == b->opened_here && a->opened_elsewhere == b->opened_elsewhere;
}

bool netcounts_are_same(const struct netcounts *a, const struct netcounts *b)
{
	return netcounts_none_opened(a, b) && a->open == b->open;
}
