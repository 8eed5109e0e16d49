/* observe-ask: see observe-parts.h. */
#include <stdlib.h>

#include "observe-parts.h"
#include "xmalloc.h"

/* One question costs 1.5 us, a dump as much for each thousand places of the kernel's table, and
 * half of that for each connection of the machine. */
#define ASK_MAX 512

/* Whether there can be none but those that we know, and nothing but its own end is to be found out
 * about each of them. */
static bool are_known(const struct observer *observer, struct netcounts *counts)
{
	return observer->report.watched == OBSERVE_EVENTS && !observer->must_look &&
	       !observer->has_unix && !observe_shares_port(observer) && netcounts_read(counts) &&
	       netcounts_none_opened(counts, &observer->counts);
}

static size_t list_inbound(const struct observer *observer, struct netsock *list)
{
	const struct socktable *table = &observer->table;
	size_t count = 0;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].role == ROLE_INBOUND)
			list[count++] = table->rows[i].sock;
	return count;
}

static void hear_answer(void *arg, const struct netsock *asked, const struct netsock *now)
{
	struct observer *observer = arg;
	struct socktable_row *row = socktable_find(&observer->table, asked->cookie);

	if (now == NULL)
		observe_close_untold(observer, row);
	else
		observer->must_look |= observe_refresh(observer, row, now);
}

/* As after a look that would have found nothing else. */
static void note_counts(struct observer *observer, const struct netcounts *counts)
{
	observer->counts = *counts;
	observer->looked = observe_elapsed(observer);
	if (observe_count(observer, ROLE_LISTENER) > 0)
		observe_check_listeners(observer);
}

bool observe_ask_inbound(struct observer *observer)
{
	unsigned count = observe_count(observer, ROLE_INBOUND);
	struct netcounts counts;

	if (count > ASK_MAX || !are_known(observer, &counts))
		return false;
	struct netsock *list = xcalloc(count, sizeof *list);
	int status = netsock_ask(
		observer->app->net.fd, list, list_inbound(observer, list), hear_answer, observer);
	free(list);
	if (status < 0 || observer->must_look)
		return false;
	note_counts(observer, &counts);
	return true;
}
