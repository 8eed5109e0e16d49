/*
 * strays: processes that are left, and of which nobody can say whose they are.
 *
 * Who has left his session, lost his parent, cleared his environment and closed the output of his
 * dyno is inherited by us all the same, unless his dyno was adopted. No dyno waits for him and he
 * gets no signal, since he may be anybody's; but he is named, once, when an instance ends and he is
 * there.
 */
#ifndef GRACECTL_STRAYS_H
#define GRACECTL_STRAYS_H

#include <stddef.h>
#include <stdint.h>

#include "proc.h"

struct formation;

/* All zero: nobody was named. */
struct strays {
	struct proc_id *named; /* and live still; owned */
	size_t count;
};

/* That instance of a dyno has ended in this turn, and a snapshot has proved it. */
void strays_tell(
	struct strays *strays, struct formation *formation, const char *dyno, uint64_t launch);

void strays_release(struct strays *strays);

#endif
