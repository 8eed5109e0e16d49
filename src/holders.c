/* holders: see the header. */
#include "holders.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

struct look {
	struct holders *holders;
	struct proc_id id;
};

/* Goes back over ".7". NULL: there is no such thing. */
static const char *skip_number(const char *name, const char *end)
{
	const char *at = end;

	while (at > name && isdigit((unsigned char)at[-1]))
		at--;
	return at < end && at > name + 1 && at[-1] == '.' ? at - 1 : NULL;
}

/* "web.1.7.out" or "web.1.7.id", see runner_file(). */
static bool is_of_instance(const void *arg, const char *name)
{
	const char *end = strrchr(name, '.');

	(void)arg;
	if (end == NULL || (strcmp(end, ".out") != 0 && strcmp(end, ".id") != 0))
		return false;
	end = skip_number(name, end);
	return end != NULL && skip_number(name, end) != NULL;
}

static void add(void *arg, struct procopen_file file)
{
	const struct look *look = arg;
	struct holders *holders = look->holders;

	if (holders->count == holders->capacity) {
		holders->capacity = holders->capacity > 0 ? holders->capacity * 2 : 16;
		holders->items =
			xreallocarray(holders->items, holders->capacity, sizeof *holders->items);
	}
	holders->items[holders->count++] = (struct holder){.id = look->id, .file = file};
}

static bool is_in(const pid_t *pids, pid_t pid)
{
	while (*pids != 0 && *pids != pid)
		pids++;
	return *pids != 0;
}

static void look_at(struct holders *holders, const struct proctree *tree, const pid_t *supervisors)
{
	holders->count = 0;
	holders->taken = tree->taken;
	for (size_t i = 0; i < tree->stray_count; i++) {
		const struct proctree_entry *stray = &tree->entries[tree->strays[i]];
		struct look look = {.holders = holders, .id = stray->stat.id};
		if (stray->mark == NULL && !is_in(supervisors, look.id.pid))
			procopen_each_written(look.id.pid, is_of_instance, add, &look);
	}
}

void holders_each(struct holders *holders, const struct proctree *tree, const pid_t *supervisors,
	struct procopen_file file, void (*found)(void *arg, struct proc_id id), void *arg)
{
	if (holders->taken != tree->taken)
		look_at(holders, tree, supervisors);
	for (size_t i = 0; i < holders->count; i++)
		if (holders->items[i].file.device == file.device &&
			holders->items[i].file.inode == file.inode)
			found(arg, holders->items[i].id);
}

bool holders_has(struct holders *holders, const struct proctree *tree, const pid_t *supervisors,
	struct proc_id id)
{
	if (holders->taken != tree->taken)
		look_at(holders, tree, supervisors);
	for (size_t i = 0; i < holders->count; i++)
		if (proc_same(holders->items[i].id, id))
			return true;
	return false;
}

void holders_release(struct holders *holders)
{
	free(holders->items);
	*holders = (struct holders){0};
}
