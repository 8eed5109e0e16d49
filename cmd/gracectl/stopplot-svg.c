/*
 * stopplot-svg: a stop as a picture for a page.
 *
 * One file that needs nothing else: its colours follow the reader's choice of light or dark, its
 * fonts are those that the reader has. The body is drawn first, from top to bottom, because the
 * head must tell the height.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stopplot.h"
#include "utf8.h"

enum {
	WIDTH = 880,
	LEFT = 150,  /* where the time begins, */
	RIGHT = 790, /* and where it ends */
	MARGIN = 20,
	LETTER = 7, /* width of one, about */
	LINE_LETTERS = 118,
	LABEL_LETTERS = 18,
	MARK_ROW = 18,
	MARK_ROWS = 4,
	PHASE_ROW = 24,
	BAR = 14,
	STEPS_ROW = 72,
	EXIT_ROW = 20,
	EXIT_ROWS = 24,
	TEXT_ROW = 18
};

static const char style[] =
	"<style>\n"
	"text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328 }\n"
	".title { font-size: 18px; font-weight: 600 }\n"
	".dim { fill: #59636e }\n"
	".number { text-anchor: end; font-size: 11px; fill: #59636e }\n"
	".tick { text-anchor: middle; font-size: 11px; fill: #59636e }\n"
	".page { fill: #ffffff }\n"
	".grid { stroke: #d1d9e0; stroke-width: 1 }\n"
	".axis, .life { stroke: #818b98; stroke-width: 1.5; fill: none }\n"
	".death { stroke: #1f2328; stroke-width: 1.75; fill: none }\n"
	".accepting { fill: #1a7f37 } .ending, .stopping { fill: #818b98 }\n"
	".draining, .inbound { fill: #bf8700 } .releasing, .outbound { fill: #8250df }\n"
	".area { fill-opacity: 0.22 }\n"
	".step { fill: none; stroke-width: 2 }\n"
	".step.inbound { fill: none; stroke: #bf8700 }\n"
	".step.outbound { fill: none; stroke: #8250df }\n"
	".signal { stroke: #59636e; stroke-width: 1.25; stroke-dasharray: 4 3 }\n"
	".mark { fill: #1f2328 }\n"
	".signal.bad { stroke: #cf222e } .mark.bad, .word.bad { fill: #cf222e }\n"
	".left { text-anchor: end }\n"
	".word { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round "
	"}\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #f0f6fc }\n"
	".dim, .number, .tick { fill: #9198a1 }\n"
	".page { fill: #0d1117 }\n"
	".grid { stroke: #30363d }\n"
	".axis, .life { stroke: #656c76 }\n"
	".death { stroke: #f0f6fc }\n"
	".accepting { fill: #3fb950 } .ending, .stopping { fill: #656c76 }\n"
	".draining, .inbound { fill: #d29922 } .releasing, .outbound { fill: #ab7df8 }\n"
	".step.inbound { fill: none; stroke: #d29922 }\n"
	".step.outbound { fill: none; stroke: #ab7df8 }\n"
	".signal { stroke: #9198a1 }\n"
	".mark { fill: #f0f6fc } .word { stroke: #0d1117 }\n"
	".signal.bad { stroke: #f85149 } .mark.bad, .word.bad { fill: #f85149 }\n"
	"}\n"
	"</style>\n";

struct drawing {
	const struct stopplot *plot;
	struct buf back; /* what lies behind everything: the grid, the lines of the signals */
	struct buf body;
	int y;	 /* how far down it has come */
	int top; /* where the grid begins */
};

/* ---- text ---- */

