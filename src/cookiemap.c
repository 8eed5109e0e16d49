/* cookiemap: see the header. A table with open addressing, at most half full. */
#include "cookiemap.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

enum {
	SLOTS_MIN = 64
};

/* Cookies are consecutive numbers; this spreads them. */
static size_t home_of(const struct cookiemap *map, uint64_t cookie)
{
	return (size_t)(cookie * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (map->slot_count - 1);
}

static size_t next_of(const struct cookiemap *map, size_t slot)
{
	return (slot + 1) & (map->slot_count - 1);
}

/* The slot of that cookie, or the free one where it belongs. */
static size_t slot_of(const struct cookiemap *map, uint64_t cookie)
{
	size_t slot = home_of(map, cookie);

	while (map->slots[slot].place != 0 && map->slots[slot].cookie != cookie)
		slot = next_of(map, slot);
	return slot;
}

uint32_t cookiemap_find(const struct cookiemap *map, uint64_t cookie)
{
	uint32_t place = map->count > 0 ? map->slots[slot_of(map, cookie)].place : 0;

	return place > 0 ? place - 1 : COOKIEMAP_NONE;
}

static void grow(struct cookiemap *map, size_t slot_count)
{
	struct cookiemap old = *map;

	map->slots = xcalloc(slot_count, sizeof *map->slots);
	map->slot_count = slot_count;
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i].place != 0)
			map->slots[slot_of(map, old.slots[i].cookie)] = old.slots[i];
	free(old.slots);
}

void cookiemap_reserve(struct cookiemap *map, size_t count)
{
	size_t slot_count = map->slot_count > 0 ? map->slot_count : SLOTS_MIN;

	while (slot_count < count * 2)
		slot_count *= 2;
	if (slot_count > map->slot_count)
		grow(map, slot_count);
}

void cookiemap_set(struct cookiemap *map, uint64_t cookie, uint32_t place)
{
	cookiemap_reserve(map, map->count + 1);
	struct cookiemap_slot *slot = &map->slots[slot_of(map, cookie)];
	map->count += slot->place == 0;
	*slot = (struct cookiemap_slot){.cookie = cookie, .place = place + 1};
}

/* What stands behind a freed slot and would not be found any more moves up. */
static void free_slot(struct cookiemap *map, size_t gap)
{
	size_t mask = map->slot_count - 1;

	for (size_t slot = next_of(map, gap); map->slots[slot].place != 0;
		slot = next_of(map, slot)) {
		size_t home = home_of(map, map->slots[slot].cookie);
		if (((slot - home) & mask) < ((slot - gap) & mask))
			continue;
		map->slots[gap] = map->slots[slot];
		gap = slot;
	}
	map->slots[gap].place = 0;
}

void cookiemap_remove(struct cookiemap *map, uint64_t cookie)
{
	if (cookiemap_find(map, cookie) == COOKIEMAP_NONE)
		return;
	free_slot(map, slot_of(map, cookie));
	map->count--;
}

void cookiemap_clear(struct cookiemap *map)
{
	if (map->count > 0)
		memset(map->slots, 0, map->slot_count * sizeof *map->slots);
	map->count = 0;
}

void cookiemap_release(struct cookiemap *map)
{
	free(map->slots);
	*map = (struct cookiemap){0};
}
