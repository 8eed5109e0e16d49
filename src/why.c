/* why: see the header. What is said about a look stands in why-report.c. */
#include "why.h"

#include <signal.h>
#include <stdio.h>

#include "ladder.h"
#include "proctree.h"
#include "why-sockets.h"

#define SHORTEST (2 * NSEC_PER_SEC)

enum {
	MEMBERS_MAX = 4096,
	CHILDREN_SHOWN = 4,
	LOOKS_BEFORE_KILL = 2
};

/* What all processes of a look have in common. */
struct look {
	struct app *app;
	struct tree *tree;
	const struct instance *instance;
	struct why_sockets sockets;
};

/* ---- signals ---- */

enum was_told {
	TOLD_NO,
	TOLD_YES,
	TOLD_UNKNOWN /* perhaps by the supervisor before this one */
};

static enum was_told was_told(const struct look *look, struct proc_id id, int signo)
{
	const struct tree *tree = look->tree;
	const struct instance *instance = look->instance;

	if (proc_same(id, tree->main))
		return TOLD_YES;
	if (instance->config->stop_to == STOP_MAIN && !instance->main_ended && signo != SIGKILL)
		return TOLD_NO;
	if (tree->signalled == 0)
		return TOLD_UNKNOWN;
	for (size_t i = 0; i < tree->known_count; i++)
		if (proc_same(tree->known[i], id))
			return tree->told[i] ? TOLD_YES : TOLD_NO;
	return TOLD_NO;
}

/* What a process does with a signal, or would do. */
enum reaction {
	REACTION_NONE, /* nothing that would explain why it is there */
	REACTION_NOT_SENT,
	REACTION_UNSEEN,
	REACTION_IGNORES,
	REACTION_BLOCKS,
	REACTION_BLOCKS_PENDING,
	REACTION_BLOCKS_TAKEN,
	REACTION_BLOCKS_PERHAPS,
	REACTION_WAITS,
	REACTION_HANDLES,
	REACTION_ENDS,
	REACTION_ENDS_PERHAPS
};

/* The words before the signal's name, and those after it. */
static const struct {
	const char *before, *after;
} reactions[] = {
	[REACTION_NOT_SENT] = {"was not sent ", ""},
	[REACTION_UNSEEN] = {"what it does with ", " cannot be seen"},
	[REACTION_IGNORES] = {"ignores ", ""},
	[REACTION_BLOCKS] = {"blocks ", ""},
	[REACTION_BLOCKS_PENDING] = {"blocks ", ", which still waits to be taken"},
	[REACTION_BLOCKS_TAKEN] = {"has taken ", " and blocks it now"},
	[REACTION_BLOCKS_PERHAPS] = {"blocks ", ", unless it reads it in another way"},
	[REACTION_WAITS] = {"", " waits until that is over"},
	[REACTION_HANDLES] = {"handles ", ""},
	[REACTION_ENDS] = {"has no handler for ", ", which ends it at once"},
	[REACTION_ENDS_PERHAPS] = {"has no handler for ",
		", which ends it at once unless that is the signal it waits for"},
};

static enum reaction reaction(const struct procstate *now, int signo, enum was_told told)
{
	bool blocked = procstate_has(now->blocked, signo);
	bool pending = procstate_has(now->pending, signo);

	if (told == TOLD_NO)
		return REACTION_NOT_SENT;
	if (!now->has_signals)
		return REACTION_UNSEEN;
	if (pending && procstate_is_held(now))
		return REACTION_WAITS;
	if (procstate_has(now->ignored, signo))
		return REACTION_IGNORES;
	if (blocked && pending)
		return REACTION_BLOCKS_PENDING;
	if (blocked)
		return told == TOLD_YES ? REACTION_BLOCKS_TAKEN : REACTION_BLOCKS;
	return procstate_has(now->caught, signo) ? REACTION_HANDLES : REACTION_NONE;
}

static enum reaction intention(const struct procstate *now, pid_t pid, int signo)
{
	if (!now->has_signals)
		return REACTION_UNSEEN;
	if (procstate_has(now->ignored, signo))
		return REACTION_IGNORES;
	if (procstate_has(now->blocked, signo))
		return REACTION_BLOCKS_PERHAPS;
	if (procstate_has(now->caught, signo))
		return REACTION_HANDLES;
	return procstate_may_await(pid) ? REACTION_ENDS_PERHAPS : REACTION_ENDS;
}

static bool is_repeated(const struct ladder *ladder, unsigned rung)
{
	for (unsigned i = 0; i < rung; i++)
		if (ladder->rung[i].signo == ladder->rung[rung].signo)
			return true;
	return false;
}

