/* pieces: see the header. */
#include "pieces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmalloc.h"

const char *piece_name(
	char name[static PIECE_NAME], const char *dyno, struct piece piece, const char *suffix)
{
	snprintf(name, PIECE_NAME, "%s/%" PRIu64 ".%" PRIu64 ".%s", dyno, piece.launch,
		piece.number, suffix);
	return name;
}

/* Reads a number as we write it: digits only, no leading zero. Returns what follows, or NULL. */
static const char *read_number(const char *s, uint64_t *out)
{
	char *end;

	if (*s < '1' || *s > '9')
		return NULL;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return errno == 0 ? end : NULL;
}

bool piece_parse(const char *name, const char *suffix, struct piece *out)
{
	const char *at = read_number(name, &out->launch);
	if (at == NULL || *at != '.')
		return false;
	at = read_number(at + 1, &out->number);
	return at != NULL && *at == '.' && strcmp(at + 1, suffix) == 0;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->launch != y->launch)
		return x->launch < y->launch ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void collect(DIR *dir, struct pieces *out)
{
	size_t room = 0;

	for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct piece piece;
		if (!piece_parse(entry->d_name, "log", &piece))
			continue;
		if (out->count == room) {
			room = room == 0 ? 8 : 2 * room;
			out->items = xreallocarray(out->items, room, sizeof *out->items);
		}
		out->items[out->count++] = piece;
	}
}

int pieces_list(int logdir, const char *dyno, struct pieces *out)
{
	*out = PIECES_INIT;
	int fd = openat(logdir, dyno, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -1;
	}
	collect(dir, out);
	closedir(dir);
	if (out->count > 1)
		qsort(out->items, out->count, sizeof *out->items, compare_pieces);
	return 0;
}

void pieces_release(struct pieces *pieces)
{
	free(pieces->items);
	*pieces = PIECES_INIT;
}

bool dyno_name_is_valid(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL &&
	       strlen(name) <= NAME_MAX;
}
