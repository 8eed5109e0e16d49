/* observe: see the header. */
#include "observe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "observe-parts.h"

/* After a look there is none for so many times what it has cost, so all of them take one percent of
 * a CPU at most; but not for longer than that. */
#define LOOK_PAUSE 100
#define LOOK_PAUSE_MAX (16 * NSEC_PER_SEC)
/* After so many that were not needed one is made all the same. */
#define QUIET_MAX 16

/* For what the kernel does not tell: how often it is looked at, and how long so often. */
#define GLANCE_INTERVAL (100 * NSEC_PER_MSEC)
#define GLANCE_LISTENERS (250 * NSEC_PER_MSEC)
#define GLANCE_OFTEN (3 * NSEC_PER_SEC)

nsec_t observe_elapsed(const struct observer *observer)
{
	return clock_mono() - observer->began;
}

/* ---- looks ---- */

/* Those that are due at about the same time are due in the same turn, and share what they see. */
static nsec_t together(nsec_t due)
{
	const nsec_t step = 20 * NSEC_PER_MSEC;

	return (due + step - 1) / step * step;
}

static nsec_t glance_interval(const struct observer *observer)
{
	return observe_elapsed(observer) < GLANCE_OFTEN ? GLANCE_INTERVAL : LOOK_INTERVAL;
}

static void plan_look(struct observer *observer, nsec_t cost)
{
	nsec_t now = clock_mono(), pause = cost * LOOK_PAUSE;
	nsec_t due = now + (pause < LOOK_PAUSE_MAX ? pause : LOOK_PAUSE_MAX);
	bool is_coarse = observer->report.watched == OBSERVE_LOOKS;

	if (due > observer->due)
		observer->due = due;
	timer_set(observer->app->loop, &observer->look,
		together(now + (is_coarse ? glance_interval(observer) : LOOK_INTERVAL)));
}

/* Whether it is too early for another look. What it may still find in the order of the closes is
 * worth more. */
static bool is_early(const struct observer *observer)
{
	return observer->report.watched == OBSERVE_EVENTS && observer->report.inbound_then == 0 &&
	       clock_mono() < observer->due;
}

/* Whether there can be nothing to see, but a listener that only others still have. On a port that
 * others share a connection is ours from its accept() on, which no count tells. */
static bool is_quiet(const struct observer *observer)
{
	struct netcounts counts;

	return observer->report.watched == OBSERVE_EVENTS && !observer->must_look &&
	       observer->quiet < QUIET_MAX && !observe_shares_port(observer) &&
	       netcounts_read(&counts) && netcounts_are_same(&counts, &observer->counts);
}

static void glance_only(struct observer *observer)
{
	observe_glance(observer);
	observe_find_callers(observer);
}

static void look_fired(void *owner)
{
	struct observer *observer = owner;
	nsec_t began = clock_cpu();

	if (is_early(observer)) {
		glance_only(observer);
	} else if (is_quiet(observer)) {
		observer->quiet++;
		glance_only(observer);
		observer->looked = observe_elapsed(observer);
	} else {
		observe_look(observer, false);
	}
	observe_settle(observer);
	plan_look(observer, clock_cpu() - began);
}

/* Of TCP listeners only the first second, until there are looks: as a rule their close is told, and
 * nobody else has them. */
static void plan_glance(struct observer *observer)
{
	nsec_t interval = observer->has_unix ? glance_interval(observer) : GLANCE_LISTENERS;
	bool has_listeners = observe_count(observer, ROLE_LISTENER) > 0 &&
			     observe_elapsed(observer) < LATE_AFTER - interval;

	if (observer->has_unix || has_listeners)
		timer_set(
			observer->app->loop, &observer->glance, together(clock_mono() + interval));
}

static void glance_fired(void *owner)
{
	struct observer *observer = owner;

	if (observe_glance(observer))
		observe_settle(observer);
	plan_glance(observer);
}

static void wait_over(void *owner)
{
	observe_settle(owner);
}

/* ---- what outlives a process ---- */

static bool has_orphans(struct observer *observer)
{
	for (size_t i = 0; i < observer->table.count; i++)
		if (observe_is_orphan(observer, &observer->table.rows[i]))
			return true;
	return false;
}

/* By now the news of what the end of the process has closed have come. */
static void inherit_fired(void *owner)
{
	struct observer *observer = owner;

	if (!has_orphans(observer))
		return;
	observer->seeks_heirs = true;
	observe_look(observer, false);
	observer->seeks_heirs = false;
	observe_settle(observer);
}

/* ---- beginning and end ---- */

static void process_ended(void *owner, const struct procwatch_item *item)
{
	struct observer *observer = owner;
	nsec_t now = observe_elapsed(observer);

	stophistory_add_exit(&observer->report.history, now, item->id.pid, item->name);
	observe_say_end(observer, item, now);
	if (observer->report.visible)
		timer_set(observer->app->loop, &observer->inherit, clock_mono() + NEWS_DELAY);
}

