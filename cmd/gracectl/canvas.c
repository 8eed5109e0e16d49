/* canvas: see the header. */
#include "canvas.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

const struct canvas_glyphs canvas_unicode = {
	.left = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"},
	.below = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
	.right = "▐",
	.moment = "▏",
	.signal = "▼",
	.due = "▽",
	.life = "─",
	.death = "╳",
	.line = "─",
	.tick = "┴",
	.arrow = "→",
};

const struct canvas_glyphs canvas_ascii = {
	.left = {" ", " ", " ", " ", "#", "#", "#", "#", "#"},
	.below = {" ", ".", ".", ".", ":", ":", ":", "#", "#"},
	.right = "#",
	.moment = "|",
	.signal = "v",
	.due = "V",
	.life = "-",
	.death = "x",
	.line = "-",
	.tick = "+",
	.arrow = "->",
};

void row_clear(struct row *row)
{
	for (size_t i = 0; i < CANVAS_WIDTH_MAX; i++)
		snprintf(row->cell[i], CANVAS_CELL, " ");
}

void canvas_paint(const struct canvas *canvas, const char *sgr)
{
	if (canvas->color && sgr[0] != '\0')
		buf_addf(canvas->out, "\033[%sm", sgr);
}

void canvas_unpaint(const struct canvas *canvas, const char *sgr)
{
	if (sgr[0] != '\0')
		canvas_paint(canvas, "0");
}

unsigned canvas_add(const struct canvas *canvas, const char *text, size_t len, unsigned columns)
{
	unsigned used = 0;
	size_t bytes;
	uint32_t code;

	for (size_t at = 0; at < len; at += bytes) {
		bytes = utf8_decode(text + at, len - at, &code);
		bool is_unknown = canvas->glyphs == &canvas_ascii && bytes > 1;
		unsigned more = is_unknown ? 1 : utf8_columns(code);
		if (used + more > columns)
			break;
		used += more;
		if (is_unknown)
			buf_addc(canvas->out, '?');
		else
			buf_append(canvas->out, text + at, bytes);
	}
	return used;
}

unsigned canvas_add_cut(const struct canvas *canvas, const char *text, unsigned columns)
{
	struct buf safe = BUF_INIT;

	utf8_append_safe(&safe, text, strlen(text));
	unsigned used = canvas_add(canvas, safe.data, safe.len, columns);
	buf_release(&safe);
	return used;
}

void canvas_emit(const struct canvas *canvas, const char *label, const struct row *row,
	const char *sgr, const char *right)
{
	unsigned end = canvas->area;
	unsigned used = canvas_add_cut(canvas, label, canvas->label);

	buf_addf(canvas->out, "%*s", (int)(canvas->label - used + 1), "");
	while (right[0] == '\0' && end > 0 && strcmp(row->cell[end - 1], " ") == 0)
		end--;
	canvas_paint(canvas, sgr);
	for (unsigned i = 0; i < end; i++)
		buf_adds(canvas->out, row->cell[i]);
	canvas_unpaint(canvas, sgr);
	if (right[0] != '\0')
		buf_addf(canvas->out, " %s", right);
	while (canvas->out->len > 0 && canvas->out->data[canvas->out->len - 1] == ' ')
		canvas->out->data[--canvas->out->len] = '\0';
	buf_addc(canvas->out, '\n');
}

double canvas_place(const struct canvas *canvas, int64_t ms)
{
	return (double)ms / (double)canvas->plot->span * canvas->area;
}

unsigned canvas_cell(const struct canvas *canvas, int64_t ms)
{
	unsigned cell = (unsigned)canvas_place(canvas, ms);

	return cell < canvas->area ? cell : canvas->area - 1;
}

bool row_is_free(const struct row *row, unsigned from, unsigned len)
{
	for (unsigned i = from; i < from + len; i++)
		if (strcmp(row->cell[i], " ") != 0)
			return false;
	return true;
}
