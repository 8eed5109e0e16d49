/* procwatch: see the header. */
#include "procwatch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fdio.h"
#include "procstate.h"
#include "procstatus.h"
#include "xmalloc.h"

static void end(struct procwatch_item *item)
{
	struct procwatch *watch = item->watch;

	ev_io_stop(watch->loop, &item->death);
	if (!proc_exit_of_zombie(item->id, &item->exit))
		proc_exit_of_other(item->pidfd, &item->exit);
	fdio_close(&item->pidfd);
	item->has_ended = true;
	watch->left--;
	watch->ended(watch->owner, item);
}

static void death_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	(void)loop;
	(void)revents;
	end(watcher->data);
}

void procwatch_init(struct procwatch *watch, struct ev_loop *loop,
	void (*ended)(void *owner, const struct procwatch_item *item), void *owner)
{
	*watch = (struct procwatch){.loop = loop, .ended = ended, .owner = owner};
	TAILQ_INIT(&watch->items);
}

struct procwatch_item *procwatch_find(struct procwatch *watch, struct proc_id id)
{
	struct procwatch_item *item;

	TAILQ_FOREACH (item, &watch->items, link)
		if (proc_same(item->id, id))
			return item;
	return NULL;
}

struct procwatch_item *procwatch_find_pid(struct procwatch *watch, pid_t pid)
{
	struct procwatch_item *item;

	TAILQ_FOREACH_REVERSE(item, &watch->items, procwatch_list, link)
	if (item->id.pid == pid)
		return item;
	return NULL;
}

static uint64_t handled_signals(pid_t pid)
{
	struct procstatus status;

	if (!procstatus_read(pid, &status) || !status.has_signals)
		return UINT64_MAX;
	return status.caught | status.ignored | status.blocked;
}

static struct procwatch_item *add(struct procwatch *watch, const struct proc_stat *stat)
{
	struct procwatch_item *item = xcalloc(1, sizeof *item);

	item->watch = watch;
	item->id = stat->id;
	snprintf(item->name, sizeof item->name, "%s", stat->name);
	item->handled = handled_signals(stat->id.pid);
	item->pidfd = -1;
	ev_init(&item->death, death_cb);
	item->death.data = item;
	TAILQ_INSERT_TAIL(&watch->items, item, link);
	return item;
}

static void await_end(struct procwatch_item *item, int pidfd)
{
	struct procwatch *watch = item->watch;

	item->pidfd = pidfd;
	watch->watched++;
	watch->left++;
	ev_io_set(&item->death, pidfd, EV_READ);
	ev_io_start(watch->loop, &item->death);
}

void procwatch_add(struct procwatch *watch, const struct proc_stat *stat, bool told)
{
	struct procwatch_item *item = procwatch_find(watch, stat->id);
	int pidfd = -1;

	if (item != NULL && (item->is_told || !told))
		return;
	if (told && watch->watched < PROCWATCH_MAX) {
		pidfd = proc_open(stat->id);
		if (pidfd < 0 && errno == ESRCH)
			return;
		if (pidfd >= 0 && fdio_is_spare(pidfd, FDIO_FOR_CLIENTS))
			fdio_close(&pidfd);
	}
	if (item == NULL)
		item = add(watch, stat);
	item->is_told = told;
	watch->count += told;
	if (pidfd >= 0)
		await_end(item, pidfd);
}

static bool handles(const struct procwatch_item *item, int signo)
{
	return (item->handled >> (signo - 1) & 1) != 0;
}

/* Who waited in sigwait() when he was found blocks the signal as soon as he does not any more. */
static void look_again(struct procwatch_item *item)
{
	item->may_await = procstate_may_await(item->id.pid);
	if (!item->may_await)
		item->handled |= handled_signals(item->id.pid);
}

void procwatch_before(struct procwatch *watch, int signo)
{
	struct procwatch_item *item;

	TAILQ_FOREACH (item, &watch->items, link) {
		if (item->has_ended || handles(item, signo))
			continue;
		item->may_await = false;
		if (signo != SIGKILL)
			look_again(item);
	}
}

/* A signal that ends a process stays pending until the process is no more. When it is not pending
 * while the process goes on, the process has taken it, or ignores it. */
static bool has_survived(const struct procwatch_item *item, int signo)
{
	struct procstatus status;

	if (!procstatus_read(item->id.pid, &status))
		return false;
	bool is_pending = status.has_signals && (status.pending >> (signo - 1) & 1) != 0;
	return !is_pending && proc_end_of(item->id) == PROC_RUNS;
}

void procwatch_signalled(struct procwatch *watch, int signo, struct proc_id only)
{
	struct procwatch_item *item;

	TAILQ_FOREACH (item, &watch->items, link)
		if ((only.pid == 0 || proc_same(item->id, only)) && item->deadly == 0 &&
			!handles(item, signo) && !item->may_await && !has_survived(item, signo))
			item->deadly = signo;
}

bool procwatch_was_struck(const struct procwatch_item *item)
{
	return item->deadly != 0 && item->exit.known && item->exit.signo == item->deadly;
}

void procwatch_sweep(struct procwatch *watch)
{
	struct procwatch_item *item;

	TAILQ_FOREACH (item, &watch->items, link)
		if (item->pidfd >= 0)
			end(item);
}

void procwatch_release(struct procwatch *watch)
{
	struct procwatch_item *item;

	if (watch->loop == NULL)
		return;
	while ((item = TAILQ_FIRST(&watch->items)) != NULL) {
		TAILQ_REMOVE(&watch->items, item, link);
		ev_io_stop(watch->loop, &item->death);
		fdio_close(&item->pidfd);
		free(item);
	}
	watch->count = watch->watched = watch->left = 0;
}