static void watch_process(void *arg, const struct proc_stat *stat)
{
	procwatch_add(arg, stat, true);
}

/* Nothing is known, or everything: what was seen in part would be a wrong number. */
static bool see_first(struct observer *observer)
{
	struct observe_report *report = &observer->report;

	report->visible = observe_look(observer, false);
	if (!report->visible) {
		socktable_release(&observer->table);
		crowd_release(observer->crowd);
		observer->crowd = NULL;
		return false;
	}
	report->watched = observer->app->news.fd >= 0 ? OBSERVE_EVENTS : OBSERVE_LOOKS;
	plan_glance(observer);
	return true;
}

static void begin(struct observer *observer, struct app *app, const struct observe_subject *subject)
{
	*observer = (struct observer){
		.app = app, .subject = *subject, .began = clock_mono(), .shut = -1, .emptied = -1};
	timer_init(&observer->wait, wait_over, observer);
	timer_init(&observer->look, look_fired, observer);
	timer_init(&observer->inherit, inherit_fired, observer);
	timer_init(&observer->glance, glance_fired, observer);
	procwatch_init(&observer->processes, app->loop, process_ended, observer);
	tree_each(subject->tree, watch_process, &observer->processes);
	TAILQ_INSERT_TAIL(&app->observers, observer, link);
	newsfeed_open(&app->news, app->loop, observe_read_news, app);
	newsfeed_leave_out(&app->news, NULL, 0);
}

void observe_begin(
	struct observer *observer, struct app *app, const struct observe_subject *subject)
{
	struct observe_report *report = &observer->report;

	begin(observer, app, subject);
	*report = (struct observe_report){.not_accepting = -1, .drained = -1, .released = -1};
	if (!see_first(observer))
		return;
	report->listeners = observe_count(observer, ROLE_LISTENER);
	report->inbound = observe_count(observer, ROLE_INBOUND);
	report->outbound = observe_count(observer, ROLE_OUTBOUND);
	report->beside = observe_count(observer, ROLE_SIDE);
	observe_list_other_ports(observer, report->other_ports);
	observe_list_peers(observer, OBSERVE_PEERS_SHOWN, report->peers, sizeof report->peers);
	observe_say_open(observer);
}

static void plan_first_look(struct observer *observer)
{
	bool is_coarse = observer->report.watched == OBSERVE_LOOKS;

	timer_set(observer->app->loop, &observer->look,
		together(
			clock_mono() + (is_coarse ? GLANCE_INTERVAL : LATE_AFTER + NSEC_PER_MSEC)));
}

static void name_left(struct observer *observer)
{
	struct buf names = BUF_INIT;
	char refused[OBSERVE_LEFT];

	if (tree_reach(observer->subject.tree, &names, refused, sizeof refused) > 0)
		snprintf(observer->report.left, sizeof observer->report.left, "%s", names.data);
	buf_release(&names);
}

static void doom_all(struct observer *observer)
{
	for (size_t i = 0; i < observer->table.count; i++)
		observer->table.rows[i].doomed = true;
}

/* Whatever is open now, SIGKILL closes it. When it is the first signal, the look was just made. */
void observe_before(struct observer *observer, int signo)
{
	if (observer->app == NULL)
		return;
	procwatch_before(&observer->processes, signo);
	if (signo != SIGKILL || observer->is_killed)
		return;
	observer->is_killed = true;
	name_left(observer);
	if (!observer->report.visible)
		return;
	if (observer->report.history.signal_count > 0) {
		observe_read_news(observer->app);
		observe_look(observer, false);
		observe_settle(observer);
	}
	doom_all(observer);
}

/* The first look comes when what is new from then on is late. */
static void begin_time(struct observer *observer)
{
	struct observe_report *report = &observer->report;

	observer->began = clock_mono();
	observer->looked = 0;
	if (!report->visible)
		return;
	stophistory_add_step(&report->history, 0, report->inbound, report->outbound);
	plan_first_look(observer);
}

static bool was_killed(const struct stophistory *history)
{
	for (size_t i = 0; i < history->signal_count; i++)
		if (history->signals[i].signo == SIGKILL)
			return true;
	return false;
}

/* Those of the first signal that are gone by now. */
static void note_given_up(struct observer *observer, const struct observe_kept *kept)
{
	unsigned outbound = observe_count(observer, ROLE_OUTBOUND);

	if (kept->report.released < 0 && kept->report.outbound > outbound)
		observer->given_up = kept->report.outbound - outbound;
}

