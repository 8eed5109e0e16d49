/* Tests of cookiemap: it must find what a plain list would find, whatever is added and removed. */
#include "cookiemap.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tap.h"

enum {
	COOKIES = 3000,
	STEPS = 60000
};

static struct cookiemap map;
static uint32_t places[COOKIES];

/* Every third cookie begins its search where the others of them do. */
static uint64_t cookie_of(unsigned i)
{
	return i % 3 == 0 ? (uint64_t)i << 40 : i;
}

static unsigned count_wrong(void)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < COOKIES; i++)
		wrong += cookiemap_find(&map, cookie_of(i)) != places[i];
	return wrong;
}

static void test_few(void)
{
	ok(cookiemap_find(&map, 0) == COOKIEMAP_NONE, "nothing is found in an empty map");
	cookiemap_remove(&map, 1);
	cookiemap_clear(&map);
	is_int((int64_t)map.count, 0, "nothing can be taken out of it");
	cookiemap_set(&map, 0, 0);
	cookiemap_set(&map, UINT64_MAX, 7);
	is_int(cookiemap_find(&map, 0), 0, "the first place of the lowest cookie is found");
	is_int(cookiemap_find(&map, UINT64_MAX), 7, "so is that of the highest");
	cookiemap_set(&map, 0, 3);
	is_int(cookiemap_find(&map, 0), 3, "another place takes the place of the old one");
	is_int((int64_t)map.count, 2, "and is not counted");
	size_t room = map.slot_count;
	cookiemap_clear(&map);
	ok(cookiemap_find(&map, 0) == COOKIEMAP_NONE && map.count == 0, "cleared it is empty");
	is_int((int64_t)map.slot_count, (int64_t)room, "and keeps its room");
}

static void test_many(void)
{
	unsigned expected = 0;

	srand(1);
	for (unsigned i = 0; i < COOKIES; i++)
		places[i] = COOKIEMAP_NONE;
	for (unsigned n = 0; n < STEPS; n++) {
		unsigned i = (unsigned)rand() % COOKIES;
		bool is_there = places[i] != COOKIEMAP_NONE;
		if (is_there)
			cookiemap_remove(&map, cookie_of(i));
		else
			cookiemap_set(&map, cookie_of(i), n);
		places[i] = is_there ? COOKIEMAP_NONE : n;
		expected += is_there ? -1U : 1U;
	}
	is_int(count_wrong(), 0, "after many changes each is found just when it is there");
	is_int((int64_t)map.count, expected, "and the number is right");
	cookiemap_reserve(&map, 100000);
	is_int(count_wrong(), 0, "with more room, too");
}

int main(void)
{
	test_few();
	test_many();
	cookiemap_release(&map);
	is_int((int64_t)map.count, 0, "released it is empty");
	return tap_done();
}
