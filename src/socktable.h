/*
 * socktable: the sockets that an observed stop knows of, by their cookies.
 *
 * Finding, adding and removing one takes the same time whatever their number.
 */
#ifndef GRACECTL_SOCKTABLE_H
#define GRACECTL_SOCKTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cookiemap.h"
#include "netsock.h"

enum socktable_role {
	ROLE_OTHER, /* known, and none of ours, or not any more */
	ROLE_LISTENER,
	ROLE_INBOUND,
	ROLE_OUTBOUND,
	ROLE_SIDE_LISTENER, /* beside the port by which the dyno is known */
	ROLE_SIDE,	    /* an inbound connection there */
	ROLES
};

struct socktable_row {
	struct netsock sock; /* family AF_UNIX: a Unix socket; only cookie and inode count */
	enum socktable_role role;
	pid_t owner;	  /* a process that has it open; 0: not known, or not accepted yet */
	int fd;		  /* there */
	bool shared;	  /* the owner is not the only process of ours that has it open */
	bool doomed;	  /* it was open when its process was surely past doing anything about it */
	bool is_missed;	  /* it was not where it was the last time */
	bool is_doubtful; /* on a port of ours, and none of our processes had it when it was found
			   */
	bool is_late; /* it came when the listener should have been closed, and waits to be accepted
		       */
	bool at_release; /* it was open when the last outbound one of its process was closed */
	struct netsock_talk then; /* what had been said on it when that was asked for last */
	bool was_inbound;	  /* that is over; what was said is still to be told or weighed, */
	bool is_settled;	  /* but not how it was closed: */
	bool was_at_end;	  /* while its process was ending */
	unsigned look;		  /* in which it was seen last */
	nsec_t gone; /* monotonic: not seen since, 0: seen. Its close may still be told */
	char *name;  /* of a Unix socket's peer; owned; NULL */
};

/* All zero: empty. */
struct socktable {
	struct socktable_row *rows; /* in no order */
	size_t count;
	size_t capacity;
	struct cookiemap places;
	unsigned counts[ROLES];
};

/* NULL: there is none. Good until the next change. */
struct socktable_row *socktable_find(const struct socktable *table, uint64_t cookie);

/* Makes room for so many rows, so that to add them one by one costs less. */
void socktable_reserve(struct socktable *table, size_t count);

/* The row's cookie must not be there yet. Takes ownership of its name. */
struct socktable_row *socktable_add(struct socktable *table, const struct socktable_row *row);

/* Another one takes its place in rows, so whoever goes through them goes backwards. */
void socktable_remove(struct socktable *table, struct socktable_row *row);

void socktable_set_role(
	struct socktable *table, struct socktable_row *row, enum socktable_role role);

void socktable_release(struct socktable *table);

#endif
