/*
 * worker: a few threads for calls that block, so that the loop never does.
 *
 * A job is a small struct that the caller embeds in its own. run() is called on
 * one of the threads, then done() on the loop's thread; between worker_submit()
 * and done() the job belongs to the worker and nobody else touches it, unless it
 * is taken back before run(). Jobs are
 * begun in the order of their submission; with a single thread they run one after
 * the other, so a job that closes a resource needs only to be submitted last.
 *
 * The queue has no limit of its own: its users submit at most one job for each
 * connection, and the connections are limited.
 */
#ifndef GRACECTL_DEMO_WORKER_H
#define GRACECTL_DEMO_WORKER_H

#include <stdbool.h>
#include <sys/queue.h>

#include "cause.h"

struct ev_loop;
struct worker;

struct worker_job {
	void (*run)(struct worker_job *job);  /* on a thread of the worker; may block */
	void (*done)(struct worker_job *job); /* on the loop's thread; may free the job */
	STAILQ_ENTRY(worker_job) entry;	      /* the worker's */
};

enum {
	WORKER_THREADS_MAX = 16
};

/*
 * Starts 1 to WORKER_THREADS_MAX threads, all signals blocked in them. Returns NULL with a sentence
 * when there are none to be had.
 */
struct worker *worker_new(struct ev_loop *loop, unsigned threads, struct cause *cause);

void worker_submit(struct worker *worker, struct worker_job *job);

/* Takes a job back. Returns false when a thread has begun it: then it is done as usual. */
bool worker_withdraw(struct worker *worker, struct worker_job *job);

/* Joins the threads. Drops nothing: it may only be called when every job has run. */
void worker_free(struct worker *worker);

#endif
