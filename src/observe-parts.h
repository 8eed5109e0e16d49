/*
 * observe-parts: what the files of observe share. observe.c begins and ends an observation and
 * looks when it is time, observe-news.c hears what the kernel tells, observe-look.c finds out what
 * is open, observe-glance.c whether that is still so, observe-ask.c which connections were left at
 * the release, observe-found.c heeds processes that are found later, observe-unix.c does it for
 * Unix sockets, observe-ports.c finds out where the dyno listens and what need not be seen for
 * that, observe-close.c how a socket was closed and which phase that ended, observe-answers.c what
 * had been said on it, observe-lines.c writes the lines of the log.
 */
#ifndef GRACECTL_OBSERVE_PARTS_H
#define GRACECTL_OBSERVE_PARTS_H

#include "event.h"
#include "observe.h"
#include "procsock.h"

nsec_t observe_elapsed(const struct observer *observer);

/* The kernel tells of a close some time after it: as a rule 0.1 ms, on a busy machine 10. */
#define NEWS_DELAY (50 * NSEC_PER_MSEC)

#define LOOK_INTERVAL NSEC_PER_SEC

/* What comes so long after the signal is late. */
#define LATE_AFTER NSEC_PER_SEC

/* ---- observe-news.c ---- */

/* Reads what the kernel has told since; for all who observe. owner: the app. */
void observe_read_news(void *owner);

/* Whether a connection was found closed of which the news are on their way. */
bool observe_has_untold(const struct observer *observer);

/* Waits for these, a moment at most. */
void observe_await_news(struct observer *observer);

/* ---- observe-close.c ---- */

/* How many of these are open now. */
unsigned observe_count(const struct observer *observer, enum socktable_role role);

/* Takes a socket out of the open ones; observe_settle() says how it was closed. */
void observe_close(struct observer *observer, struct socktable_row *row);

/* The process that alone has it open, as far as is known, or NULL. */
struct procwatch_item *observe_owner(struct observer *observer, const struct socktable_row *row);

/* Whether that has ended some time ago, so that somebody else must have it. */
bool observe_is_orphan(struct observer *observer, const struct socktable_row *row);

/* What was said on an inbound connection that was found closed is known now: observe_settle()
 * weighs it, too. */
void observe_learn(struct observer *observer, struct socktable_row *row);

/* There is an outbound connection again: whatever was released before was not all. */
void observe_take_back(struct observer *observer);

/* A listener that seemed to be closed is not: nor is what came after that over. */
void observe_take_back_shut(struct observer *observer);

/* Finds out how those were closed that were closed since, and which phases that ended. To be called
 * when all news that are there have been read. */
void observe_settle(struct observer *observer);

/* What was open at a signal that ended its process at once was closed by that. To be called in the
 * end, when it is known how each process ended. */
void observe_count_struck(struct observer *observer);

/* ---- observe-answers.c ---- */

/* Whether who has come since the last look is late. */
bool observe_is_late(const struct observer *observer);

/* An inbound connection has come since the last look. */
void observe_arrival(struct observer *observer, bool is_accepted);

/* Whether a listener was closed so short a time ago that news from before may be on their way. */
bool observe_is_just_shut(const struct observer *observer);

/* Whether a connection may have come to us by now of which nobody knew. */
bool observe_may_come(const struct observer *observer);

/* An inbound connection was broken off, as those that wait are when their listener is closed or
 * shut down. Of the latter the kernel does not tell, so observe_settle() asks for it. */
void observe_drop(struct observer *observer);

/* A listener was closed. */
void observe_shut(struct observer *observer);

/* An inbound connection was closed; at_end: while its process was ending. */
void observe_weigh(struct observer *observer, const struct socktable_row *row, bool at_end);

/* ---- observe-ports.c ---- */

/* Whether it is a port of ours; shared: others listen there, too. */
bool observe_is_port(const struct observer *observer, uint16_t port, bool *shared);

/* Whether others listen on one of our ports, too. */
bool observe_shares_port(const struct observer *observer);

