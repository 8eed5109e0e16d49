/* tree: see the header. */
#include "tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fdio.h"
#include "procopen.h"
#include "xmalloc.h"

enum {
	NAMES_MAX = 8
};

/* The members in a snapshot; good until the next call. */
static size_t find(struct tree *tree, const struct proc_stat ***out)
{
	static const struct proc_stat **found;
	static size_t room;
	const struct proctree_query query = {
		.main = tree->main,
		.known = tree->known,
		.known_count = tree->known_count,
		.mark = tree->mark,
	};
	struct proctree *all = app_tree(tree->app);
	size_t count = proctree_members(all, tree->app->reapers, &query, found, room);

	if (count > room) {
		room = count;
		found = xreallocarray(found, room, sizeof(struct proc_stat *));
		count = proctree_members(all, tree->app->reapers, &query, found, room);
	}
	*out = found;
	return count;
}

/* Zombies prove something only below those who reap for us (see proctree.h); a foreign parent may
 * let them lie about. */
static bool is_left(const struct tree *tree, const struct proc_stat *stat)
{
	bool ours = stat->ppid == getpid() || stat->ppid == tree->app->guard_pid;

	return !proc_stat_is_dead(stat) || ours;
}

size_t tree_count(struct tree *tree)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found), left = 0;

	for (size_t i = 0; i < count; i++)
		left += is_left(tree, found[i]);
	return left;
}

bool tree_is_empty(struct tree *tree)
{
	return tree_count(tree) == 0 && app_tree(tree->app)->is_whole;
}

bool tree_is_unsure(struct tree *tree)
{
	return tree_count(tree) == 0 && app_tree(tree->app)->is_unsure;
}

/* The place of a process among the known ones, or known_count. */
static size_t place_of(const struct tree *tree, struct proc_id id)
{
	size_t at = 0;

	while (at < tree->known_count && !proc_same(tree->known[at], id))
		at++;
	return at;
}

/* From now on it belongs. */
static void add_known(struct tree *tree, struct proc_id id)
{
	size_t at = place_of(tree, id);

	if (proc_same(id, tree->main) || at < tree->known_count)
		return;
	tree->known = xreallocarray(tree->known, at + 1, sizeof *tree->known);
	tree->told = xreallocarray(tree->told, at + 1, sizeof *tree->told);
	tree->known[at] = id;
	tree->told[at] = false;
	tree->known_count++;
}

void tree_take_known(struct tree *tree, struct proc_id *known, size_t count)
{
	tree->known = known;
	tree->known_count = count;
	tree->told = xcalloc(count, sizeof *tree->told);
}

/* Those that are gone are not known any more, so the list does not grow for ever. */
static void forget_gone(struct tree *tree)
{
	struct proctree *all = app_tree(tree->app);
	size_t kept = 0;

	for (size_t i = 0; i < tree->known_count; i++) {
		if (!proctree_has(all, tree->known[i]))
			continue;
		tree->known[kept] = tree->known[i];
		tree->told[kept++] = tree->told[i];
	}
	tree->known_count = kept;
}

bool tree_signal_main(struct tree *tree, int signo)
{
	if (tree->main_is_child)
		return kill(tree->main.pid, signo) == 0;
	return proc_signal(tree->main, signo) == 0;
}

/* As start times are counted. */
static uint64_t ticks_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
	return (uint64_t)now.tv_sec * hertz + (uint64_t)now.tv_nsec * hertz / 1000000000;
}

unsigned tree_signal(struct tree *tree, int signo, bool only_new, bool main_ended)
{
	const struct proc_stat **found;

	/* Before anybody can answer the signal by starting something. */
	if (!only_new)
		tree->signalled = ticks_now();
	unsigned sent = !only_new && tree_signal_main(tree, signo);
	size_t count = find(tree, &found);

	forget_gone(tree);
	for (size_t i = 0; i < count; i++) {
		struct proc_id id = found[i]->id;
		if (proc_stat_is_dead(found[i]) || proc_same(id, tree->main))
			continue;
		add_known(tree, id);
		size_t at = place_of(tree, id);
		if (only_new &&
			(tree->told[at] || (!main_ended && id.start_ticks >= tree->signalled)))
			continue;
		bool is_sent = proc_signal(id, signo) == 0;
		tree->told[at] = is_sent || !fdio_is_lack(errno);
		sent += is_sent;
	}
	return sent;
}

