/* tree: see the header. */
#include "tree.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "xmalloc.h"

enum {
	MEMBERS_MAX = 4096,
	NAMES_MAX = 8
};

/* The members in a snapshot; good until the next call. */
static size_t find(struct tree *tree, const struct proc_stat ***out)
{
	static const struct proc_stat *found[MEMBERS_MAX];
	const struct proctree_query query = {
		.main = tree->main,
		.known = tree->known,
		.known_count = tree->known_count,
		.mark = tree->mark,
	};
	size_t count = proctree_members(
		app_tree(tree->app), tree->app->reapers, &query, found, MEMBERS_MAX);

	*out = found;
	return count < MEMBERS_MAX ? count : MEMBERS_MAX;
}

static bool is_dead(const struct proc_stat *stat)
{
	return stat->state == 'Z' || stat->state == 'X';
}

/* Zombies prove something only below those who reap for us (see proctree.h); a foreign parent may
 * let them lie about. */
static bool is_left(const struct tree *tree, const struct proc_stat *stat)
{
	bool ours = stat->ppid == getpid() || stat->ppid == tree->app->guard_pid;

	return !is_dead(stat) || ours;
}

size_t tree_count(struct tree *tree)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found), left = 0;

	for (size_t i = 0; i < count; i++)
		left += is_left(tree, found[i]);
	return left;
}

static bool is_known(const struct tree *tree, struct proc_id id)
{
	for (size_t i = 0; i < tree->known_count; i++)
		if (proc_same(tree->known[i], id))
			return true;
	return false;
}

void tree_know(struct tree *tree, struct proc_id id)
{
	if (proc_same(id, tree->main) || is_known(tree, id))
		return;
	tree->known = xreallocarray(tree->known, tree->known_count + 1, sizeof *tree->known);
	tree->known[tree->known_count++] = id;
}

bool tree_signal_main(struct tree *tree, int signo)
{
	if (tree->main_is_child)
		return kill(tree->main.pid, signo) == 0;
	return proc_signal(tree->main, signo) == 0;
}

unsigned tree_signal(struct tree *tree, int signo, bool only_new)
{
	const struct proc_stat **found;
	unsigned sent = !only_new && tree_signal_main(tree, signo);
	size_t count = find(tree, &found);

	for (size_t i = 0; i < count; i++) {
		struct proc_id id = found[i]->id;
		if (is_dead(found[i]) || proc_same(id, tree->main) ||
			(only_new && is_known(tree, id)))
			continue;
		tree_know(tree, id);
		sent += proc_signal(id, signo) == 0;
	}
	return sent;
}

unsigned tree_survey(struct tree *tree, struct buf *names)
{
	const struct proc_stat **found;
	size_t count = find(tree, &found);
	unsigned alive = 0;

	for (size_t i = 0; i < count; i++) {
		if (is_dead(found[i]))
			continue;
		tree_know(tree, found[i]->id);
		if (++alive <= NAMES_MAX)
			buf_addf(names, "%s%d (%s)", alive > 1 ? ", " : "", (int)found[i]->id.pid,
				found[i]->name);
	}
	if (alive > NAMES_MAX)
		buf_addf(names, " and %u more", alive - NAMES_MAX);
	return alive;
}

void tree_find_writers(struct tree *tree, dev_t device, ino_t inode)
{
	const struct proctree *all = app_tree(tree->app);

	for (size_t i = 0; i < all->count; i++) {
		struct proc_id id = all->entries[i].stat.id;
		if (id.pid != getpid() && proc_can_write(id.pid, device, inode))
			tree_know(tree, id);
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

bool tree_each_socket(
	struct tree *tree, void (*found)(void *arg, pid_t pid, uint32_t inode), void *arg)
{
	const struct proc_stat **members;
	size_t count = find(tree, &members);
	bool complete = true;

	for (size_t i = 0; i < count; i++)
		if (!is_dead(members[i]))
			complete &= proc_each_socket(members[i]->id.pid, found, arg);
	return complete;
}

void tree_release(struct tree *tree)
{
	free(tree->known);
	free(tree->mark);
	tree->known = NULL;
	tree->mark = NULL;
	tree->known_count = 0;
}