/* The signals that were sent so far; before a stop the first that would be. */
static void find_signals(const struct look *look, struct proc_id id, struct why_process *process)
{
	const struct instance *instance = look->instance;
	const struct ladder *ladder = &instance->config->stop;
	unsigned sent = instance->rung > 0 ? instance->rung : 1;
	size_t len = 0;

	for (unsigned i = 0; i < sent && !instance->boot_forced; i++) {
		int signo = ladder->rung[i].signo;
		if (signo == SIGKILL || is_repeated(ladder, i))
			continue;
		enum reaction does = instance->rung > 0 ? reaction(&process->now, signo,
								  was_told(look, id, signo))
							: intention(&process->now, id.pid, signo);
		if (does == REACTION_NONE || len >= sizeof process->signals)
			continue;
		len += (size_t)snprintf(process->signals + len, sizeof process->signals - len,
			"%s%s%s%s", len > 0 ? "; " : "", reactions[does].before, signal_name(signo),
			reactions[does].after);
	}
}

/* ---- processes ---- */

static void find_children(const struct look *look, struct why_process *process)
{
	const struct proctree *all = app_tree(look->app);
	struct buf list = BUF_INIT;
	unsigned count = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct proc_stat *stat = &all->entries[i].stat;
		if (stat->ppid == process->pid && ++count <= CHILDREN_SHOWN)
			buf_addf(&list, "%s%d %s%s", count > 1 ? ", " : "", (int)stat->id.pid,
				stat->name, proc_stat_is_dead(stat) ? " (zombie)" : "");
	}
	if (count > CHILDREN_SHOWN)
		buf_addf(&list, " and %u more", count - CHILDREN_SHOWN);
	snprintf(process->children, sizeof process->children, "%s", count > 0 ? list.data : "");
	buf_release(&list);
}

/* It may have ended since the snapshot. */
static bool look_at(struct look *look, const struct proc_stat *stat, struct why_process *process)
{
	*process = (struct why_process){.pid = stat->id.pid, .parent = stat->ppid};
	if (!procstate_read(process->pid, &process->now) || procstate_is_dead(&process->now))
		return false;
	find_signals(look, stat->id, process);
	why_sockets_find(&look->sockets, process);
	find_children(look, process);
	return true;
}

/* The living members, the main process first; of very many some are only counted. */
struct members {
	struct proc_stat items[MEMBERS_MAX];
	size_t kept; /* in items */
	size_t count;
};

static void add_member(void *arg, const struct proc_stat *stat)
{
	struct members *members = arg;

	members->count++;
	if (members->kept < MEMBERS_MAX)
		members->items[members->kept++] = *stat;
}

void why_look(struct why *why, struct app *app, struct tree *tree, const struct instance *instance,
	const uint16_t *ports, size_t port_count)
{
	static struct members members;
	struct look look = {.app = app, .tree = tree, .instance = instance};

	why->instance = instance;
	why->taken = clock_mono();
	why->shown = 0;
	members.kept = members.count = 0;
	tree_each(tree, add_member, &members);
	why->count = (unsigned)members.count;
	why_sockets_look(&look.sockets, app);
	why_sockets_know(&look.sockets, instance->port);
	for (size_t i = 0; i < port_count; i++)
		why_sockets_know(&look.sockets, ports[i]);
	nsec_t end = clock_cpu() + WHY_BUDGET;
	for (size_t i = 0; i < members.kept && why->shown < WHY_PROCESSES && clock_cpu() < end;
		i++) {
		if (look_at(&look, &members.items[i], &why->processes[why->shown]))
			why->shown++;
		else
			why->count--;
	}
	why_sockets_release(&look.sockets);
}

/* ---- when ---- */

static nsec_t last_moment(nsec_t began, nsec_t time)
{
	nsec_t second_before = time - NSEC_PER_SEC;
	nsec_t nearly_all = began + (time - began) / 100 * 95;

	return second_before > nearly_all ? second_before : nearly_all;
}

/* What outlives SIGKILL is in the hands of the kernel; half of the wait is time enough to tell. */
static nsec_t after_kill(const struct instance *instance, unsigned looks)
{
	nsec_t wait = instance->config->stop.rung[instance->rung - 1].wait;

	if (looks > LOOKS_BEFORE_KILL || instance->boot_forced || wait == LADDER_FOREVER ||
		wait < SHORTEST)
		return 0;
	return instance->deadline[INSTANCE_TIMER_RUNG] - wait / 2;
}

nsec_t why_due(const struct instance *instance, unsigned looks)
{
	nsec_t began = instance->stop_began, time = instance_kill_time(instance);
	bool kill_comes = time > 0;

	if (instance->state != INSTANCE_STOPPING || instance->rung == 0)
		return 0;
	if (why_signal(instance) == SIGKILL)
		return after_kill(instance, looks);
	if (!kill_comes && instance->rung == 1)
		time = instance->deadline[INSTANCE_TIMER_RUNG];
	if (time == 0 || time - began < SHORTEST)
		return 0;
	if (looks == 0)
		return began + (time - began) / 2;
	return looks == 1 && kill_comes ? last_moment(began, time) : 0;
}
