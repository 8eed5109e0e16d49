/* calls: see the header. */
#include "calls.h"

#include <stdint.h>
#include <stdlib.h>

#include "xmalloc.h"

static void leave_queue(struct call *call)
{
	if (call->in_queue)
		TAILQ_REMOVE(&call->calls->queue, call, entry);
	call->in_queue = false;
}

/* The answer of a call that did not get as far as the database. */
static void explain(struct call *call)
{
	const struct store *store = call->calls->store;
	struct cause *cause = &call->answer.cause;

	if (store->is_reachable(store, cause))
		cause_set(cause, "the database does not keep up with the requests");
}

static void give_answer(struct call *call)
{
	struct calls *calls = call->calls;
	struct store_answer *answer = &call->answer;

	if (answer->status == STORE_UNREACHABLE && answer->cause.text[0] == '\0')
		explain(call);
	call->answer_fn(call->arg, answer);
	free(call);
	if (--calls->pending == 0 && calls->all_answered != NULL)
		calls->all_answered(calls->store);
}

static void run_call(struct worker_job *job)
{
	struct call *call = (struct call *)job;

	if (clock_mono() < call->until)
		call->operate(call);
}

static void call_done(struct worker_job *job)
{
	struct call *call = (struct call *)job;

	leave_queue(call);
	give_answer(call);
}

/*
 * Those whose time is up at that moment; why, or NULL when it is to be found out. One that a thread
 * has begun comes back from there.
 */
static void take_back(struct calls *calls, nsec_t now, const char *why)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&calls->queue)) != NULL && call->until <= now) {
		leave_queue(call);
		if (!worker_withdraw(calls->worker, &call->job))
			continue;
		if (why != NULL)
			cause_set(&call->answer.cause, "%s", why);
		give_answer(call);
	}
}

static void watch_queue(struct calls *calls)
{
	const struct call *first = TAILQ_FIRST(&calls->queue);

	if (first == NULL)
		return;
	ev_now_update(calls->loop);
	ev_timer_set(&calls->timer, (double)(first->until - clock_mono()) / NSEC_PER_SEC, 0);
	ev_timer_start(calls->loop, &calls->timer);
}

static void timer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
	struct calls *calls = watcher->data;
	(void)loop;
	(void)revents;

	take_back(calls, clock_mono(), NULL);
	watch_queue(calls);
}

void calls_init(struct calls *calls)
{
	TAILQ_INIT(&calls->queue);
	ev_init(&calls->timer, timer_cb);
	calls->timer.data = calls;
}

void calls_release(struct calls *calls)
{
	ev_timer_stop(calls->loop, &calls->timer);
}

void calls_submit(struct calls *calls, void (*operate)(struct call *call), const struct user *user,
	store_answer_fn *answer, void *arg)
{
	struct call *call = xcalloc(1, sizeof *call);

	*call = (struct call){
		.job = {.run = run_call, .done = call_done},
		.calls = calls,
		.in_queue = true,
		.operate = operate,
		.until = clock_mono() + calls->patience,
		.answer = {.status = STORE_UNREACHABLE, .user = *user},
		.answer_fn = answer,
		.arg = arg,
	};
	calls->pending++;
	TAILQ_INSERT_TAIL(&calls->queue, call, entry);
	worker_submit(calls->worker, &call->job);
	if (!ev_is_active(&calls->timer))
		watch_queue(calls);
}

void calls_cut(struct calls *calls)
{
	take_back(calls, INT64_MAX, "the database could not be asked any more before the end");
}