bool tree_was_told(const struct tree *tree, struct proc_id id)
{
	size_t at = place_of(tree, id);

	return at < tree->known_count && tree->told[at];
}

/* number: of those that were named, this one included. */
static void name(struct buf *names, const struct proc_stat *stat, unsigned number)
{
	if (number <= NAMES_MAX)
		buf_addf(names, "%s%d (%s)", number > 1 ? ", " : "", (int)stat->id.pid, stat->name);
}

static void name_rest(struct buf *names, unsigned count)
{
	if (count > NAMES_MAX)
		buf_addf(names, " and %u more", count - NAMES_MAX);
}

unsigned tree_survey(struct tree *tree, struct buf *names)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found);
	unsigned alive = 0;

	for (size_t i = 0; i < count; i++) {
		if (proc_stat_is_dead(found[i]))
			continue;
		add_known(tree, found[i]->id);
		name(names, found[i], ++alive);
	}
	name_rest(names, alive);
	return alive;
}

static bool is_refused(const struct proc_stat *stat)
{
	return proc_signal(stat->id, 0) < 0 && errno == EPERM;
}

unsigned tree_reach(struct tree *tree, struct buf *names, char *refused, size_t size)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found);
	struct buf others = BUF_INIT;
	unsigned reached = 0, refusing = 0;

	for (size_t i = 0; i < count; i++) {
		if (proc_stat_is_dead(found[i]))
			continue;
		if (is_refused(found[i]))
			name(&others, found[i], ++refusing);
		else
			name(names, found[i], ++reached);
	}
	name_rest(names, reached);
	name_rest(&others, refusing);
	if (refusing > 0)
		snprintf(refused, size, "%s", others.data);
	buf_release(&others);
	return reached;
}

static void know(void *arg, struct proc_id id)
{
	add_known(arg, id);
}

static void find_stray_writers(struct tree *tree, struct procopen_file file)
{
	const pid_t supervisors[] = {getpid(), tree->app->guard_pid, 0};
	const struct proc_stat **found;

	find(tree, &found); /* who is a stray is known then */
	holders_each(&tree->app->holders, app_tree(tree->app), supervisors, file, know, tree);
}

void tree_find_writers(struct tree *tree, const char *name, struct procopen_file file)
{
	const struct proctree *all = app_tree(tree->app);

	if (name == NULL) {
		find_stray_writers(tree, file);
		return;
	}
	for (size_t i = 0; i < all->count; i++) {
		struct proc_id id = all->entries[i].stat.id;
		if (id.pid != getpid() && procopen_can_write(id.pid, name, file))
			add_known(tree, id);
	}
}

int tree_owns_socket(struct tree *tree, uint32_t inode)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found);
	int result = 0;

	for (size_t i = 0; i < count && result <= 0; i++) {
		int owns = netwatch_owns(found[i]->id.pid, inode);
		if (owns != 0)
			result = owns;
	}
	return result;
}

static int compare_ages(const void *a, const void *b, void *main)
{
	struct proc_id x = (*(const struct proc_stat *const *)a)->id;
	struct proc_id y = (*(const struct proc_stat *const *)b)->id;
	bool x_is_main = proc_same(x, *(struct proc_id *)main);

	if (x_is_main || proc_same(y, *(struct proc_id *)main))
		return x_is_main ? -1 : 1;
	if (x.start_ticks != y.start_ticks)
		return x.start_ticks < y.start_ticks ? -1 : 1;
	return x.pid < y.pid ? -1 : x.pid > y.pid;
}

void tree_each(struct tree *tree, void (*found)(void *arg, const struct proc_stat *stat), void *arg)
{
	const struct proc_stat **members;
	size_t count = find(tree, &members);

	if (count > 1)
		qsort_r(members, count, sizeof *members, compare_ages, &tree->main);
	for (size_t i = 0; i < count; i++)
		if (!proc_stat_is_dead(members[i]))
			found(arg, members[i]);
}

void tree_release(struct tree *tree)
{
	free(tree->known);
	free(tree->told);
	free(tree->mark);
	tree->known = NULL;
	tree->told = NULL;
	tree->mark = NULL;
	tree->known_count = 0;
}
