/* socktable: see the header. */
#include "socktable.h"

#include <stdlib.h>

#include "xmalloc.h"

/* Cookies are consecutive numbers; this spreads them. */
static size_t home_of(const struct socktable *table, uint64_t cookie)
{
	return (size_t)(cookie * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (table->slot_count - 1);
}

static size_t next_of(const struct socktable *table, size_t slot)
{
	return (slot + 1) & (table->slot_count - 1);
}

/* The slot of that cookie, or the free one where it belongs. */
static size_t slot_of(const struct socktable *table, uint64_t cookie)
{
	size_t slot = home_of(table, cookie);

	while (table->slots[slot] != 0 && table->rows[table->slots[slot] - 1].sock.cookie != cookie)
		slot = next_of(table, slot);
	return slot;
}

struct socktable_row *socktable_find(const struct socktable *table, uint64_t cookie)
{
	if (table->slot_count == 0)
		return NULL;
	uint32_t index = table->slots[slot_of(table, cookie)];
	return index != 0 ? &table->rows[index - 1] : NULL;
}

/* At most half of the slots are in use; there is a power of two of them. */
static void grow(struct socktable *table, size_t capacity)
{
	table->capacity = table->capacity > 0 ? table->capacity : 64;
	while (table->capacity < capacity)
		table->capacity *= 2;
	table->rows = xreallocarray(table->rows, table->capacity, sizeof *table->rows);
	free(table->slots);
	table->slot_count = table->capacity * 2;
	table->slots = xcalloc(table->slot_count, sizeof *table->slots);
	for (size_t i = 0; i < table->count; i++)
		table->slots[slot_of(table, table->rows[i].sock.cookie)] = (uint32_t)i + 1;
}

void socktable_reserve(struct socktable *table, size_t count)
{
	if (count > table->capacity)
		grow(table, count);
}

struct socktable_row *socktable_add(struct socktable *table, const struct socktable_row *row)
{
	if (table->count == table->capacity)
		grow(table, table->count + 1);
	size_t slot = slot_of(table, row->sock.cookie);
	struct socktable_row *added = &table->rows[table->count++];
	*added = *row;
	table->slots[slot] = (uint32_t)table->count;
	table->counts[row->role]++;
	return added;
}

/* What stands behind a freed slot and would not be found any more moves up. */
static void free_slot(struct socktable *table, size_t gap)
{
	size_t mask = table->slot_count - 1;

	for (size_t slot = next_of(table, gap); table->slots[slot] != 0;
		slot = next_of(table, slot)) {
		uint64_t cookie = table->rows[table->slots[slot] - 1].sock.cookie;
		size_t home = home_of(table, cookie);
		if (((slot - home) & mask) < ((slot - gap) & mask))
			continue;
		table->slots[gap] = table->slots[slot];
		gap = slot;
	}
	table->slots[gap] = 0;
}

void socktable_remove(struct socktable *table, struct socktable_row *row)
{
	struct socktable_row *last = &table->rows[table->count - 1];

	table->counts[row->role]--;
	free(row->name);
	free_slot(table, slot_of(table, row->sock.cookie));
	if (row != last) {
		table->slots[slot_of(table, last->sock.cookie)] = (uint32_t)(row - table->rows) + 1;
		*row = *last;
	}
	table->count--;
}

void socktable_set_role(
	struct socktable *table, struct socktable_row *row, enum socktable_role role)
{
	table->counts[row->role]--;
	table->counts[role]++;
	row->role = role;
}

void socktable_release(struct socktable *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].name);
	free(table->rows);
	free(table->slots);
	*table = (struct socktable){0};
}
