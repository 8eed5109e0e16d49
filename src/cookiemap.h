/*
 * cookiemap: the place of each socket in a list, by its cookie.
 *
 * Finding, adding and removing one takes the same time whatever their number.
 */
#ifndef GRACECTL_COOKIEMAP_H
#define GRACECTL_COOKIEMAP_H

#include <stddef.h>
#include <stdint.h>

struct cookiemap_slot {
	uint64_t cookie;
	uint32_t place; /* + 1; 0: the slot is free */
};

/* All zero: empty. */
struct cookiemap {
	struct cookiemap_slot *slots; /* owned */
	size_t slot_count;	      /* a power of two, or 0 */
	size_t count;
};

#define COOKIEMAP_NONE UINT32_MAX

/* COOKIEMAP_NONE: it is not there. */
uint32_t cookiemap_find(const struct cookiemap *map, uint64_t cookie);

/* Adds it, or gives it another place. */
void cookiemap_set(struct cookiemap *map, uint64_t cookie, uint32_t place);

/* Does nothing when it is not there. */
void cookiemap_remove(struct cookiemap *map, uint64_t cookie);

/* Makes room for so many, so that to add them one by one costs less. */
void cookiemap_reserve(struct cookiemap *map, size_t count);

/* Empties it, and keeps the room. */
void cookiemap_clear(struct cookiemap *map);

void cookiemap_release(struct cookiemap *map);

#endif
