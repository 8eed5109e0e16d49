/* strays: see the header. */
#include "strays.h"

#include <stdlib.h>
#include <unistd.h>

#include "formation.h"
#include "xmalloc.h"

/* A look at them. */
struct look {
	struct strays *strays;
	struct app *app;
	const char *dyno; /* NULL: only count */
	uint64_t launch;
	unsigned count;
};

static bool was_named(const struct strays *strays, struct proc_id id)
{
	for (size_t i = 0; i < strays->count; i++)
		if (proc_same(strays->named[i], id))
			return true;
	return false;
}

static void forget_gone(struct strays *strays, struct proctree *tree)
{
	size_t kept = 0;

	for (size_t i = 0; i < strays->count; i++)
		if (proctree_has(tree, strays->named[i]))
			strays->named[kept++] = strays->named[i];
	strays->count = kept;
}

static void name(struct look *look, const struct proc_stat *stat)
{
	struct strays *strays = look->strays;
	int pid = (int)stat->id.pid;

	app_note(look->app, look->dyno, look->launch,
		"Process %d (%s) is left, and of which dyno it is cannot be told, so it is not "
		"stopped; end it with `kill %d`",
		pid, stat->name, pid);
	strays->named = xreallocarray(strays->named, strays->count + 1, sizeof *strays->named);
	strays->named[strays->count++] = stat->id;
}

static void look_at(void *arg, const struct proc_stat *stat)
{
	struct look *look = arg;
	const pid_t supervisors[] = {getpid(), look->app->guard_pid, 0};

	/* Others who reap for us have children of their own. */
	if (stat->ppid != getpid() || was_named(look->strays, stat->id) ||
		holders_has(&look->app->holders, &look->app->tree, supervisors, stat->id))
		return;
	look->count++;
	if (look->dyno != NULL)
		name(look, stat);
}

/* Whoever belongs to an instance is counted by its query. */
static void ask_all(struct formation *formation)
{
	struct runner *runner;

	for (size_t i = 0; i < formation->count; i++)
		TAILQ_FOREACH (runner, &formation->places[i].runners, link)
			tree_count(&runner->tree);
}

/* As a rule there is none, and then nobody is asked. */
void strays_tell(
	struct strays *strays, struct formation *formation, const char *dyno, uint64_t launch)
{
	struct app *app = formation->app;
	struct look look = {.strays = strays, .app = app};

	if (!app->tree.is_whole || !app->tree.strays_known)
		return;
	forget_gone(strays, &app->tree);
	proctree_each_stray(&app->tree, look_at, &look);
	if (look.count == 0)
		return;
	ask_all(formation);
	look.dyno = dyno;
	look.launch = launch;
	proctree_each_stray(&app->tree, look_at, &look);
}

void strays_release(struct strays *strays)
{
	free(strays->named);
	*strays = (struct strays){0};
}
