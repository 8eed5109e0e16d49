/* livescreen: see the header. */
#include "livescreen.h"

#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

/* ---- the lines that stay ---- */

static void line_release(struct screen_line *line)
{
	free(line->dyno);
	free(line->text);
}

static void append(struct livescreen *screen, struct screen_line line)
{
	screen->lines = xreallocarray(screen->lines, screen->count + 1, sizeof *screen->lines);
	screen->lines[screen->count++] = line;
}

static char *text_of(const char *line)
{
	return xstrndup(line, strcspn(line, "\n"));
}

void livescreen_add(struct livescreen *screen, const char *dyno, const char *line)
{
	append(screen, (struct screen_line){
			       .dyno = dyno != NULL ? xstrdup(dyno) : NULL, .text = text_of(line)});
}

static struct screen_line *find(struct livescreen *screen, const char *dyno)
{
	for (size_t i = 0; i < screen->count; i++)
		if (screen->lines[i].dyno != NULL && strcmp(screen->lines[i].dyno, dyno) == 0)
			return &screen->lines[i];
	return NULL;
}

void livescreen_replace(struct livescreen *screen, const char *dyno, const char *line)
{
	struct screen_line *old = find(screen, dyno);

	if (old == NULL) {
		livescreen_add(screen, dyno, line);
		return;
	}
	free(old->text);
	old->text = text_of(line);
	old->is_written = false;
}

/* Forgets the first lines, which cannot be reached any more; one that has changed since it was
 * written comes once more. */
static void drop(struct livescreen *screen, size_t count)
{
	if (count == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct screen_line line = screen->lines[i];
		line.stands = false;
		if (line.is_written)
			line_release(&line);
		else
			append(screen, line);
	}
	screen->count -= count;
	memmove(screen->lines, screen->lines + count, screen->count * sizeof *screen->lines);
}

static size_t count_standing(const struct livescreen *screen)
{
	size_t count = 0;

	while (count < screen->count && screen->lines[count].stands)
		count++;
	return count;
}

/* ---- how much room they take ---- */

/* The columns of a text whose characters are one wide each, and of sequences that begin a colour
 * none; 0 when it has others. */
static unsigned width_of(const char *text)
{
	unsigned width = 0;

	for (; *text != '\0'; text++) {
		if (*text == '\033')
			text += strcspn(text, "m");
		else if (*text < ' ' || *text > '~')
			return 0;
		else
			width++;
	}
	return width;
}

/* In a window that was made narrower meanwhile, what stands there was wrapped; few terminals cut it
 * off instead. */
static unsigned rows_of(unsigned width, unsigned columns)
{
	return width > columns ? (width + columns - 1) / columns : 1;
}

static unsigned frame_rows(const struct liveframe *frame, unsigned columns)
{
	unsigned rows = 0;

	for (size_t i = 0; i < frame->count; i++)
		rows += rows_of(frame->width[i], columns);
	return rows;
}

/* Drops what stands above the window, and all down to a line whose height is not known. */
static void drop_unreachable(struct livescreen *screen, const struct livedraw *size)
{
	unsigned rows = frame_rows(&screen->frame, size->columns);
	size_t at = count_standing(screen);

	for (; at > 0 && screen->lines[at - 1].width > 0; at--) {
		rows += rows_of(screen->lines[at - 1].width, size->columns);
		if (rows >= size->rows)
			break;
	}
	drop(screen, at);
}

/* ---- writing ---- */

/* Where the terminal differs from what it should show. */
static size_t first_change(const struct livescreen *screen)
{
	size_t at = 0;

	while (at < screen->count && screen->lines[at].is_written)
		at++;
	return at;
}

static bool is_same(const struct liveframe *a, const struct liveframe *b)
{
	return a->text.len == b->text.len &&
	       (a->text.len == 0 || memcmp(a->text.data, b->text.data, a->text.len) == 0);
}

/* Moves to the first column of a line. */
static void add_way_back(
	const struct livescreen *screen, size_t line, unsigned columns, struct buf *out)
{
	unsigned rows = frame_rows(&screen->frame, columns);

	for (; line < screen->count && screen->lines[line].stands; line++)
		rows += rows_of(screen->lines[line].width, columns);
	if (rows > 0)
		buf_addf(out, "\r\033[%uA", rows);
}

/* A line clears what the old one leaves behind it, so nothing is blank even for a moment. One that
 * fills its row to the end leaves the cursor in it, and would clear its own last character. */
static void add_line(const char *text, size_t len, bool fills, struct buf *out)
{
	buf_append(out, text, len);
	buf_adds(out, fills ? "\n" : "\033[K\n");
}

static void add_lines(struct livescreen *screen, size_t at, unsigned columns, struct buf *out)
{
	for (; at < screen->count; at++) {
		struct screen_line *line = &screen->lines[at];
		line->is_written = line->stands = true;
		line->width = width_of(line->text);
		add_line(line->text, strlen(line->text),
			line->width > 0 && line->width % columns == 0, out);
	}
}

static void add_frame(const struct liveframe *frame, struct buf *out)
{
	for (size_t at = 0; at < frame->text.len;) {
		size_t len = strcspn(frame->text.data + at, "\n");
		add_line(frame->text.data + at, len, false, out);
		at += len + 1;
	}
}

void livescreen_draw(struct livescreen *screen, const struct livedraw *size,
	struct liveframe *frame, struct buf *out)
{
	drop_unreachable(screen, size);
	size_t at = first_change(screen);
	if (at < screen->count || !is_same(frame, &screen->frame)) {
		add_way_back(screen, at, size->columns, out);
		add_lines(screen, at, size->columns, out);
		add_frame(frame, out);
		buf_adds(out, "\033[J");
	}
	liveframe_release(&screen->frame);
	screen->frame = *frame;
}

void livescreen_leave(struct livescreen *screen)
{
	drop(screen, count_standing(screen));
	liveframe_release(&screen->frame);
}

void livescreen_release(struct livescreen *screen)
{
	for (size_t i = 0; i < screen->count; i++)
		line_release(&screen->lines[i]);
	free(screen->lines);
	liveframe_release(&screen->frame);
	*screen = (struct livescreen){0};
}
