/*
 * tree: the processes of one instance, as far as they are known.
 *
 * The main process is known from its launch. The others are found in a snapshot (see proctree.h)
 * each time somebody asks, and once found they are remembered, so that one which later leaves the
 * session and loses its parent still belongs.
 */
#ifndef GRACECTL_TREE_H
#define GRACECTL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "app.h"
#include "buf.h"
#include "proc.h"

struct tree {
	struct app *app;
	struct proc_id main;   /* pid 0: there never was one */
	bool main_is_child;    /* our own child, not reaped yet: its pid is surely its own */
	char *mark;	       /* see PROCTREE_MARK; owned */
	struct proc_id *known; /* members seen so far, without main; owned */
	bool *told;	       /* beside each: it has got the last signal; owned */
	size_t known_count;
	uint64_t signalled; /* when all were signalled last, in ticks since boot as start times are
			     */
};

/* How many processes there are, dead ones that nobody has reaped included. */
size_t tree_count(struct tree *tree);

/* Whether it is sure that nobody is left whom a look can find. Else look again. */
bool tree_is_empty(struct tree *tree);

/* True when nobody is there, but one who could not be looked at now may turn out to be. */
bool tree_is_unsure(struct tree *tree);

/*
 * Signals every living member, the main process first. Returns how many got it. With only_new it is
 * a second look, for those that have not got it: who was forked before the signal but is found only
 * now, and, once the main process has ended, everybody else. What a living main process starts in
 * answer to the signal is its clean-up, and is left alone.
 */
unsigned tree_signal(struct tree *tree, int signo, bool only_new, bool main_ended);

/* Whether that one, not the main process, has got the last signal. */
bool tree_was_told(const struct tree *tree, struct proc_id id);

/* Signals the main process. */
bool tree_signal_main(struct tree *tree, int signo);

/* Counts the living members and appends "123 (name), 124 (name)" of a few. */
unsigned tree_survey(struct tree *tree, struct buf *names);

/* Counts the living members that may be signalled, and names a few of them as above; and a few of
 * the others in refused, which stays as it is when there are none. */
unsigned tree_reach(struct tree *tree, struct buf *names, char *refused, size_t size);

/* Takes over a list of members that another supervisor had seen. */
void tree_take_known(struct tree *tree, struct proc_id *known, size_t count);

/* Finds processes anywhere that can write to a file of that name (see procopen.h), and makes them
 * belong. name NULL: only orphans of which nothing else tells whose they are (see holders.h). */
void tree_find_writers(struct tree *tree, const char *name, struct procopen_file file);

/* Whether the socket of that inode belongs to one of them: 1 yes, 0 no, -1 some cannot be looked
 * at. */
int tree_owns_socket(struct tree *tree, uint32_t inode);

/* Calls found for each of them that lives: the main process first, then the oldest. */
void tree_each(
	struct tree *tree, void (*found)(void *arg, const struct proc_stat *stat), void *arg);

void tree_release(struct tree *tree);

#endif
