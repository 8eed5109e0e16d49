/* peers: see the header. */
#include "peers.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	ENTRY_MAX = PEERS_ADDRESS + 16,
	MORE_MAX = sizeof " and 4294967295 more"
};

void peers_clear(struct peers *peers)
{
	peers->different = peers->count = 0;
}

void peers_add(struct peers *peers, const char *address)
{
	unsigned at = 0;

	peers->count++;
	while (at < peers->different && strcmp(peers->kept[at].address, address) != 0)
		at++;
	if (at == PEERS_KEPT)
		return;
	if (at == peers->different) {
		snprintf(peers->kept[at].address, PEERS_ADDRESS, "%s", address);
		peers->kept[at].count = 0;
		peers->different++;
	}
	peers->kept[at].count++;
}

/* The one with the most connections of those that were not taken, of which there is one; of equals
 * the first. */
static unsigned take(const struct peers *peers, bool taken[static PEERS_KEPT])
{
	unsigned most = 0;

	for (unsigned i = 1; i < peers->different; i++)
		if (taken[most] || (!taken[i] && peers->kept[i].count > peers->kept[most].count))
			most = i;
	taken[most] = true;
	return most;
}

void peers_list(const struct peers *peers, unsigned shown, char *text, size_t size)
{
	bool taken[PEERS_KEPT] = {false};
	unsigned left = peers->count;
	char entry[ENTRY_MAX];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < shown && i < peers->different; i++) {
		unsigned at = take(peers, taken), count = peers->kept[at].count;
		size_t len = (size_t)snprintf(entry, sizeof entry, count > 1 ? "%s%s x%u" : "%s%s",
			i > 0 ? ", " : "", peers->kept[at].address, count);
		if (used + len + MORE_MAX > size)
			break;
		memcpy(text + used, entry, len + 1);
		used += len;
		left -= count;
	}
	if (left > 0)
		snprintf(text + used, size - used, used > 0 ? " and %u more" : "%u", left);
}
