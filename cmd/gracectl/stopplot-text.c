/*
 * stopplot-text: a stop as a picture for a terminal.
 *
 * Every row has a label, an area of cells that stands for the time, and a word behind it. A bar
 * ends within a cell where the terminal has the characters for it; with plain ASCII a cell is full
 * or empty.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "utf8.h"

enum {
	LABEL_MIN = 9, /* "accepting" */
	RIGHT_MIN = 6, /* "30.02s" */
	SIGNAL_ROWS = 4,
	EXIT_ROWS = 12,
	TICK_CELLS = 7
};

#define SGR_BOLD "1"
#define SGR_DIM "2"
#define SGR_RED "31"
#define SGR_YELLOW "33"

/* What concerns inbound connections has one colour, what concerns outbound ones another. */
#define SGR_INBOUND "33"
#define SGR_OUTBOUND "35"
static const char *const side_colors[] = {SGR_INBOUND, SGR_OUTBOUND};

/* ---- time across ---- */

/* A cell of which the part between two places is filled. */
static const char *bar_cell(const struct canvas *canvas, double from, double to)
{
	if (from > 0 && to >= 1)
		return canvas->glyphs->right;
	unsigned eighths = (unsigned)((to - from) * CANVAS_EIGHTHS + 0.5);
	return canvas->glyphs->left[eighths > CANVAS_EIGHTHS ? CANVAS_EIGHTHS : eighths];
}

static void draw_bar(const struct canvas *canvas, struct row *row, int64_t begin, int64_t end)
{
	double from = canvas_place(canvas, begin), to = canvas_place(canvas, end);
	unsigned first = canvas_cell(canvas, begin), last = canvas_cell(canvas, end);

	for (unsigned i = first; i <= last; i++) {
		double left = from - i > 0 ? from - i : 0, right = to - i < 1 ? to - i : 1;
		if (right > left)
			strcpy(row->cell[i], bar_cell(canvas, left, right));
	}
	if (first == last && strcmp(row->cell[first], " ") == 0)
		strcpy(row->cell[first], canvas->glyphs->moment);
}

/* ---- the parts ---- */

static void add_phases(const struct canvas *canvas)
{
	static const struct {
		const char *name, *sgr;
	} looks[] = {{"accepting", "32"}, {"draining", SGR_INBOUND}, {"releasing", SGR_OUTBOUND},
		{"ending", "37"}, {"stopping", "37"}};

	for (size_t i = 0; i < canvas->plot->phase_count; i++) {
		const struct stopplot_phase *phase = &canvas->plot->phases[i];
		char right[STOPDOC_TEXT];
		const char *sgr = "";
		struct row row;
		for (size_t n = 0; n < sizeof looks / sizeof *looks; n++)
			if (strcmp(looks[n].name, phase->name) == 0)
				sgr = looks[n].sgr;
		row_clear(&row);
		draw_bar(canvas, &row, phase->begin, phase->end);
		canvas_emit(canvas, phase->name, &row, sgr,
			phase->open ? stopplot_at_exit : stopdoc_seconds(phase->end, right));
	}
}

/* One row of the steps of a side; the rows are counted from below. */
static void draw_steps(const struct canvas *canvas, struct row *row, enum stopplot_side side,
	unsigned level, unsigned levels)
{
	const struct stopplot *plot = canvas->plot;
	double cell = (double)plot->span / canvas->area;

	for (unsigned i = 0; i <= canvas_cell(canvas, plot->ms); i++) {
		int64_t from = (int64_t)(i * cell), to = (int64_t)((i + 1) * cell) - 1;
		int64_t open = stopplot_open_between(plot, side, from, to > from ? to : from);
		double height = (double)open / (double)plot->most[side] * levels - level;
		unsigned eighths = height <= 0 ? 0 : (unsigned)(height * CANVAS_EIGHTHS + 0.5);
		if (open > 0 && level == 0 && eighths == 0)
			eighths = 1;
		strcpy(row->cell[i],
			canvas->glyphs->below[eighths > CANVAS_EIGHTHS ? CANVAS_EIGHTHS : eighths]);
	}
}

/* "4 → 0": at the signal and at the end. Returns its columns. */
static unsigned fall_text(
	const struct canvas *canvas, enum stopplot_side side, char text[static STOPPLOT_LABEL])
{
	const struct stopplot *plot = canvas->plot;
	int len = snprintf(text, STOPPLOT_LABEL, "%lld %s %lld",
		(long long)plot->steps[0].open[side], canvas->glyphs->arrow,
		(long long)plot->steps[plot->step_count - 1].open[side]);

	return (unsigned)len - (canvas->glyphs == &canvas_unicode ? 2 : 0);
}

