/*
 * launch: what a runner does until its instance is ready.
 *
 * A port is drawn, the output prepared, the process started; its child reports whether the command
 * could be executed, and the probe tells when it is ready. What goes wrong on the way becomes a
 * failure of the instance, which its owner hears of like of any other end.
 */
#ifndef GRACECTL_LAUNCH_H
#define GRACECTL_LAUNCH_H

#include <stdint.h>

#include "cause.h"

struct app;
struct runner;

/* Everything that a launch needs, in order. What was made is undone by runner_free(). Returns 0, or
 * -1 with a sentence. */
int launch_start(struct runner *runner, unsigned number, struct cause *cause);

/* Publishes the event of the launch, or of its failure. */
void launch_tell(struct runner *runner);
void launch_tell_failed(struct runner *runner);

/* Reads what the child had to say about its exec; silence and the end of the pipe mean that it
 * worked. To be called at any time. */
void launch_hear(struct runner *runner);

/* Of an adopted one: takes the same from its record, if its supervisor died before it heard it. */
void launch_learn_failure(struct runner *runner);

/* Begins to look for its readiness, once the probe is prepared. */
void launch_await_ready(struct runner *runner);

/* Opens the FIFO of that name and has the guard hold it too. Returns 0, or -1 with errno. */
int launch_open_output(struct runner *runner, const char *fifo);

/* Removes the files of an instance that has ended, and lets go of the socket on which it was to say
 * that it is ready. */
void launch_remove_files(struct app *app, const char *dyno, uint64_t launch);

#endif
