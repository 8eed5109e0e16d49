/* suggest: see the header. */
#include "suggest.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum {
	WORD_MAX = 64,	/* longer words are not compared: the cost grows with the square */
	PREFIX_MIN = 3, /* so many letters of an unfinished word are a hint */
};

static int min3(int a, int b, int c)
{
	int least = a < b ? a : b;

	return least < c ? least : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * The edit distance with swapped neighbours as one step (optimal string alignment). Three rows
 * of the matrix are enough: a swap looks back two rows.
 */
static int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int rows[3][WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= a_len; i++) {
		int *row = rows[i % 3];
		const int *above = rows[(i + 2) % 3];
		const int *above2 = rows[(i + 1) % 3];

		row[0] = (int)i;
		for (size_t j = 1; j <= b_len; j++) {
			int change = above[j - 1] + !same(a[i - 1], b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
				same(a[i - 2], b[j - 1]) && above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[a_len % 3][b_len];
}

/* How many slips are believed in a word of that length. */
static int slips(size_t len)
{
	return len < 2 ? 0 : len < 4 ? 1 : len < 7 ? 2 : 3;
}

static int rate(const char *word, size_t len, const char *candidate)
{
	size_t candidate_len = strlen(candidate);

	if (candidate_len > WORD_MAX)
		return INT_MAX;
	if (len >= PREFIX_MIN && strncasecmp(word, candidate, len) == 0)
		return candidate_len > len;
	int steps = distance(word, len, candidate, candidate_len);
	return steps <= slips(len) ? steps : INT_MAX;
}

const char *suggest_closest_in(
	const char *word, const void *table, size_t count, size_t element_size)
{
	size_t len = strlen(word);
	const char *best = NULL;
	int best_rate = INT_MAX;

	if (len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *candidate;

		memcpy(&candidate, (const char *)table + i * element_size, sizeof candidate);
		int found = candidate != NULL ? rate(word, len, candidate) : INT_MAX;
		if (found < best_rate) {
			best_rate = found;
			best = candidate;
		}
	}
	return best;
}

static const char *closest_type(const char *target, const char *const *types, size_t count)
{
	char type[WORD_MAX + 1];
	size_t len = strcspn(target, ".");

	if (len > WORD_MAX)
		return NULL;
	memcpy(type, target, len);
	type[len] = '\0';
	for (size_t i = 0; i < count; i++)
		if (strcmp(types[i], type) == 0)
			return NULL;
	return suggest_closest(type, types, count);
}

void suggest_add_target(struct buf *out, const char *target, const char *const *types, size_t count)
{
	const char *meant = closest_type(target, types, count);

	buf_addf(out, "\"%s\"", target);
	if (meant != NULL)
		buf_addf(out, " (did you mean \"%s\"?)", meant);
}

const char *suggest_closest(const char *word, const char *const *candidates, size_t count)
{
	return suggest_closest_in(word, candidates, count, sizeof *candidates);
}