static void add_side(const struct canvas *canvas, enum stopplot_side side)
{
	const struct stopplot *plot = canvas->plot;
	unsigned levels = canvas->width < 60 ? 2 : 3;
	char right[STOPPLOT_LABEL];

	if (plot->step_count == 0 || plot->most[side] == 0)
		return;
	if ((int64_t)levels > plot->most[side])
		levels = (unsigned)plot->most[side];
	fall_text(canvas, side, right);
	for (unsigned level = levels; level-- > 0;) {
		struct row row;
		row_clear(&row);
		draw_steps(canvas, &row, side, level, levels);
		canvas_emit(canvas, level == levels - 1 ? stopplot_side_names[side] : "", &row,
			side_colors[side], level == levels - 1 ? right : "");
	}
}

/* A mark with its words to its right, or to its left where there is no room. The first row in which
 * it is free takes it. False when there is none. */
static bool place_mark(const struct canvas *canvas, struct row *rows, unsigned *count, int64_t ms,
	const char *mark, const char *words)
{
	unsigned at = canvas_cell(canvas, ms), len = (unsigned)strlen(words) + 2;
	bool leftwards = at + len > canvas->area;

	if (len > canvas->area || (leftwards && at + 1 < len))
		len = 1; /* the mark alone */
	unsigned from = leftwards && len > 1 ? at + 1 - len : at;
	for (unsigned i = 0; i < SIGNAL_ROWS; i++) {
		unsigned before = from > 0 ? from - 1 : 0;
		if (i == *count)
			row_clear(&rows[(*count)++]);
		if (!row_is_free(&rows[i], before, from + len - before))
			continue;
		strcpy(rows[i].cell[at], mark);
		for (unsigned n = 0; n + 2 < len; n++)
			snprintf(rows[i].cell[leftwards ? from + n : at + 2 + n], CANVAS_CELL, "%c",
				words[n] >= ' ' && words[n] <= '~' ? words[n] : '?');
		return true;
	}
	return false;
}

static void add_signals(const struct canvas *canvas)
{
	const struct stopplot *plot = canvas->plot;
	struct row rows[SIGNAL_ROWS];
	unsigned count = 0, left = 0;
	char words[STOPPLOT_LABEL], more[STOPPLOT_LABEL] = "";

	for (size_t i = 0; i < plot->signal_count; i++) {
		const struct stopplot_signal *signal = &plot->signals[i];
		snprintf(words, sizeof words, signal->processes > 0 ? "%.20s to %lld" : "%.20s",
			signal->name, (long long)signal->processes);
		left += !place_mark(
			canvas, rows, &count, signal->ms, canvas->glyphs->signal, words);
	}
	if (plot->span > plot->ms && plot->span == plot->allowed)
		left += !place_mark(
			canvas, rows, &count, plot->allowed, canvas->glyphs->due, "SIGKILL due");
	if (left > 0)
		snprintf(more, sizeof more, "+%u", left);
	for (unsigned i = 0; i < count; i++)
		canvas_emit(canvas, "", &rows[i], SGR_BOLD, i == count - 1 ? more : "");
}

/* "4711 node" */
static const char *exit_label(const struct stopplot_exit *gone, char label[static STOPPLOT_LABEL])
{
	snprintf(label, STOPPLOT_LABEL, "%lld %.24s", (long long)gone->pid, gone->name);
	return label;
}

static void add_exits(const struct canvas *canvas)
{
	const struct stopplot *plot = canvas->plot;
	char label[STOPPLOT_LABEL], right[STOPDOC_TEXT];
	bool all = plot->exit_count <= EXIT_ROWS && plot->exit_count == plot->processes;
	size_t most = all ? EXIT_ROWS : EXIT_ROWS - 1;
	size_t shown = plot->exit_count < most ? plot->exit_count : most;
	struct row row;

	/* Those that took longest matter most, and they come last. */
	size_t first = plot->exit_count - shown;
	if (shown > 0 && !all) {
		row_clear(&row);
		snprintf(label, sizeof label, "%zu more", plot->processes - shown);
		for (size_t i = 0; i < first; i++)
			strcpy(row.cell[canvas_cell(canvas, plot->exits[i].ms)],
				canvas->glyphs->death);
		canvas_emit(canvas, label, &row, "", "");
	}
	for (size_t i = first; i < plot->exit_count; i++) {
		unsigned at = canvas_cell(canvas, plot->exits[i].ms);
		row_clear(&row);
		for (unsigned n = 0; n < at; n++)
			strcpy(row.cell[n], canvas->glyphs->life);
		strcpy(row.cell[at], canvas->glyphs->death);
		canvas_emit(canvas, exit_label(&plot->exits[i], label), &row, SGR_DIM,
			stopdoc_seconds(plot->exits[i].ms, right));
	}
}

/* Puts the label of a tick below it, where no other one stands. */
static void put_label(const struct canvas *canvas, struct row *row, unsigned at, const char *label)
{
	unsigned len = (unsigned)strlen(label);
	unsigned from = at >= len / 2 ? at - len / 2 : 0;

	if (from + len > canvas->area)
		from = canvas->area - len;
	if (!row_is_free(row, from > 0 ? from - 1 : 0, len + (from > 0)))
		return;
	for (unsigned i = 0; i < len; i++)
		snprintf(row->cell[from + i], CANVAS_CELL, "%c", label[i]);
}

