/* observe-found: see observe-parts.h. */
#include "crowd.h"
#include "observe-parts.h"

/* One of the crowd may be theirs, too. */
static void reclaim_from_crowd(struct look *look)
{
	struct observer *observer = look->observer;
	const struct crowd *crowd = observer->crowd;

	for (size_t i = 0; crowd != NULL && i < crowd->listener_count; i++) {
		struct socktable_row row = {.sock = crowd->listeners[i]};
		if (socktable_find(&observer->table, row.sock.cookie) != NULL ||
			!observe_listens(observer, &row.sock))
			continue;
		look_scan(look);
		if (!look_find_owner(look, &row))
			continue;
		look_add(look, &row, observe_listener_role(observer, row.sock.local_port));
		if (row.role == ROLE_LISTENER)
			observe_take_back_shut(observer);
	}
}

void observe_reclaim(struct observer *observer)
{
	struct look look = {.observer = observer, .is_complete = true};
	struct socktable *table = &observer->table;

	for (size_t i = 0; i < table->count; i++) {
		struct socktable_row *row = &table->rows[i];
		if (row->role != ROLE_OTHER || !row->sock.listening ||
			!observe_listens(observer, &row->sock))
			continue;
		look_scan(&look);
		if (!look_find_owner(&look, row))
			continue;
		socktable_set_role(
			table, row, observe_listener_role(observer, row->sock.local_port));
		if (row->role == ROLE_LISTENER)
			observe_take_back_shut(observer);
	}
	reclaim_from_crowd(&look);
	procsock_release(&look.owned);
}

struct newly_told {
	struct observer *observer;
	int signo;
};

static void watch_told(void *arg, const struct proc_stat *stat)
{
	const struct newly_told *told = arg;
	struct observer *observer = told->observer;

	if (!tree_was_told(observer->subject.tree, stat->id))
		return;
	procwatch_add(&observer->processes, stat, true);
	procwatch_signalled(&observer->processes, told->signo, stat->id);
}

/* A program that forks without end has no room for what comes later. */
void observe_signal_new(struct observer *observer, int signo, unsigned count)
{
	struct newly_told told = {.observer = observer, .signo = signo};
	struct stophistory *history = &observer->report.history;

	if (observer->app == NULL || history->signal_count == 0)
		return;
	tree_each(observer->subject.tree, watch_told, &told);
	observe_reclaim(observer);
	if (history->signal_count < STOPHISTORY_SIGNALS / 2)
		stophistory_add_signal(history, observe_elapsed(observer), signo, count);
}
