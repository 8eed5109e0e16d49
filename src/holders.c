/* holders: see the header. */
#include "holders.h"

#include <stdlib.h>

#include "instancefile.h"
#include "xmalloc.h"

struct look {
	struct holders *holders;
	struct proc_id id;
};

static bool is_of_instance(const void *arg, const char *name)
{
	struct instancefile_parts parts;

	(void)arg;
	return instancefile_parse(name, &parts);
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
