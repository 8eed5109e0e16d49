/* worker: see the header. */
#include "worker.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "xmalloc.h"

STAILQ_HEAD(job_list, worker_job);

struct worker {
	pthread_t threads[WORKER_THREADS_MAX];
	unsigned count;
	pthread_mutex_t lock; /* guards waiting, finished and stopping */
	pthread_cond_t wake;  /* a job waits, or it is time to stop */
	struct job_list waiting;
	struct job_list finished;
	bool stopping;

	struct ev_loop *loop;
	ev_async done_async; /* tells the loop that finished is not empty */
};

/* The next job, or NULL when a thread shall end. */
static struct worker_job *next_job(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	while (STAILQ_EMPTY(&worker->waiting) && !worker->stopping)
		pthread_cond_wait(&worker->wake, &worker->lock);
	struct worker_job *job = STAILQ_FIRST(&worker->waiting);
	if (job != NULL)
		STAILQ_REMOVE_HEAD(&worker->waiting, entry);
	pthread_mutex_unlock(&worker->lock);
	return job;
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;
	struct worker_job *job;

	while ((job = next_job(worker)) != NULL) {
		job->run(job);
		pthread_mutex_lock(&worker->lock);
		STAILQ_INSERT_TAIL(&worker->finished, job, entry);
		pthread_mutex_unlock(&worker->lock);
		ev_async_send(worker->loop, &worker->done_async);
	}
	return NULL;
}

static void done_cb(struct ev_loop *loop, ev_async *watcher, int revents)
{
	struct worker *worker = watcher->data;
	struct job_list finished = STAILQ_HEAD_INITIALIZER(finished);
	(void)loop;
	(void)revents;

	pthread_mutex_lock(&worker->lock);
	STAILQ_CONCAT(&finished, &worker->finished);
	pthread_mutex_unlock(&worker->lock);
	while (!STAILQ_EMPTY(&finished)) {
		struct worker_job *job = STAILQ_FIRST(&finished);
		STAILQ_REMOVE_HEAD(&finished, entry);
		job->done(job);
	}
}

/* A thread inherits the mask of its creator: signals are for the loop's thread alone. */
static int start_threads(struct worker *worker, unsigned count)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (worker->count < count && error == 0) {
		error = pthread_create(&worker->threads[worker->count], NULL, worker_main, worker);
		if (error == 0)
			worker->count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

struct worker *worker_new(struct ev_loop *loop, unsigned threads, struct cause *cause)
{
	struct worker *worker = xcalloc(1, sizeof *worker);

	worker->loop = loop;
	pthread_mutex_init(&worker->lock, NULL);
	pthread_cond_init(&worker->wake, NULL);
	STAILQ_INIT(&worker->waiting);
	STAILQ_INIT(&worker->finished);
	ev_async_init(&worker->done_async, done_cb);
	worker->done_async.data = worker;
	ev_async_start(loop, &worker->done_async);

	int error = start_threads(worker, threads);
	if (error != 0) {
		worker_free(worker);
		errno = error;
		cause_errno(cause, "cannot start the threads of the database");
		return NULL;
	}
	return worker;
}

void worker_submit(struct worker *worker, struct worker_job *job)
{
	pthread_mutex_lock(&worker->lock);
	STAILQ_INSERT_TAIL(&worker->waiting, job, entry);
	pthread_cond_signal(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
}

bool worker_withdraw(struct worker *worker, struct worker_job *job)
{
	struct worker_job *waiting;

	pthread_mutex_lock(&worker->lock);
	STAILQ_FOREACH(waiting, &worker->waiting, entry)
	if (waiting == job)
		break;
	if (waiting != NULL)
		STAILQ_REMOVE(&worker->waiting, job, worker_job, entry);
	pthread_mutex_unlock(&worker->lock);
	return waiting != NULL;
}

void worker_free(struct worker *worker)
{
	pthread_mutex_lock(&worker->lock);
	worker->stopping = true;
	pthread_cond_broadcast(&worker->wake);
	pthread_mutex_unlock(&worker->lock);
	while (worker->count > 0)
		pthread_join(worker->threads[--worker->count], NULL);
	ev_async_stop(worker->loop, &worker->done_async);
	pthread_cond_destroy(&worker->wake);
	pthread_mutex_destroy(&worker->lock);
	free(worker);
}
