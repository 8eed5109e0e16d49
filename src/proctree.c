/* proctree: see the header. */
#include "proctree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "xmalloc.h"

struct proctree_mark {
	struct proc_id id;
	char *value;
	bool seen; /* its process is in the snapshot */
};

static void forget(struct proctree *tree)
{
	tree->count = 0;
	tree->stray_count = 0;
	tree->is_unsure = tree->is_whole = false;
	tree->queries = 0;
	tree->strays_known = false;
}

static void add(struct proctree *tree, const struct proc_stat *stat)
{
	if (tree->count == tree->capacity) {
		size_t capacity = tree->capacity > 0 ? tree->capacity * 2 : 128;
		tree->entries = xreallocarray(tree->entries, capacity, sizeof *tree->entries);
		tree->by_session =
			xreallocarray(tree->by_session, capacity, sizeof *tree->by_session);
		tree->strays = xreallocarray(tree->strays, capacity, sizeof *tree->strays);
		tree->capacity = capacity;
	}
	tree->entries[tree->count++] = (struct proctree_entry){.stat = *stat};
}

static int compare_pids(const void *a, const void *b)
{
	const struct proctree_entry *x = a, *y = b;

	return (x->stat.id.pid > y->stat.id.pid) - (x->stat.id.pid < y->stat.id.pid);
}

static int compare_sessions(const void *a, const void *b, void *entries)
{
	const struct proctree_entry *e = entries;
	pid_t x = e[*(const uint32_t *)a].stat.session, y = e[*(const uint32_t *)b].stat.session;

	return (x > y) - (x < y);
}

static struct proctree_entry *find(struct proctree *tree, pid_t pid)
{
	struct proctree_entry key = {.stat.id.pid = pid};

	return tree->count == 0
		       ? NULL
		       : bsearch(&key, tree->entries, tree->count, sizeof key, compare_pids);
}

static struct proctree_entry *find_exactly(struct proctree *tree, struct proc_id id)
{
	struct proctree_entry *entry = find(tree, id.pid);

	return entry != NULL && proc_same(entry->stat.id, id) ? entry : NULL;
}

static void link_tree(struct proctree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		struct proctree_entry *entry = &tree->entries[i];
		struct proctree_entry *parent = find(tree, entry->stat.ppid);
		tree->by_session[i] = i;
		if (parent == NULL || parent == entry)
			continue;
		entry->next_sibling = parent->first_child;
		parent->first_child = i + 1;
	}
	qsort_r(tree->by_session, tree->count, sizeof *tree->by_session, compare_sessions,
		tree->entries);
}

/* Returns 0, or what was lacking to look at one that is there. Who is hidden from us is not ours.
 */