static void add_axis(const struct canvas *canvas)
{
	unsigned parts = canvas->area / TICK_CELLS;
	int64_t step = stopplot_tick(canvas->plot->span, parts > 10 ? 10 : parts < 2 ? 2 : parts);
	struct row line, labels;
	char text[STOPPLOT_LABEL];

	row_clear(&line);
	row_clear(&labels);
	for (unsigned i = 0; i < canvas->area; i++)
		strcpy(line.cell[i], canvas->glyphs->line);
	for (int64_t ms = 0; ms <= canvas->plot->span; ms += step) {
		strcpy(line.cell[canvas_cell(canvas, ms)], canvas->glyphs->tick);
		put_label(canvas, &labels, canvas_cell(canvas, ms),
			stopplot_tick_label(ms, step, text));
	}
	canvas_emit(canvas, "", &line, SGR_DIM, "");
	canvas_emit(canvas, "seconds", &labels, SGR_DIM, "");
}

/* ---- words ---- */

/* Text in lines of the width of the screen. */
static void add_wrapped(const struct canvas *canvas, const char *text, const char *sgr)
{
	struct buf safe = BUF_INIT;

	utf8_append_safe(&safe, text, strlen(text));
	for (const char *at = safe.data; *at != '\0'; at += strspn(at, " ")) {
		size_t len = stopplot_line(at, canvas->width);
		canvas_paint(canvas, sgr);
		canvas_add(canvas, at, len, canvas->width);
		canvas_unpaint(canvas, sgr);
		buf_addc(canvas->out, '\n');
		at += len;
	}
	buf_release(&safe);
}

static void add_words(const struct canvas *canvas,
	void (*words)(const struct stopplot *, struct buf *), const char *sgr)
{
	struct buf text = BUF_INIT;

	words(canvas->plot, &text);
	if (text.len > 0)
		add_wrapped(canvas, text.data, sgr);
	buf_release(&text);
}

static const char *title_color(const struct stopplot *plot)
{
	return strcmp(plot->verdict, "clean") == 0 ? SGR_BOLD : SGR_BOLD ";" SGR_RED;
}

/* ---- the whole ---- */

static unsigned label_width(const struct canvas *canvas)
{
	const struct stopplot *plot = canvas->plot;
	unsigned label = LABEL_MIN, most = canvas->width / 4;
	struct canvas scratch = *canvas;
	struct buf nowhere = BUF_INIT;
	char text[STOPPLOT_LABEL];

	scratch.out = &nowhere;
	for (size_t i = 0; i < plot->exit_count; i++) {
		unsigned used = canvas_add_cut(&scratch, exit_label(&plot->exits[i], text), most);
		if (used > label)
			label = used;
	}
	buf_release(&nowhere);
	return label;
}

static unsigned right_width(const struct canvas *canvas)
{
	unsigned most = RIGHT_MIN;
	char text[STOPPLOT_LABEL], took[STOPDOC_TEXT];

	/* Nothing ends later than the stop. */
	if (strlen(stopdoc_seconds(canvas->plot->ms, took)) > most)
		most = (unsigned)strlen(took);
	for (size_t i = 0; i < canvas->plot->phase_count; i++)
		if (canvas->plot->phases[i].open && strlen(stopplot_at_exit) > most)
			most = (unsigned)strlen(stopplot_at_exit);
	for (enum stopplot_side side = 0; side < STOPPLOT_SIDES && canvas->plot->step_count > 0;
		side++) {
		unsigned len = fall_text(canvas, side, text);
		if (len > most && len < STOPPLOT_WIDTH_MIN / 2)
			most = len;
	}
	return most;
}

void stopplot_text(
	const struct stopplot *plot, const struct stopplot_screen *screen, struct buf *out)
{
	unsigned width = screen->width < STOPPLOT_WIDTH_MIN ? STOPPLOT_WIDTH_MIN
			 : screen->width > CANVAS_WIDTH_MAX ? CANVAS_WIDTH_MAX
							    : screen->width;
	struct canvas canvas = {
		.plot = plot,
		.glyphs = screen->utf8 ? &canvas_unicode : &canvas_ascii,
		.color = screen->color,
		.width = width,
		.out = out,
	};

	canvas.label = label_width(&canvas);
	canvas.area = width - canvas.label - 2 - right_width(&canvas);
	add_words(&canvas, stopplot_title, title_color(plot));
	add_words(&canvas, stopplot_subtitle, "");
	buf_addc(out, '\n');
	add_signals(&canvas);
	add_phases(&canvas);
	add_side(&canvas, STOPPLOT_INBOUND);
	add_side(&canvas, STOPPLOT_OUTBOUND);
	add_exits(&canvas);
	add_axis(&canvas);
	buf_addc(out, '\n');
	add_words(&canvas, stopplot_peers, "");
	add_words(&canvas, stopplot_evidence, "");
	add_words(&canvas, stopplot_note, SGR_DIM);
	if (out->len > 1 && out->data[out->len - 2] == '\n') /* nothing was to be said */
		out->data[--out->len] = '\0';
}
