/*
 * holders: the strays of which nothing tells whose they are, and the files of instances that they
 * have open for writing.
 *
 * A daemon that has left its session and cleared its environment still has the output of its dyno,
 * or the lock of the instance. Each of them is looked at once in a snapshot, however many dynos ask
 * for theirs.
 */
#ifndef GRACECTL_HOLDERS_H
#define GRACECTL_HOLDERS_H

#include "procopen.h"
#include "proctree.h"

struct holder {
	struct proc_id id;
	struct procopen_file file;
};

/* All zero: empty. */
struct holders {
	struct holder *items;
	size_t count;
	size_t capacity;
	nsec_t taken; /* the snapshot that was looked at; 0: none */
};

/* Calls found for each stray of that snapshot without a mark that has the file. supervisors are
 * left alone, a list that ends with 0. The first query of the snapshot has been made. */
void holders_each(struct holders *holders, const struct proctree *tree, const pid_t *supervisors,
	struct procopen_file file, void (*found)(void *arg, struct proc_id id), void *arg);

/* Whether that one has a file of any instance. */
bool holders_has(struct holders *holders, const struct proctree *tree, const pid_t *supervisors,
	struct proc_id id);

void holders_release(struct holders *holders);

#endif
