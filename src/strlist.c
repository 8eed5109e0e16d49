/* strlist: see the header. */
#include "strlist.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* There is room for a power of two, and only what reaches one makes it larger. */
void strlist_take(struct strlist *list, char *s)
{
	size_t used = list->count + 1; /* the NULL counts */

	if ((used & (used - 1)) == 0)
		list->items = xreallocarray(list->items, 2 * used, sizeof *list->items);
	list->items[list->count++] = s;
	list->items[list->count] = NULL;
}

void strlist_add(struct strlist *list, const char *s)
{
	strlist_take(list, xstrdup(s));
}

void strlist_addf(struct strlist *list, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strlist_take(list, xvasprintf(fmt, ap));
	va_end(ap);
}

bool strlist_has(const struct strlist *list, const char *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], s) == 0)
			return true;
	return false;
}

/* The place of the entry NAME=..., or count. */
static size_t find_env(const struct strlist *list, const char *name)
{
	size_t len = strlen(name);
	size_t i = 0;

	while (i < list->count &&
		(strncmp(list->items[i], name, len) != 0 || list->items[i][len] != '='))
		i++;
	return i;
}

void strlist_setenv(struct strlist *list, const char *name, const char *value)
{
	char *entry = xasprintf("%s=%s", name, value);
	size_t i = find_env(list, name);

	if (i == list->count) {
		strlist_take(list, entry);
		return;
	}
	free(list->items[i]);
	list->items[i] = entry;
}

const char *strlist_getenv(const struct strlist *list, const char *name)
{
	size_t i = find_env(list, name);

	return i < list->count ? list->items[i] + strlen(name) + 1 : NULL;
}

void strlist_copy(struct strlist *to, const struct strlist *from)
{
	for (size_t i = 0; i < from->count; i++)
		strlist_add(to, from->items[i]);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort_unique(struct strlist *list)
{
	size_t kept = 1;

	if (list->count < 2)
		return;
	qsort(list->items, list->count, sizeof *list->items, compare);
	for (size_t i = 1; i < list->count; i++)
		if (strcmp(list->items[i], list->items[kept - 1]) != 0)
			list->items[kept++] = list->items[i];
		else
			free(list->items[i]);
	list->items[kept] = NULL;
	list->count = kept;
}

void strlist_release(struct strlist *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = STRLIST_INIT;
}
