/*
 * observe: a stop as it is seen from outside, without the help of the application.
 *
 *     signalled -> not accepting (its listeners are closed)
 *               -> drained (no inbound connection is left)
 *               -> released (no outbound connection is left) -> exited
 *
 * Just before the first signal the sockets of the dyno's processes are found: their inodes in
 * /proc/PID/fd, joined with the kernel's tables. Then the kernel tells of each close of a TCP
 * socket; a look once a second, or as often as one percent of a CPU allows, finds what is new, and
 * what the news may have missed. A listener that is shut down and kept open is no news: those are
 * asked for four times a second at first, then once a second, and when who waits is broken off. Of
 * Unix sockets there are no news, so each of them is looked at ten times a second at first, and
 * then once a second; what is new to a Unix listener is looked for once a second, and when it is
 * closed. Where the kernel refuses to tell news, looks must do for everything.
 *
 * What cannot be seen is not claimed:
 *
 * - Connections are counted, not requests. What had been said on one is known from its close, and
 *   as a rule from a look that finds it closed.
 * - A port on which others listen too (SO_REUSEPORT, or an inherited listener that somebody outside
 *   of the dyno has as well): only connections count that a process of ours has open. A listener
 *   that only others still have is not ours any more. What somebody outside accepts from our own
 *   listener is told apart by a look, and not if it comes and goes between two.
 * - A connection of a dyno with itself is an inbound one only.
 * - A dyno that listens on its $PORT, or has connections there, is known by that port: what it has
 *   at others, for metrics or debuggers, is counted apart.
 * - A close that is heard of while its process is ending may have been the program's or the
 *   kernel's: see stopreport.h.
 * - A new connection to a Unix listener that is closed before the next look.
 * - A new connection that a process gets from somebody else over a Unix socket is not looked for.
 */
#ifndef GRACECTL_OBSERVE_H
#define GRACECTL_OBSERVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "app.h"
#include "netcounts.h"
#include "netsock.h"
#include "netunix.h"
#include "procwatch.h"
#include "socktable.h"
#include "stophistory.h"
#include "timers.h"
#include "tree.h"

enum {
	OBSERVE_PORTS = 256, /* who listens on more is not observed */
	OBSERVE_PEERS = 512,
	OBSERVE_PEERS_SHOWN = 32, /* of these, as far as there is room */
	OBSERVE_LEFT = 256,
	OBSERVE_BESIDE = 64
};

/* How closes are learnt. */
enum observe_watched {
	OBSERVE_UNKNOWN, /* not at all */
	OBSERVE_LOOKS,	 /* by a look now and then, so the times are coarse */
	OBSERVE_EVENTS,	 /* the kernel tells of each */
};

/* Why nothing can be seen. */
enum observe_unseen {
	UNSEEN_UNKNOWN,
	UNSEEN_KERNEL,	  /* it does not tell of sockets */
	UNSEEN_UNIX,	  /* it does not tell of Unix sockets, and there are some */
	UNSEEN_PROCESS,	  /* one may not be looked at, or has too much open */
	UNSEEN_ELSEWHERE, /* the sockets are in another network namespace */
	UNSEEN_PORTS,	  /* it listens on more than OBSERVE_PORTS */
	UNSEENS
};

/* What was seen of a stop. Times are since the first signal; -1: did not happen, or could not be
 * seen. */
struct observe_report {
	unsigned processes; /* told by the first signal */
	enum observe_watched watched;
	bool visible;	    /* false: not everything could be seen, so nothing is told */
	unsigned unseen;    /* enum observe_unseen: why not */
	unsigned listeners; /* open at the signal */
	unsigned inbound;   /* accepted or waiting to be accepted at the signal */
	unsigned outbound;  /* open at the signal */
	unsigned beside;    /* inbound connections at other ports, which count nowhere else */
	unsigned accepted;  /* inbound connections that came after the signal */
	unsigned late;	    /* of these more than a second after it, and accepted */
	unsigned reset;	 /* inbound connections that still waited when their listener was closed */
	unsigned waited; /* the same at a Unix listener, or accepted and closed just before */
	unsigned in_at_exit;   /* inbound connections closed while their process was ending */
	unsigned out_at_exit;  /* outbound ones */
	unsigned cut;	       /* of in_at_exit those that surely were open at its end */
	unsigned leaked;       /* of out_at_exit likewise */
	unsigned unanswered;   /* inbound connections closed after something had come, and without a
				  byte of answer */
	unsigned last_words;   /* others on which the client had spoken last, closed while their
				  process was ending */
	unsigned inbound_then; /* inbound connections of its process that were open when the last
				  outbound one was closed */
	unsigned owed_then;    /* of these, as is known when they close: had no answer yet */
	unsigned used_then;    /* others: were used afterwards */
	bool order_wrong;      /* there are such, and it surely was the last one */
	nsec_t not_accepting;
	nsec_t drained;
	nsec_t released;
	char peers[OBSERVE_PEERS];	  /* of the outbound connections, see peers.h */
	char other_ports[OBSERVE_BESIDE]; /* where it listens besides: "9090, 9229" */
	char left[OBSERVE_LEFT];	  /* before SIGKILL: "1234 (node), 1240 (sh)" */
	bool interrupted; /* for a while nobody watched: what happened then has the time at which it
			     was found */
	bool is_end_unseen;	    /* and then nobody was left */
	struct stophistory history; /* without a signal: nothing was observed at all */
};

