/* crowd: see the header. */
#include "crowd.h"

#include <stdlib.h>

#include "xmalloc.h"

/* Cookies are consecutive numbers; this spreads them. */
static size_t slot_of(const struct crowd *crowd, uint64_t cookie)
{
	size_t mask = crowd->slot_count - 1;
	size_t slot = (size_t)(cookie * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;

	while (crowd->slots[slot] != 0 && crowd->slots[slot] != cookie)
		slot = (slot + 1) & mask;
	return slot;
}

struct crowd *crowd_new(const struct netsock_table *dump)
{
	struct crowd *crowd = xcalloc(1, sizeof *crowd);
	size_t listeners = 0;

	crowd->users = 1;
	crowd->taken = dump->taken;
	crowd->slot_count = 64;
	while (crowd->slot_count < dump->filled * 2)
		crowd->slot_count *= 2;
	crowd->slots = xcalloc(crowd->slot_count, sizeof *crowd->slots);
	for (size_t i = 0; i < dump->filled; i++) {
		const struct netsock *sock = &dump->rows[i];
		if (crowd_takes(sock))
			crowd->slots[slot_of(crowd, sock->cookie)] = sock->cookie;
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
	free(crowd->slots);
	free(crowd->listeners);
	free(crowd);
}

bool crowd_has(const struct crowd *crowd, uint64_t cookie)
{
	return crowd != NULL && cookie != 0 && crowd->slots[slot_of(crowd, cookie)] == cookie;
}
