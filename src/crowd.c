/* crowd: see the header. */
#include "crowd.h"

#include <stdlib.h>

#include "xmalloc.h"

struct crowd *crowd_new(const struct netsock_table *dump)
{
	struct crowd *crowd = xcalloc(1, sizeof *crowd);
	size_t listeners = 0;

	crowd->users = 1;
	crowd->taken = dump->taken;
	cookiemap_reserve(&crowd->members, dump->filled);
	for (size_t i = 0; i < dump->filled; i++) {
		const struct netsock *sock = &dump->rows[i];
		if (crowd_takes(sock))
			cookiemap_set(&crowd->members, sock->cookie, (uint32_t)i);
		listeners += sock->listening;
	}
	crowd->listeners = xcalloc(listeners + 1, sizeof *crowd->listeners);
	for (size_t i = 0; i < dump->filled; i++)
		if (dump->rows[i].listening)
			crowd->listeners[crowd->listener_count++] = dump->rows[i];
	return crowd;
}

struct crowd *crowd_use(struct crowd *crowd)
{
	crowd->users++;
	return crowd;
}

void crowd_release(struct crowd *crowd)
{
	if (crowd == NULL || --crowd->users > 0)
		return;
	cookiemap_release(&crowd->members);
	free(crowd->listeners);
	free(crowd);
}

bool crowd_has(const struct crowd *crowd, uint64_t cookie)
{
	return crowd != NULL && cookiemap_find(&crowd->members, cookie) != COOKIEMAP_NONE;
}
