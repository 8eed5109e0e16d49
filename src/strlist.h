/*
 * strlist: a list of strings that it owns, ending with a NULL so that items can
 * be handed to execve() as it is.
 */
#ifndef GRACECTL_STRLIST_H
#define GRACECTL_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

struct strlist {
	char **items; /* count strings and a NULL; NULL when nothing was ever added */
	size_t count;
};

#define STRLIST_INIT ((struct strlist){0})

void strlist_add(struct strlist *list, const char *s);
void strlist_addf(struct strlist *list, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Takes ownership of a string from malloc(). */
void strlist_take(struct strlist *list, char *s);

bool strlist_has(const struct strlist *list, const char *s);

/* Sets NAME=value in a list of environment entries: replaces the entry of that name, or adds one.
 */
void strlist_setenv(struct strlist *list, const char *name, const char *value);

/* The value of NAME in a list of environment entries, or NULL. */
const char *strlist_getenv(const struct strlist *list, const char *name);

void strlist_copy(struct strlist *to, const struct strlist *from);

/* Sorts it, and keeps one of those that are equal. */
void strlist_sort_unique(struct strlist *list);

void strlist_release(struct strlist *list);

#endif
