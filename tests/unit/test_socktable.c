/* Tests of socktable: it must hold what a plain list would hold, whatever is added and removed. */
#include "socktable.h"

#include <stdlib.h>

#include "tap.h"
#include "xmalloc.h"

enum {
	COOKIES = 3000,
	STEPS = 60000
};

static struct socktable table;
static bool expected[COOKIES];

static void add(uint64_t cookie, enum socktable_role role)
{
	struct socktable_row row = {.sock.cookie = cookie, .role = role, .fd = (int)cookie};

	row.name = role == ROLE_OUTBOUND ? xasprintf("%llu", (unsigned long long)cookie) : NULL;
	socktable_add(&table, &row);
	expected[cookie] = true;
}

static unsigned count_wrong(void)
{
	unsigned wrong = 0;

	for (uint64_t cookie = 0; cookie < COOKIES; cookie++) {
		const struct socktable_row *row = socktable_find(&table, cookie);
		wrong += (row != NULL) != expected[cookie];
		wrong += row != NULL && row->fd != (int)cookie;
	}
	return wrong;
}

int main(void)
{
	struct socktable_row *row;
	unsigned long size = 0, wrong = 0;

	ok(socktable_find(&table, 1) == NULL, "nothing is found in an empty table");
	add(1, ROLE_INBOUND);
	add(2, ROLE_OUTBOUND);
	is_int(table.counts[ROLE_INBOUND], 1, "each role is counted");
	row = socktable_find(&table, 1);
	socktable_set_role(&table, row, ROLE_OTHER);
	is_int(table.counts[ROLE_INBOUND], 0, "a role that is changed is counted anew");
	is_int(table.counts[ROLE_OTHER], 1, "as the other one");
	socktable_remove(&table, socktable_find(&table, 1));
	is_int(table.counts[ROLE_OTHER], 0, "what is removed is not counted any more");
	expected[1] = false;
	ok(socktable_find(&table, 1) == NULL && socktable_find(&table, 2) != NULL,
		"the one that is removed is not found, the other is");
	srand(1);
	for (int i = 0; i < STEPS; i++) {
		uint64_t cookie = (uint64_t)(rand() % COOKIES);
		row = socktable_find(&table, cookie);
		wrong += (row != NULL) != expected[cookie];
		if (row == NULL)
			add(cookie, cookie % 2 == 0 ? ROLE_INBOUND : ROLE_OUTBOUND);
		else
			socktable_remove(&table, row);
		expected[cookie] = row == NULL;
	}
	is_int((int64_t)wrong, 0, "after many changes each is found just when it is there");
	is_int(count_wrong(), 0, "with what belongs to it");
	for (size_t i = 0; i < COOKIES; i++)
		size += expected[i];
	is_int((int64_t)table.count, (int64_t)size, "and the number is right");
	is_int(table.counts[ROLE_INBOUND] + table.counts[ROLE_OUTBOUND], (int64_t)size,
		"so are the numbers of the roles");
	socktable_release(&table);
	is_int((int64_t)table.count, 0, "released it is empty");
	return tap_done();
}
