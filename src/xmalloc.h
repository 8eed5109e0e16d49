/*
 * xmalloc: allocation that does not fail.
 *
 * A supervisor that has lost track of a dyno because strdup() returned NULL is
 * worse than one that ends: its state is on disk and the next supervisor adopts
 * what runs. So these functions never return NULL; when memory is gone they
 * print one line and abort.
 */
#ifndef GRACECTL_XMALLOC_H
#define GRACECTL_XMALLOC_H

#include <stdarg.h>
#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
/* Grows or shrinks an array of count elements; ptr may be NULL. */
void *xreallocarray(void *ptr, size_t count, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t max);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *fmt, va_list ap) __attribute__((format(printf, 1, 0)));

#endif
