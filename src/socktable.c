/* socktable: see the header. */
#include "socktable.h"

#include <stdlib.h>

#include "xmalloc.h"

struct socktable_row *socktable_find(const struct socktable *table, uint64_t cookie)
{
	uint32_t place = cookiemap_find(&table->places, cookie);

	return place != COOKIEMAP_NONE ? &table->rows[place] : NULL;
}

void socktable_reserve(struct socktable *table, size_t count)
{
	if (count <= table->capacity)
		return;
	table->capacity = table->capacity > 0 ? table->capacity : 64;
	while (table->capacity < count)
		table->capacity *= 2;
	table->rows = xreallocarray(table->rows, table->capacity, sizeof *table->rows);
	cookiemap_reserve(&table->places, table->capacity);
}

struct socktable_row *socktable_add(struct socktable *table, const struct socktable_row *row)
{
	socktable_reserve(table, table->count + 1);
	cookiemap_set(&table->places, row->sock.cookie, (uint32_t)table->count);
	struct socktable_row *added = &table->rows[table->count++];
	*added = *row;
	table->counts[row->role]++;
	return added;
}

void socktable_remove(struct socktable *table, struct socktable_row *row)
{
	struct socktable_row *last = &table->rows[table->count - 1];

	table->counts[row->role]--;
	free(row->name);
	cookiemap_remove(&table->places, row->sock.cookie);
	if (row != last) {
		cookiemap_set(&table->places, last->sock.cookie, (uint32_t)(row - table->rows));
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
	cookiemap_release(&table->places);
	*table = (struct socktable){0};
}
