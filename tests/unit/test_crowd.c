/*
 * Tests of crowd with a table made by hand.
 */
#include "crowd.h"

#include "children.h"
#include "tap.h"

enum {
	MANY = 1000
};

/* Of five sockets one listens, one is closed, and one waits to be accepted. */
static struct netsock kind_of(unsigned i)
{
	return (struct netsock){.cookie = 5000 + i,
		.inode = i % 5 == 1 || i % 5 == 2 ? 0 : i + 1,
		.listening = i % 5 == 0,
		.closed = i % 5 == 1};
}

static void test_who(void)
{
	static struct netsock rows[MANY];
	const struct netsock_table dump = {.rows = rows, .count = MANY, .filled = MANY, .taken = 7};
	unsigned wrong = 0;

	for (unsigned i = 0; i < MANY; i++)
		rows[i] = kind_of(i);
	struct crowd *crowd = crowd_new(&dump);
	ok(crowd->taken == 7, "a crowd is of its dump");
	for (unsigned i = 0; i < MANY; i++)
		wrong += crowd_has(crowd, 5000 + i) != (i % 5 != 2);
	is_int(wrong, 0, "all of the dump are in it, but for those that wait to be accepted");
	is_int((int64_t)crowd->listener_count, MANY / 5, "those that listen are kept in whole");
	ok(crowd->listeners[1].cookie == 5005, "one after the other");
	ok(!crowd_has(crowd, 5000 + MANY) && !crowd_has(crowd, 0), "nobody else is in it");
	ok(!crowd_has(NULL, 5000), "and nobody is in none");
	struct crowd *second = crowd_use(crowd);
	crowd_release(crowd);
	ok(crowd_has(second, 5000), "it is there as long as somebody uses it");
	crowd_release(second);
}

static void test_empty(void)
{
	struct crowd *crowd = crowd_new(&(const struct netsock_table){0});

	ok(!crowd_has(crowd, 1), "of an empty dump there is an empty crowd");
	is_int((int64_t)crowd->listener_count, 0, "in which nobody listens");
	crowd_release(crowd);
	crowd_release(NULL);
}

int main(void)
{
	limit_patience();
	test_who();
	test_empty();
	return tap_done();
}
