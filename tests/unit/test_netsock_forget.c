/*
 * Tests of netsock about sockets that are taken out of a table: whatever the order, the others are
 * all there, the open ones in front.
 */
#include <stdlib.h>

#include "children.h"
#include "netsock.h"
#include "tap.h"
#include "xmalloc.h"

enum {
	OPEN = 200,
	CLOSED = 50,
	ALL = OPEN + CLOSED
};

/* Cookies that begin in the same place of the index, and such that do not. */
static uint64_t cookie_of(unsigned i)
{
	return i % 3 == 0 ? UINT64_C(1) + i * UINT64_C(4096) : UINT64_C(100000) + i;
}

static struct netsock_table make_table(void)
{
	struct netsock_table table = {.rows = xcalloc(ALL, sizeof *table.rows),
		.count = OPEN,
		.capacity = ALL,
		.filled = ALL};

	for (unsigned i = 0; i < ALL; i++)
		table.rows[i] =
			(struct netsock){.cookie = cookie_of(i), .inode = i, .closed = i >= OPEN};
	return table;
}

/* Whether those and only those are left that were not taken out, each once and in its part. */
static bool is_right(const struct netsock_table *table, const bool *taken)
{
	bool found[ALL] = {false};
	size_t left = 0;

	for (unsigned i = 0; i < ALL; i++)
		left += !taken[i];
	if (table->filled != left || table->count > table->filled)
		return false;
	for (size_t i = 0; i < table->filled; i++) {
		const struct netsock *row = &table->rows[i];
		if (row->cookie != cookie_of(row->inode) || taken[row->inode] ||
			found[row->inode] || row->closed != (i >= table->count))
			return false;
		found[row->inode] = true;
	}
	return true;
}

/* All, in steps of so many places; the steps have no divisor in common with their number. */
static void test_all(unsigned step)
{
	struct netsock_table table = make_table();
	bool taken[ALL] = {false};
	unsigned wrong = 0;

	for (unsigned n = 0, i = 0; n < ALL; n++, i = (i + step) % ALL) {
		netsock_forget(&table, cookie_of(i));
		taken[i] = true;
		wrong += !is_right(&table, taken);
	}
	is_int(wrong, 0, "whoever is taken out, the others are left");
	is_int((int64_t)table.filled, 0, "until none is");
	netsock_forget(&table, cookie_of(0));
	is_int((int64_t)table.filled, 0, "and none can be taken out");
	netsock_release(&table);
}

static void add_row(struct netsock_table *table, unsigned i, bool closed)
{
	table->rows[table->filled++] =
		(struct netsock){.cookie = cookie_of(i), .inode = i, .closed = closed};
	table->count += !closed;
}

/* Every third one was told twice; of those that are closed some were still open at first. */
static struct netsock_table make_table_with_twins(void)
{
	struct netsock_table table = {
		.rows = xcalloc(2 * ALL, sizeof *table.rows), .capacity = 2 * ALL};

	for (unsigned i = 0; i < OPEN; i++)
		add_row(&table, i, false);
	for (unsigned i = 0; i < ALL; i += 3)
		if (i < OPEN || i % 2 == 0)
			add_row(&table, i, false);
	for (unsigned i = OPEN; i < ALL; i++)
		add_row(&table, i, true);
	for (unsigned i = OPEN; i < ALL; i++)
		if (i % 3 == 0 && i % 2 != 0)
			add_row(&table, i, true);
	return table;
}

/* A dump that the kernel goes on with may tell of a socket once more. */
static void test_twins(unsigned step)
{
	struct netsock_table table = make_table_with_twins();
	bool taken[ALL] = {false};
	unsigned wrong = 0;

	ok(table.count > OPEN && table.filled > ALL, "some sockets are there twice");
	for (unsigned n = 0, i = 0; n < ALL; n++, i = (i + step) % ALL) {
		netsock_forget(&table, cookie_of(i));
		taken[i] = true;
		wrong += !is_right(&table, taken);
	}
	is_int(wrong, 0, "none of them is left when it was taken out, nor twice until then");
	netsock_release(&table);
}

static void test_newest_twin(void)
{
	struct netsock_table table = make_table_with_twins();

	for (size_t i = 0; i < table.filled; i++)
		table.rows[i].remote_port = (uint16_t)i;
	netsock_forget(&table, 7);
	unsigned older = 0;
	for (size_t i = 0; i < table.filled; i++)
		older += table.rows[i].inode % 3 == 0 && table.rows[i].remote_port < OPEN;
	is_int(older, 0, "of two that are told the later one is kept");
	netsock_release(&table);
}

static void test_unknown(void)
{
	struct netsock_table table = make_table();
	bool taken[ALL] = {false};

	netsock_forget(&table, 7);
	ok(is_right(&table, taken), "one that is not there changes nothing");
	taken[3] = true;
	netsock_forget(&table, cookie_of(3));
	netsock_forget(&table, cookie_of(3));
	ok(is_right(&table, taken), "nor does one that was taken out already");
	netsock_release(&table);
	netsock_forget(&table, 7);
	is_int((int64_t)table.filled, 0, "in an empty table there is none");
	netsock_release(&table);
}

int main(void)
{
	static const unsigned steps[] = {1, ALL - 1, 7, 113};

	limit_patience();
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		test_all(steps[i]);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
		test_twins(steps[i]);
	test_newest_twin();
	test_unknown();
	return tap_done();
}
