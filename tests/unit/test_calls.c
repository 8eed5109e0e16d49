/* Calls that wait for a thread: when they are taken back, and when not. */
#include "../../cmd/demo-server/calls.h"

#include <pthread.h>
#include <stdlib.h>

#include "tap.h"

enum {
	CALLS_MAX = 4
};

/* A store whose calls last as long as the test wants. */
static struct {
	struct calls calls;
	bool reachable;
	pthread_mutex_t lock; /* guards the next three */
	pthread_cond_t changed;
	int begun;
	bool released;

	int answered;
	struct store_answer answers[CALLS_MAX]; /* by the number of the call */
	int all_answered;
} rig;

static void operate(struct call *call)
{
	pthread_mutex_lock(&rig.lock);
	rig.begun++;
	pthread_cond_broadcast(&rig.changed);
	while (!rig.released)
		pthread_cond_wait(&rig.changed, &rig.lock);
	pthread_mutex_unlock(&rig.lock);
	call->answer.status = STORE_OK;
}

static void wait_until_begun(int count)
{
	pthread_mutex_lock(&rig.lock);
	while (rig.begun < count)
		pthread_cond_wait(&rig.changed, &rig.lock);
	pthread_mutex_unlock(&rig.lock);
}

static void release(void)
{
	pthread_mutex_lock(&rig.lock);
	rig.released = true;
	pthread_cond_broadcast(&rig.changed);
	pthread_mutex_unlock(&rig.lock);
}

static bool is_reachable(const struct store *store, struct cause *why_not)
{
	(void)store;
	if (!rig.reachable)
		cause_set(why_not, "it is away");
	return rig.reachable;
}

static void all_answered(struct store *store)
{
	(void)store;
	rig.all_answered++;
}

static void answered(void *arg, const struct store_answer *answer)
{
	*(struct store_answer *)arg = *answer;
	rig.answered++;
}

static struct store store = {.is_reachable = is_reachable};

static void begin(nsec_t patience)
{
	struct cause cause;

	rig.reachable = true;
	rig.released = false;
	rig.begun = rig.answered = rig.all_answered = 0;
	rig.calls = (struct calls){
		.loop = EV_DEFAULT,
		.worker = worker_new(EV_DEFAULT, 1, &cause),
		.store = &store,
		.patience = patience,
		.all_answered = all_answered,
	};
	if (rig.calls.worker == NULL)
		abort();
	calls_init(&rig.calls);
}

static void submit(int count)
{
	for (int i = 0; i < count; i++)
		calls_submit(
			&rig.calls, operate, &(struct user){.id = i}, answered, &rig.answers[i]);
}

static void wait_for_answers(int count)
{
	while (rig.answered < count)
		ev_run(EV_DEFAULT, EVRUN_ONCE);
}

static void end(void)
{
	calls_release(&rig.calls);
	worker_free(rig.calls.worker);
}

static void in_time(void)
{
	begin(60 * NSEC_PER_SEC);
	release();
	submit(3);
	wait_for_answers(3);
	is_int(rig.answers[2].status, STORE_OK, "a call that has its turn in time is made");
	is_int(rig.answers[2].user.id, 2, "the answer has the user of the question");
	is_int(rig.all_answered, 1, "that all are answered is told once, at the end");
	end();
}

static void too_late(void)
{
	nsec_t since = clock_mono();

	begin(100 * NSEC_PER_MSEC);
	submit(3);
	wait_until_begun(1);
	wait_for_answers(2);
	ok(clock_mono() - since >= 100 * NSEC_PER_MSEC, "a call is not taken back before its time");
	is_int(rig.answers[1].status, STORE_UNREACHABLE,
		"a call that has waited too long is answered");
	is_str(rig.answers[1].cause.text, "the database does not keep up with the requests",
		"it is told that the database is there, but busy");
	is_int(rig.answers[2].status, STORE_UNREACHABLE, "so is the one behind it");
	is_int(rig.all_answered, 0, "the one that has begun is still to come");
	release();
	wait_for_answers(3);
	is_int(rig.answers[0].status, STORE_OK, "a call that has begun is not taken back");
	is_int(rig.begun, 1, "those that were taken back have never begun");
	is_int(rig.all_answered, 1, "then all are answered");
	end();
}

static void unreachable(void)
{
	begin(50 * NSEC_PER_MSEC);
	rig.reachable = false;
	submit(2);
	wait_until_begun(1);
	wait_for_answers(1);
	is_str(rig.answers[1].cause.text, "it is away",
		"the reason of a store that is away is told");
	release();
	wait_for_answers(2);
	end();
}

static void cut(void)
{
	begin(60 * NSEC_PER_SEC);
	submit(3);
	wait_until_begun(1);
	calls_cut(&rig.calls);
	is_int(rig.answered, 2, "the cut answers what has not begun, at once");
	is_int(rig.answers[2].status, STORE_UNREACHABLE, "and says that nothing has happened");
	release();
	wait_for_answers(3);
	is_int(rig.answers[0].status, STORE_OK, "what has begun comes to its end");
	end();
}

int main(void)
{
	pthread_mutex_init(&rig.lock, NULL);
	pthread_cond_init(&rig.changed, NULL);
	in_time();
	too_late();
	unreachable();
	cut();
	return tap_done();
}