/* The steps are not kept; these follow from the phases. */
static void recall_steps(struct observer *observer)
{
	struct observe_report *report = &observer->report;
	nsec_t drained = report->drained, released = report->released;
	bool is_drained_first = drained >= 0 && (released < 0 || drained <= released);

	stophistory_add_step(&report->history, 0, report->inbound, report->outbound);
	if (is_drained_first)
		stophistory_add_step(&report->history, drained, 0, report->outbound);
	if (released >= 0)
		stophistory_add_step(
			&report->history, released, is_drained_first ? 0 : report->inbound, 0);
	if (drained >= 0 && !is_drained_first)
		stophistory_add_step(&report->history, drained, 0, 0);
}

/* Which process closed what meanwhile is not known, if one has ended. */
void observe_resume(struct observer *observer, struct app *app,
	const struct observe_subject *subject, const struct observe_kept *kept, bool main_lives)
{
	struct observe_report *report = &observer->report;

	begin(observer, app, subject);
	observer->began = kept->began;
	memcpy(observer->ports, kept->ports, sizeof observer->ports);
	observer->port_count = kept->port_count;
	*report = kept->report;
	report->interrupted = true;
	report->is_end_unseen = observer->processes.count == 0;
	observer->is_unsure = !report->order_wrong && report->owed_then + report->used_then > 0;
	for (int role = 0; role < ROLES; role++)
		observer->died[role] = main_lives ? 0 : clock_mono();
	observer->is_killed = was_killed(&report->history);
	if (!report->visible || !see_first(observer) || report->history.signal_count == 0)
		return;
	recall_steps(observer);
	note_given_up(observer, kept);
	if (observer->is_killed)
		doom_all(observer);
	plan_first_look(observer);
	observe_settle(observer);
}

void observe_signal(struct observer *observer, int signo, bool all, unsigned count)
{
	struct observe_report *report = &observer->report;

	if (observer->app == NULL)
		return;
	if (report->history.signal_count == 0) {
		begin_time(observer);
		report->processes = count;
	} else {
		tree_each(observer->subject.tree, watch_process, &observer->processes);
		observe_reclaim(observer);
	}
	procwatch_signalled(
		&observer->processes, signo, all ? PROC_NONE : observer->subject.tree->main);
	stophistory_add_signal(&report->history, observe_elapsed(observer), signo, count);
}

bool observe_now(const struct observer *observer, struct observe_now *now)
{
	if (observer->app == NULL || !observer->report.visible)
		return false;
	now->listeners = observe_count(observer, ROLE_LISTENER);
	now->inbound = observe_count(observer, ROLE_INBOUND);
	now->outbound = observe_count(observer, ROLE_OUTBOUND);
	now->phase = now->listeners > 0	 ? "accepting"
		     : now->inbound > 0	 ? "draining"
		     : now->outbound > 0 ? "releasing"
					 : "ending";
	return true;
}

static bool something_is_open(const struct observer *observer)
{
	return observe_has_untold(observer) || observe_count(observer, ROLE_LISTENER) > 0 ||
	       observe_count(observer, ROLE_INBOUND) > 0 ||
	       observe_count(observer, ROLE_OUTBOUND) > 0;
}

/* What was not told by now never is. */
static void end_wait(struct observer *observer)
{
	observer->may_miss = false;
	if (timer_is_set(&observer->wait))
		observe_settle(observer);
}

/* Its processes are gone, so every socket that only they had is closed. */
void observe_end(struct observer *observer, const struct proc_exit *exit)
{
	struct procwatch_item *main;

	if (observer->app == NULL)
		return;
	if (observer->report.visible) {
		observe_read_news(observer->app);
		if (something_is_open(observer)) {
			observe_look(observer, true);
			observe_glance(observer);
			observe_settle(observer);
			observe_await_news(observer);
		}
		end_wait(observer);
	}
	procwatch_sweep(&observer->processes);
	main = procwatch_find(&observer->processes, observer->subject.tree->main);
	if (main != NULL && exit->known)
		main->exit = *exit;
	observe_count_struck(observer);
	observe_say_lost(observer);
	observe_stop(observer);
}

void observe_stop(struct observer *observer)
{
	struct app *app = observer->app;

	if (app == NULL)
		return;
	timer_stop(app->loop, &observer->look);
	timer_stop(app->loop, &observer->inherit);
	timer_stop(app->loop, &observer->glance);
	timer_stop(app->loop, &observer->wait);
	procwatch_release(&observer->processes);
	socktable_release(&observer->table);
	crowd_release(observer->crowd);
	observer->crowd = NULL;
	free(observer->closing);
	free(observer->unix_doors);
	observer->closing = NULL;
	observer->unix_doors = NULL;
	TAILQ_REMOVE(&app->observers, observer, link);
	observer->app = NULL;
	if (!TAILQ_EMPTY(&app->observers))
		return;
	newsfeed_close(&app->news);
	crowd_release(app->crowd);
	app->crowd = NULL;
}
