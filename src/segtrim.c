/* segtrim: see the header. */
#include "segtrim.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "segment.h"
#include "xmalloc.h"

static const char *const suffixes[] = {"log", "idx"};

static uint64_t weigh(int logdir, const char *dyno, struct piece piece)
{
	char name[PIECE_NAME];
	struct stat st;
	uint64_t bytes = 0;

	for (size_t i = 0; i < 2; i++)
		if (fstatat(logdir, piece_name(name, dyno, piece, suffixes[i]), &st,
			    AT_SYMLINK_NOFOLLOW) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes < SEGTRIM_LEAST ? SEGTRIM_LEAST : bytes;
}

/* The index goes first: a log without index can still be read, an index without log is an orphan.
 */
static int remove_piece(int logdir, const char *dyno, struct piece piece)
{
	char name[PIECE_NAME];

	unlinkat(logdir, piece_name(name, dyno, piece, "idx"), 0);
	return unlinkat(logdir, piece_name(name, dyno, piece, "log"), 0);
}

static bool same(struct piece a, struct piece b)
{
	return a.launch == b.launch && a.number == b.number;
}

uint64_t segtrim(int logdir, const char *dyno, struct piece current, uint64_t budget, size_t most)
{
	struct pieces pieces;
	uint64_t total = 0, left = 0;

	if (pieces_list(logdir, dyno, &pieces) < 0 || pieces.count == 0)
		return 0;
	uint64_t *weights = xcalloc(pieces.count, sizeof *weights);
	for (size_t i = 0; i < pieces.count; i++) {
		if (!same(pieces.items[i], current))
			weights[i] = weigh(logdir, dyno, pieces.items[i]);
		total += weights[i];
	}
	size_t count = pieces.count;
	for (size_t i = 0; i + 1 < pieces.count; i++) {
		if (same(pieces.items[i], current))
			continue;
		if (total <= budget && count <= most) {
			left += weights[i];
		} else if (remove_piece(logdir, dyno, pieces.items[i]) == 0) {
			total -= weights[i];
			count--;
		}
	}
	free(weights);
	pieces_release(&pieces);
	return left;
}
