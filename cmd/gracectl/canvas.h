/*
 * canvas: rows of a picture on a terminal: a label, an area of cells that stands for the time of a
 * stop, and a word behind it.
 */
#ifndef GRACECTL_CANVAS_H
#define GRACECTL_CANVAS_H

#include "stopplot.h"

enum {
	CANVAS_WIDTH_MAX = 400,
	CANVAS_CELL = 5, /* a character of UTF-8 and its NUL */
	CANVAS_EIGHTHS = 8
};

struct canvas_glyphs {
	const char *left[CANVAS_EIGHTHS + 1];  /* a cell that is filled from the left */
	const char *below[CANVAS_EIGHTHS + 1]; /* from below */
	const char *right;		       /* its right half */
	const char *moment;		       /* what is too short to fill anything */
	const char *signal, *due, *life, *death, *line, *tick, *arrow;
};

extern const struct canvas_glyphs canvas_unicode, canvas_ascii;

struct canvas {
	const struct stopplot *plot;
	const struct canvas_glyphs *glyphs;
	bool color;
	unsigned width, label, area; /* columns */
	struct buf *out;
};

struct row {
	char cell[CANVAS_WIDTH_MAX][CANVAS_CELL];
};

void row_clear(struct row *row);
bool row_is_free(const struct row *row, unsigned from, unsigned len);

/* Begins and ends a colour; "": none. */
void canvas_paint(const struct canvas *canvas, const char *sgr);
void canvas_unpaint(const struct canvas *canvas, const char *sgr);

/* Adds text that can do no harm, cut to some columns; they are counted and returned. */
unsigned canvas_add(const struct canvas *canvas, const char *text, size_t len, unsigned columns);

/* The same of text that came from outside. */
unsigned canvas_add_cut(const struct canvas *canvas, const char *text, unsigned columns);

/* Adds a row, with its newline. */
void canvas_emit(const struct canvas *canvas, const char *label, const struct row *row,
	const char *sgr, const char *right);

/* Where a time is, in cells from the beginning of the area; and in which of them. */
double canvas_place(const struct canvas *canvas, int64_t ms);
unsigned canvas_cell(const struct canvas *canvas, int64_t ms);

#endif