/* False when there are too many. */
bool observe_add_port(struct observer *observer, uint16_t port);
void observe_share_port(struct observer *observer, uint16_t port);

/* Which ports there are is known: finds out whether there is one by which the dyno is known. What
 * else listens, listens beside it. */
void observe_choose_door(struct observer *observer);

/* The roles of what is on a port of ours. */
enum socktable_role observe_listener_role(const struct observer *observer, uint16_t port);
enum socktable_role observe_inbound_role(const struct observer *observer, uint16_t port);

/* "9090, 9229"; when there is no room for all: "9090, 9229 and 70 more". */
void observe_list_other_ports(const struct observer *observer, char text[static OBSERVE_BESIDE]);

/* Lets the kernel's table come, without what need not be seen; closely: with what was said on each
 * connection. False when it does not. */
bool observe_dump(struct observer *observer, bool closely);

/* Nor need one who observes alone hear of the closes of that. Whoever begins to observe hears of
 * all again. */
void observe_spare_news(struct observer *observer);

/* ---- observe-look.c ---- */

/* Looks at everything; closely: and learns what had been said on those that were closed. Returns
 * false when not everything may be seen. */
bool observe_look(struct observer *observer, bool closely);

/* One look. */
struct look {
	struct observer *observer;
	struct procsock_list owned; /* by our processes, once it has scanned */
	bool is_first;
	bool has_scanned;
	bool is_complete;   /* everything could be seen */
	bool has_strangers; /* somebody was there whom the crowd did not have */
};

/* Something could not be seen. */
void look_miss(struct look *look, enum observe_unseen why);

/* Finds out what our processes have open, once in a look. */
void look_scan(struct look *look);

/* Fills in who has that socket open. False when none of ours has. */
bool look_find_owner(const struct look *look, struct socktable_row *row);

void look_add(struct look *look, struct socktable_row *row, enum socktable_role role);

/* Brings one that we know up to date. True when it must be found out whose it is. */
bool observe_refresh(
	struct observer *observer, struct socktable_row *row, const struct netsock *sock);

/* It was closed without our hearing of it; the news may be on their way. */
void observe_close_untold(struct observer *observer, struct socktable_row *row);

/* ---- observe-glance.c ---- */

/* Looks whether our processes still have their listeners and Unix sockets open, and the listeners
 * still listen. True when something was closed. */
bool observe_glance(struct observer *observer);

/* The same for TCP listeners only. */
bool observe_check_listeners(struct observer *observer);

/* Whether it listened when somebody asked in this turn; all who ask share one answer. */
bool observe_listens(struct observer *observer, const struct netsock *sock);

/* Marks the TCP listeners that are not where they were. Returns whether there is one. */
bool observe_mark_missed(struct observer *observer);

/* ---- observe-ask.c ---- */

/* Finds out which inbound connections a program still has open, and what has been said on them, by
 * asking for each, and which listeners; for few that is cheaper than a look. False when a look is
 * needed. */
bool observe_ask_inbound(struct observer *observer);

/* ---- observe-found.c ---- */

/* Processes were found that belong to the dyno as well: a listener that only others seemed to have
 * may be theirs, and then it was never closed. */
void observe_reclaim(struct observer *observer);

/* ---- observe-unix.c ---- */

/* Adds the Unix sockets of our processes: in the first look all that are doors of the dyno or
 * connections; later those that have come to a door since. Where the kernel does not tell of Unix
 * sockets, whoever has sockets of which it does not tell is not seen in whole. */
void observe_find_unix(struct look *look);

/* The same for a look at nothing else. */
void observe_find_callers(struct observer *observer);

/* ---- observe-lines.c ---- */

void observe_say_open(struct observer *observer);
void observe_say_phase(
	struct observer *observer, enum event_kind kind, nsec_t after, unsigned count);
void observe_say_lost(struct observer *observer);
void observe_say_end(struct observer *observer, const struct procwatch_item *item, nsec_t after);

/* Of the outbound connections, see peers.h. */
void observe_list_peers(const struct observer *observer, unsigned shown, char *text, size_t size);

#endif