static int add_all(struct proctree *tree, DIR *proc)
{
	struct dirent *entry;
	struct proc_stat stat;
	int error = 0;

	while ((entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		if (proc_stat_read((pid_t)atoi(entry->d_name), &stat))
			add(tree, &stat);
		else if (fdio_is_lack(errno))
			error = errno;
	}
	return error;
}

/* Where /proc is not mounted, or is that of others, nothing fails; but we are not there. */
int proctree_take(struct proctree *tree)
{
	DIR *proc = opendir("/proc");

	forget(tree);
	tree->taken = clock_mono();
	if (proc == NULL)
		return -1;
	int error = add_all(tree, proc);
	closedir(proc);
	if (tree->count > 0)
		qsort(tree->entries, tree->count, sizeof *tree->entries, compare_pids);
	link_tree(tree);
	tree->cost = clock_mono() - tree->taken;
	if (error == 0 && find(tree, getpid()) == NULL)
		error = ESRCH;
	tree->is_whole = error == 0;
	errno = error;
	return tree->is_whole ? 0 : -1;
}

void proctree_claim(struct proctree *tree, struct proc_id main)
{
	struct proctree_entry *entry = find_exactly(tree, main);

	if (entry != NULL)
		entry->claimed = true;
}

/* Who waits for a disk or a file server may hold the lock of his memory, and so hold up whoever
 * reads his environment. */
static bool is_held(const struct proctree_entry *entry)
{
	return entry->stat.state == 'D';
}

static const char *find_mark(struct proctree *tree, struct proc_id id)
{
	for (size_t i = 0; i < tree->mark_count; i++)
		if (proc_same(tree->marks[i].id, id)) {
			tree->marks[i].seen = true;
			return tree->marks[i].value;
		}
	return NULL;
}

static const char *read_mark(struct proctree *tree, const struct proctree_entry *entry)
{
	const char *known = find_mark(tree, entry->stat.id);

	if (known != NULL)
		return known;
	tree->is_unsure |= is_held(entry);
	char *value = is_held(entry) ? NULL : proc_environ(entry->stat.id.pid, PROCTREE_MARK);
	if (value == NULL)
		return NULL;
	tree->marks = xreallocarray(tree->marks, tree->mark_count + 1, sizeof *tree->marks);
	tree->marks[tree->mark_count++] =
		(struct proctree_mark){.id = entry->stat.id, .value = value, .seen = true};
	return value;
}

static void forget_marks(struct proctree *tree)
{
	size_t kept = 0;

	for (size_t i = 0; i < tree->mark_count; i++) {
		struct proctree_mark *mark = &tree->marks[i];
		if (mark->seen) {
			mark->seen = false;
			tree->marks[kept++] = *mark;
		} else {
			free(mark->value);
		}
	}
	tree->mark_count = kept;
}

/* Only children of the reaper that are no main process pay for a look at their environment. */
static void know_strays(struct proctree *tree, pid_t reaper)
{
	struct proctree_entry *parent = find(tree, reaper);

	for (uint32_t i = parent != NULL ? parent->first_child : 0; i != 0;
		i = tree->entries[i - 1].next_sibling) {
		struct proctree_entry *entry = &tree->entries[i - 1];
		if (entry->claimed || entry->stat.session == parent->stat.session)
			continue;
		entry->mark = read_mark(tree, entry);
		tree->strays[tree->stray_count++] = i - 1;
	}
}

/* A query in progress. */
struct search {
	struct proctree *tree;
	const struct proc_stat **out;
	size_t max;
	size_t count;
};

static void visit(struct search *search, struct proctree_entry *entry)
{
	struct proctree *tree = search->tree;

	if (entry->visit == tree->queries)
		return;
	entry->visit = tree->queries;
	if (search->count < search->max)
		search->out[search->count] = &entry->stat;
	search->count++;
	for (uint32_t i = entry->first_child; i != 0; i = tree->entries[i - 1].next_sibling)
		visit(search, &tree->entries[i - 1]);
}

/*
 * The session's number cannot be given to a new process while anybody is left in the session. So
 * either its leader is our main process, or nobody has that pid; another process under that pid
 * means that the session is a new and foreign one.
 */
static void visit_session(struct search *search, struct proc_id main)
{
	struct proctree *tree = search->tree;
	const struct proctree_entry *leader = find(tree, main.pid);
	size_t low = 0, high = tree->count;

	if (leader != NULL && !proc_same(leader->stat.id, main))
		return;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (tree->entries[tree->by_session[middle]].stat.session < main.pid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < tree->count; low++) {
		struct proctree_entry *entry = &tree->entries[tree->by_session[low]];
		if (entry->stat.session != main.pid)
			return;
		visit(search, entry);
	}
}

size_t proctree_members(struct proctree *tree, const pid_t *reapers,
	const struct proctree_query *query, const struct proc_stat **out, size_t max)
{
	struct search search = {.tree = tree, .out = out, .max = max};

	for (size_t i = 0; !tree->strays_known && reapers[i] != 0; i++)
		know_strays(tree, reapers[i]);
	if (!tree->strays_known)
		forget_marks(tree);
	tree->strays_known = true;
	tree->queries++;
	if (query->main.pid > 0)
		visit_session(&search, query->main);
	for (size_t i = 0; i < query->known_count; i++) {
		struct proctree_entry *entry = find_exactly(tree, query->known[i]);
		if (entry != NULL)
			visit(&search, entry);
	}
	for (size_t i = 0; i < tree->stray_count; i++) {
		struct proctree_entry *entry = &tree->entries[tree->strays[i]];
		if (entry->mark != NULL && strcmp(entry->mark, query->mark) == 0)
			visit(&search, entry);
	}
	return search.count;
}

void proctree_each_stray(
	struct proctree *tree, void (*found)(void *arg, const struct proc_stat *stat), void *arg)
{
	for (size_t i = 0; i < tree->stray_count; i++) {
		const struct proctree_entry *entry = &tree->entries[tree->strays[i]];
		if (entry->mark == NULL && entry->visit == 0 && !is_held(entry) &&
			!proc_stat_is_dead(&entry->stat))
			found(arg, &entry->stat);
	}
}

bool proctree_has(struct proctree *tree, struct proc_id id)
{
	return find_exactly(tree, id) != NULL;
}

void proctree_release(struct proctree *tree)
{
	forget(tree);
	forget_marks(tree);
	forget_marks(tree); /* whoever was seen is not any more */
	free(tree->marks);
	free(tree->entries);
	free(tree->by_session);
	free(tree->strays);
	*tree = (struct proctree){0};
}
