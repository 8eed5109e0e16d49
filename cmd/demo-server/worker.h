/*
 * worker: one thread for calls that block, so that the loop never does.
 *
 * A job is a small struct that the caller embeds in its own. run() is called on
 * the worker's thread, then done() on the loop's thread; between worker_submit()
 * and done() the job belongs to the worker and nobody else touches it. Jobs run
 * one after the other in the order of their submission, so a job that closes a
 * resource needs only to be submitted last.
 *
 * The queue has no limit of its own: its users submit at most one job for each
 * connection, and the connections are limited.
 */
#ifndef GRACECTL_DEMO_WORKER_H
#define GRACECTL_DEMO_WORKER_H

#include <sys/queue.h>

#include "cause.h"

struct ev_loop;
struct worker;

struct worker_job {
	void (*run)(struct worker_job *job);  /* on the worker's thread; may block */
	void (*done)(struct worker_job *job); /* on the loop's thread; may free the job */
	STAILQ_ENTRY(worker_job) entry;	      /* the worker's */
};

/* Starts the thread, all signals blocked in it. Returns NULL with a sentence when there is none. */
struct worker *worker_new(struct ev_loop *loop, struct cause *cause);

void worker_submit(struct worker *worker, struct worker_job *job);

/* Waits for the job that runs, drops nothing: it may only be called when every job is done. */
void worker_free(struct worker *worker);

#endif
