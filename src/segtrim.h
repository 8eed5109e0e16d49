/*
 * segtrim: how much output of a dyno is kept.
 *
 * Called when a piece begins and when a budget is used up, so a directory of a thousand files may
 * be looked through.
 */
#ifndef GRACECTL_SEGTRIM_H
#define GRACECTL_SEGTRIM_H

#include <stdint.h>

#include "pieces.h"

enum {
	SEGTRIM_LEAST = 4096
}; /* what a piece counts at least */

/*
 * Removes the dyno's oldest pieces until those besides `current` hold no more than budget bytes and
 * number no more than most. The newest piece always stays, be it ours or that of a newer launch.
 * Returns how many bytes are left that could be removed another time.
 */
uint64_t segtrim(int logdir, const char *dyno, struct piece current, uint64_t budget, size_t most);

#endif
