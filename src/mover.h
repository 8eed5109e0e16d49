/*
 * mover: takes an instance's output out of its FIFO as long as there is any.
 *
 * A quiet log is moved the moment it is written; while output is pouring the mover pauses between
 * batches as segment_pause() says.
 */
#ifndef GRACECTL_MOVER_H
#define GRACECTL_MOVER_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"
#include "segment.h"

struct mover {
	struct app *app;
	ev_io io;
	ev_timer pause;
	int fifo;		 /* read end, -1 when the output has ended */
	struct segment *segment; /* NULL when the output has ended */
	const char *dyno;
	uint64_t launch;
	uint64_t dropped; /* bytes dropped since the last event about it */
	int drop_error;	  /* errno of it */
};

/*
 * Opens the FIFO (a name below the run directory) and begins to move. dyno must live as long as the
 * mover. Returns 0, or -1 with errno.
 */
int mover_start(struct mover *mover, struct app *app, const char *fifo, const char *dyno,
	uint64_t launch, struct segment_limits limits);

/* Moves what is there now, at most a few batches. True when the output has ended. */
bool mover_drain(struct mover *mover);

/* Gives up: closes without reading on. */
void mover_stop(struct mover *mover);

#endif
