/* Tests of peers: what stands in the list, in which order, and what is only counted. */
#include "peers.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

static struct peers peers;

static void add(const char *address, unsigned count)
{
	while (count-- > 0)
		peers_add(&peers, address);
}

static const char *list(unsigned shown, size_t size)
{
	static char text[1024];

	peers_list(&peers, shown, text, size);
	return text;
}

static void test_order(void)
{
	is_str(list(8, 256), "", "nobody is nothing");
	add("10.0.0.1:1", 1);
	add("10.0.0.2:2", 10);
	add("unix:/run/x.sock", 3);
	is_str(list(8, 256), "10.0.0.2:2 x10, unix:/run/x.sock x3, 10.0.0.1:1",
		"each address stands once, that with the most connections first");
	is_str(list(2, 256), "10.0.0.2:2 x10, unix:/run/x.sock x3 and 1 more",
		"what is not shown is counted");
	is_str(list(1, 256), "10.0.0.2:2 x10 and 4 more", "by its connections");
	peers_clear(&peers);
	is_str(list(8, 256), "", "a list can be begun anew");
}

static void test_limits(void)
{
	char address[32];

	peers_clear(&peers);
	for (unsigned i = 0; i < 12; i++) {
		snprintf(address, sizeof address, "127.0.0.1:%u", 10000 + i);
		peers_add(&peers, address);
	}
	is_str(list(8, 60), "127.0.0.1:10000, 127.0.0.1:10001 and 10 more",
		"no entry is cut in the middle");
	is_str(list(8, 30), "12", "and where there is no room for one there is the number");
	ok(strlen(list(8, 256)) < 256 && strstr(list(8, 256), " and 4 more") != NULL,
		"of twelve eight are shown");
	for (unsigned i = 0; i < 2 * PEERS_KEPT; i++) {
		snprintf(address, sizeof address, "127.0.0.1:%u", 20000 + i);
		peers_add(&peers, address);
	}
	ok(strstr(list(2, 256), " and 138 more") != NULL,
		"those that are too many to be told apart are counted as well");
}

int main(void)
{
	test_order();
	test_limits();
	return tap_done();
}