/* What it is doing now. */
struct observe_now {
	const char *phase; /* "accepting", "draining", "releasing" or "ending" */
	unsigned listeners, inbound, outbound; /* open now */
};

/* Whom to observe. What it points at must live as long as the observer. */
struct observe_subject {
	struct tree *tree;
	const char *dyno;
	uint64_t launch;
	uint16_t port; /* the dyno's $PORT; 0: it has none */
};

struct observer {
	struct app *app; /* NULL: not observing */
	struct observe_subject subject;
	nsec_t began; /* monotonic: the first signal */
	struct procwatch processes;
	struct socktable table;
	struct crowd
		*crowd; /* in the last look: who is in it and not in the table is none of ours */
	uint16_t ports[OBSERVE_PORTS]; /* on which it listened */
	bool is_shared[OBSERVE_PORTS]; /* others listen there, too */
	size_t port_count;
	uint16_t door;		    /* the one whose listeners and connections count; 0: all do */
	struct netunix *unix_doors; /* its Unix listeners, also when they are closed, where there
				  were no others */
	size_t unix_door_count;

	struct timer look;
	nsec_t due;		 /* monotonic: an earlier look would cost too much */
	unsigned looks;		 /* how many there were */
	nsec_t looked;		 /* since the first signal: the last of them */
	struct netcounts counts; /* at its beginning */
	bool is_shut;	   /* the last listener is closed, and who came before that is known */
	bool may_miss;	   /* some of these may have gone before they were seen */
	struct timer wait; /* for the news of these */
	nsec_t emptied; /* since the first signal: when no inbound connection was left, as far as is
			   known; -1: one is */
	unsigned quiet; /* how many were not needed since */
	nsec_t stroke;	/* when an outbound one was closed last, since the signal */
	unsigned stroke_count; /* how many were, in one stroke with that */
	bool is_unsaid[ROLES]; /* that the last one is closed is to be said yet */
	unsigned given_up;     /* outbound ones that were closed since it was said last */
	bool is_deaf;	       /* some news were lost: what was not told may never be */
	bool must_look;	       /* the next one is needed, whatever the counts say */
	struct timer inherit;  /* a look for who has what a process had that has ended */
	bool seeks_heirs;      /* that look is being made */
	struct timer glance;   /* at listeners and Unix sockets */
	bool has_unix;

	/* Closed sockets of which it is not known yet how. */
	struct socktable_row *closing;
	size_t closing_count, closing_capacity;
	unsigned settlements;
	unsigned dropped; /* connections that were broken off lately, perhaps with their listener */
	nsec_t last_drop; /* since the first signal, the last of them */
	bool has_dropped; /* one was since the listeners were checked */
	nsec_t shut;	  /* the last close of a listener; -1: none */
	struct netsock last_outbound; /* the one that was closed last */
	bool is_unsure;		      /* whether it really was the last one, nobody knows */
	bool has_releaser;
	struct procwatch_item *releaser; /* the process that closed the last outbound connections;
					    NULL: several, or not known */
	bool is_killed;			 /* SIGKILL was sent */
	nsec_t died[ROLES]; /* monotonic, 0: never: when the death of a process closed such a socket
			       last, */
	nsec_t closed[ROLES]; /* and when a program did */
	struct observe_report report;
	/* Told when a phase is reached; NULL: nobody. */
	void (*reached)(void *owner);
	void *owner;
	TAILQ_ENTRY(observer) link;
};

/* What stands in the record of an instance, for the supervisor that comes next. */
struct observe_kept {
	nsec_t began; /* monotonic */
	uint16_t ports[OBSERVE_PORTS];
	size_t port_count;
	struct observe_report report;
};

/* To be called just before the first signal. */
void observe_begin(
	struct observer *observer, struct app *app, const struct observe_subject *subject);

/* Goes on with what another supervisor began; main_lives: the main process is still there. */
void observe_resume(struct observer *observer, struct app *app,
	const struct observe_subject *subject, const struct observe_kept *kept, bool main_lives);

/* To be called just before each signal: what is open at SIGKILL is known only then. */
void observe_before(struct observer *observer, int signo);

/* To be called after each signal that was sent, to all or to the main process only, with the number
 * of processes that got it. All times count from the first one. */
void observe_signal(struct observer *observer, int signo, bool all, unsigned count);

/* To be called after the last signal was sent once more, to so many who had not got it: they were
 * found only now. */
void observe_signal_new(struct observer *observer, int signo, unsigned count);

/* What is open now. False when nothing is observed, or nothing can be seen. */
bool observe_now(const struct observer *observer, struct observe_now *now);

/* The last process is gone: what is still counted as open was closed by that. Ends the observation;
 * the report stays. exit: of the main process. */
void observe_end(struct observer *observer, const struct proc_exit *exit);

/* Ends it without a last look, at any time, more than once if need be. */
void observe_stop(struct observer *observer);

#endif
