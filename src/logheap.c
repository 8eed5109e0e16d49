/* logheap: see the header. */
#include "logheap.h"

#include <stdlib.h>

#include "xmalloc.h"

/* True when a comes before b on the way to the user (backwards: on the way back). The journal comes
 * last at the same time. */
static bool precedes(
	const struct logheap *heap, const struct logsource *a, const struct logsource *b)
{
	if (a->key != b->key)
		return (a->key < b->key) != heap->latest_first;
	return heap->latest_first ? a->dyno == NULL && b->dyno != NULL
				  : b->dyno == NULL && a->dyno != NULL;
}

static void swap(struct logheap *heap, size_t i, size_t j)
{
	struct logsource *source = heap->items[i];

	heap->items[i] = heap->items[j];
	heap->items[j] = source;
}

void logheap_push(struct logheap *heap, struct logsource *source)
{
	size_t i = heap->count++;

	if (heap->count > heap->room) {
		heap->room = heap->room == 0 ? 16 : 2 * heap->room;
		heap->items = xreallocarray(heap->items, heap->room, sizeof(struct logsource *));
	}
	heap->items[i] = source;
	source->queued = true;
	for (; i > 0 && precedes(heap, heap->items[i], heap->items[(i - 1) / 2]); i = (i - 1) / 2)
		swap(heap, i, (i - 1) / 2);
}

struct logsource *logheap_top(const struct logheap *heap)
{
	return heap->count > 0 ? heap->items[0] : NULL;
}

void logheap_sink(struct logheap *heap)
{
	for (size_t i = 0;;) {
		size_t first = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
			if (precedes(heap, heap->items[child], heap->items[first]))
				first = child;
		if (first == i)
			return;
		swap(heap, i, first);
		i = first;
	}
}

void logheap_pop(struct logheap *heap)
{
	heap->items[0]->queued = false;
	heap->items[0] = heap->items[--heap->count];
	logheap_sink(heap);
}

void logheap_release(struct logheap *heap)
{
	free(heap->items);
	*heap = (struct logheap){0};
}