/* What XML cannot hold becomes U+FFFD. */
static void add_escaped(struct buf *out, const char *text, size_t len)
{
	static const struct {
		char byte;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
	uint32_t code;

	for (size_t at = 0; at < len;) {
		size_t bytes = utf8_decode(text + at, len - at, &code);
		const char *entity = NULL;
		if (bytes == 0 || code < ' ' || code == 0xfffe || code == 0xffff)
			entity = "\xef\xbf\xbd";
		for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
			if (text[at] == entities[i].byte)
				entity = entities[i].entity;
		if (entity != NULL)
			buf_adds(out, entity);
		else
			buf_append(out, text + at, bytes);
		at += bytes > 0 ? bytes : 1;
	}
}

static void add_text(
	struct buf *out, const char *class, double x, double y, const char *text, size_t len)
{
	buf_addf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
	add_escaped(out, text, len);
	buf_adds(out, "</text>\n");
}

static void add_label(struct drawing *drawing, double y, const char *text)
{
	add_text(&drawing->body, "label", MARGIN, y, text, strlen(text));
}

static void add_number(struct drawing *drawing, double x, double y, int64_t number)
{
	char text[STOPPLOT_LABEL];

	snprintf(text, sizeof text, "%lld", (long long)number);
	add_text(&drawing->body, "number", x, y, text, strlen(text));
}

static void add_seconds(struct drawing *drawing, double y, int64_t ms)
{
	char text[STOPDOC_TEXT];

	stopdoc_seconds(ms, text);
	add_text(&drawing->body, "dim", RIGHT + 10, y, text, strlen(text));
}

/* Text in lines that fit. */
static void add_wrapped(struct drawing *drawing, const char *class, const char *text)
{
	for (; *text != '\0'; text += strspn(text, " ")) {
		size_t len = stopplot_line(text, LINE_LETTERS);
		drawing->y += TEXT_ROW;
		add_text(&drawing->body, class, MARGIN, drawing->y, text, len);
		text += len;
	}
}

static void add_words(struct drawing *drawing, const char *class,
	void (*words)(const struct stopplot *, struct buf *))
{
	struct buf text = BUF_INIT;

	words(drawing->plot, &text);
	if (text.len > 0)
		add_wrapped(drawing, class, text.data);
	buf_release(&text);
}

/* ---- time across ---- */

static double place(const struct drawing *drawing, int64_t ms)
{
	return LEFT + (double)ms / (double)drawing->plot->span * (RIGHT - LEFT);
}

/* The first row in which there is room from one place to another. */
static unsigned find_row(double taken[MARK_ROWS], double from, double to)
{
	unsigned row = 0;

	while (row + 1 < MARK_ROWS && taken[row] > from)
		row++;
	if (to > taken[row])
		taken[row] = to;
	return row;
}

static void add_mark(struct drawing *drawing, double taken[MARK_ROWS], int64_t ms,
	const char *words, unsigned *rows)
{
	double x = place(drawing, ms), len = 12 + LETTER * (double)strlen(words);
	const char *bad = strncmp(words, "SIGKILL", 7) == 0 ? " bad" : "";
	bool leftwards = x + len > WIDTH - MARGIN;
	unsigned row =
		leftwards ? find_row(taken, x - len, x + 8) : find_row(taken, x - 6, x + len);
	double y = drawing->y + (row + 1) * MARK_ROW;

	if (row + 1 > *rows)
		*rows = row + 1;
	buf_addf(
		&drawing->body, "<path class=\"mark%s\" d=\"M%.1f %.1fl-5 -9h10z\"/>\n", bad, x, y);
	buf_addf(&drawing->body, "<text class=\"word%s%s\" x=\"%.1f\" y=\"%.1f\">", bad,
		leftwards ? " left" : "", leftwards ? x - 8 : x + 8, y - 1);
	add_escaped(&drawing->body, words, strlen(words));
	buf_addf(&drawing->body, "</text>\n");
	buf_addf(&drawing->back,
		"<line class=\"signal%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"BOTTOM\"/>\n",
		bad, x, x, y);
}

static void add_signals(struct drawing *drawing)
{
	const struct stopplot *plot = drawing->plot;
	double taken[MARK_ROWS] = {0};
	char words[STOPPLOT_LABEL];
	unsigned rows = 0;

	for (size_t i = 0; i < plot->signal_count; i++) {
		const struct stopplot_signal *signal = &plot->signals[i];
		snprintf(words, sizeof words,
			signal->processes == 0	 ? "%.20s"
			: signal->processes == 1 ? "%.20s to 1 process"
						 : "%.20s to %lld processes",
			signal->name, (long long)signal->processes);
		add_mark(drawing, taken, signal->ms, words, &rows);
	}
	if (plot->span > plot->ms && plot->span == plot->allowed)
		add_mark(drawing, taken, plot->allowed, "SIGKILL due", &rows);
	drawing->y += (int)rows * MARK_ROW + 8;
	drawing->top = drawing->y;
}

static void add_phases(struct drawing *drawing)
{
	const struct stopplot *plot = drawing->plot;

	for (size_t i = 0; i < plot->phase_count; i++, drawing->y += PHASE_ROW) {
		const struct stopplot_phase *phase = &plot->phases[i];
		double x = place(drawing, phase->begin), wide = place(drawing, phase->end) - x;
		int y = drawing->y + (PHASE_ROW - BAR) / 2;
		if (wide < 2) { /* a moment */
			wide = 2;
			x = x > RIGHT - 2 ? RIGHT - 2 : x;
		}
		add_label(drawing, y + BAR - 2, phase->name);
		buf_addf(&drawing->body,
			"<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" "
			"rx=\"2\"/>\n",
			phase->name, x, y, wide, BAR);
		if (phase->open)
			add_text(&drawing->body, "dim", RIGHT + 10, y + BAR - 2, stopplot_at_exit,
				strlen(stopplot_at_exit));
		else
			add_seconds(drawing, y + BAR - 2, phase->end);
	}
	drawing->y += 6;
}

/* The connections of a side: steps, and the area below them. */
static void add_side(struct drawing *drawing, enum stopplot_side side)
{
	enum {
		PAD = 14
	};
	const struct stopplot *plot = drawing->plot;
	const char *name = stopplot_side_names[side];
	int bottom = drawing->y + STEPS_ROW, high = STEPS_ROW - PAD;
	struct buf path = BUF_INIT;

	if (plot->step_count == 0 || plot->most[side] == 0)
		return;
	for (size_t i = 0; i < plot->step_count; i++) {
		double y = bottom -
			   (double)plot->steps[i].open[side] / (double)plot->most[side] * high;
		buf_addf(&path, i == 0 ? "M%.1f %.1f" : "H%.1fV%.1f",
			place(drawing, plot->steps[i].ms), y);
	}
	buf_addf(&path, "H%.1f", place(drawing, plot->ms));
	buf_addf(&drawing->body, "<path class=\"area %s\" d=\"%sV%dH%.1fz\"/>\n", name, path.data,
		bottom, place(drawing, plot->steps[0].ms));
	buf_addf(&drawing->body, "<path class=\"step %s\" d=\"%s\"/>\n", name, path.data);
	buf_addf(&drawing->body, "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n",
		LEFT, RIGHT, bottom, bottom);
	add_label(drawing, bottom - high / 2 + 4, name);
	add_number(drawing, LEFT - 8, bottom - high + 4, plot->most[side]);
	add_number(drawing, LEFT - 8, bottom + 4, 0);
	buf_release(&path);
	drawing->y = bottom + 8;
}

static void add_exit(struct drawing *drawing, const struct stopplot_exit *gone)
{
	double x = place(drawing, gone->ms), y = drawing->y + EXIT_ROW / 2.;
	char label[STOPPLOT_LABEL];

	snprintf(label, sizeof label, "%lld %s", (long long)gone->pid, gone->name);
	if (strlen(label) > LABEL_LETTERS) {
		size_t cut = LABEL_LETTERS - 3;
		while ((label[cut] & 0xc0) == 0x80) /* within a character */
			cut--;
		strcpy(label + cut, "...");
	}
	add_label(drawing, y + 4, label);
	buf_addf(&drawing->body,
		"<path class=\"life\" d=\"M%d %.1fH%.1f\"/>"
		"<path class=\"death\" d=\"M%.1f %.1fl8 8m0 -8l-8 8\"/>\n",
		LEFT, y, x, x - 4, y - 4);
	add_seconds(drawing, y + 4, gone->ms);
	drawing->y += EXIT_ROW;
}

/* Those that took longest matter most, and they come last. */
static void add_exits(struct drawing *drawing)
{
	const struct stopplot *plot = drawing->plot;
	size_t first = plot->exit_count > EXIT_ROWS ? plot->exit_count - EXIT_ROWS : 0;
	char label[STOPPLOT_LABEL];

	drawing->y += plot->exit_count > 0 ? 6 : 0;
	if (plot->exit_count > 0 && first + plot->processes > plot->exit_count) {
		snprintf(label, sizeof label, "%zu more",
			first + plot->processes - plot->exit_count);
		add_label(drawing, drawing->y + EXIT_ROW / 2. + 4, label);
		drawing->y += EXIT_ROW;
	}
	for (size_t i = first; i < plot->exit_count; i++)
		add_exit(drawing, &plot->exits[i]);
}

static void add_axis(struct drawing *drawing)
{
	static const char words[] = "seconds since the first signal";
	int64_t span = drawing->plot->span, step = stopplot_tick(span, 10);
	char text[STOPPLOT_LABEL];

	drawing->y += 6;
	buf_addf(&drawing->body, "<path class=\"axis\" d=\"M%d %dH%d\"/>\n", LEFT, drawing->y,
		RIGHT);
	for (int64_t ms = 0; ms <= span; ms += step) {
		double x = place(drawing, ms);
		buf_addf(&drawing->back,
			"<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"BOTTOM\"/>\n",
			x, x, drawing->top);
		stopplot_tick_label(ms, step, text);
		add_text(&drawing->body, "tick", x, drawing->y + 16, text, strlen(text));
	}
	add_text(&drawing->body, "tick", (LEFT + RIGHT) / 2., drawing->y + 33, words,
		sizeof words - 1);
}

/* ---- the whole ---- */

/* The lines of the background end where the axis is, which was not known when they were drawn. */
static void add_back(struct buf *out, struct buf *back, int bottom)
{
	static const char word[] = "BOTTOM";
	const char *at = back->data;

	for (const char *hole; at != NULL && (hole = strstr(at, word)) != NULL;
		at = hole + sizeof word - 1) {
		buf_append(out, at, (size_t)(hole - at));
		buf_addf(out, "%d", bottom);
	}
	if (at != NULL)
		buf_adds(out, at);
}

static void add_head(struct buf *out, const struct stopplot *plot, int height)
{
	struct buf title = BUF_INIT, more = BUF_INIT;

	stopplot_title(plot, &title);
	stopplot_subtitle(plot, &more);
	buf_addf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
		"height=\"%d\" role=\"img\" aria-labelledby=\"title more\">\n<title id=\"title\">",
		WIDTH, height, WIDTH, height);
	add_escaped(out, title.data, title.len);
	buf_adds(out, "</title>\n<desc id=\"more\">");
	add_escaped(out, more.data, more.len);
	buf_adds(out, "</desc>\n");
	buf_adds(out, style);
	buf_addf(
		out, "<rect class=\"page\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n", WIDTH, height);
	buf_release(&title);
	buf_release(&more);
}

void stopplot_svg(const struct stopplot *plot, struct buf *out)
{
	struct drawing drawing = {.plot = plot, .back = BUF_INIT, .body = BUF_INIT, .y = 16};

	add_words(&drawing, "title", stopplot_title);
	drawing.y += 4;
	add_words(&drawing, "dim", stopplot_subtitle);
	drawing.y += 12;
	add_signals(&drawing);
	add_phases(&drawing);
	add_side(&drawing, STOPPLOT_INBOUND);
	add_side(&drawing, STOPPLOT_OUTBOUND);
	add_exits(&drawing);
	add_axis(&drawing);
	int bottom = drawing.y;
	drawing.y += 44;
	add_words(&drawing, "note", stopplot_peers);
	add_words(&drawing, "note", stopplot_evidence);
	add_words(&drawing, "dim", stopplot_note);
	add_head(out, plot, drawing.y + MARGIN);
	add_back(out, &drawing.back, bottom);
	buf_append(out, drawing.body.data, drawing.body.len);
	buf_adds(out, "</svg>\n");
	buf_release(&drawing.back);
	buf_release(&drawing.body);
}
