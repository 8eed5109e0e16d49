/* livedraw: see the header. */
#include "livedraw.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

enum {
	BAR_MIN = 6,
	BAR_GOOD = 8,
	BAR_MAX = 30,
	TEXT_START = 24,    /* "draining 12 connections", so that the bars rarely move */
	NAME_MAX_SHARE = 2, /* a name takes at most one half of the line */
	PARTS = 8,	    /* of a character of the bar */
};

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define PLAIN "\033[0m"

static const char *paint(const struct livedraw *draw, const char *color)
{
	return draw->color ? color : "";
}

/* ---- times ---- */

#define TENTH (NSEC_PER_SEC / 10)
#define LONG (100 * NSEC_PER_SEC)

/* Drops what nobody reads: of a long time all below a second, of another all below a tenth. */
static nsec_t round_time(nsec_t time)
{
	nsec_t grain = time >= LONG ? NSEC_PER_SEC : TENTH;

	return (time + grain / 2) / grain * grain;
}

/* "0.04 s", "4.2 s", "2m5s": how long something has taken. */
static const char *show_time(nsec_t time, const char *unit, char text[static DURATION_TEXT])
{
	double seconds = (double)time / (double)NSEC_PER_SEC;

	if (time >= LONG)
		return duration_format(round_time(time), text);
	snprintf(text, DURATION_TEXT, time < TENTH ? "%.2f%s" : "%.1f%s", seconds, unit);
	return text;
}

/* "30 s", "0.5 s", "1h": how long it may take. */
static const char *show_limit(nsec_t time, char text[static DURATION_TEXT])
{
	if (time >= LONG)
		return duration_format(round_time(time), text);
	snprintf(text, DURATION_TEXT, "%.3g s", (double)round_time(time) / (double)NSEC_PER_SEC);
	return text;
}

/* ---- a line that moves ---- */

/* What there is to see of a row: its words, and its time beside that which it has. */
struct line {
	const struct live_row *row;
	struct buf text;
	nsec_t took;		  /* -1: nothing is timed */
	nsec_t limit;		  /* 0: none */
	char time[DURATION_TEXT]; /* "4.2 s" */
	char rest[DURATION_TEXT]; /* " of 30 s" */
};

static void say_where(enum live_kind kind, const struct live_row *row, bool brief, struct buf *out)
{
	bool stopping = row->stop.launch != 0;
	bool booting = row->boot.launch != 0 && row->boot.launch != row->stop.launch;

	if (booting && row->boot.up_at != 0)
		buf_adds(out, "up");
	else if (booting)
		buf_adds(out, "starting");
	else if (!stopping)
		buf_adds(out,
			kind == LIVE_RESTART && row->report.launch != 0 ? "stopped" : "waiting");
	if (!stopping)
		return;
	if (booting)
		buf_adds(out, ", old ");
	live_stop_text(&row->stop, brief, out);
}

/* It is counted in tenths, so that no more than ten frames a second differ. */
static void time_line(struct line *line, bool brief, nsec_t now)
{
	const struct live_row *row = line->row;
	bool stopping = row->stop.launch != 0;
	nsec_t began = stopping ? row->stop.began : row->boot.began;
	nsec_t due = stopping ? row->stop.kill_at : row->boot.due;
	char limit[DURATION_TEXT];

	line->took = -1;
	line->time[0] = line->rest[0] = '\0';
	if (!stopping && (row->boot.launch == 0 || row->boot.up_at != 0))
		return;
	line->took = now > began ? (now - began) / TENTH * TENTH : 0;
	line->limit = due > began ? round_time(due - began) : 0;
	if (line->took >= LONG)
		show_time(line->took, "", line->time);
	else
		snprintf(line->time, sizeof line->time, "%.1f%s",
			(double)line->took / (double)NSEC_PER_SEC,
			brief && line->limit > 0 ? "" : " s");
	if (line->limit > 0)
		snprintf(line->rest, sizeof line->rest, "%s%.40s", brief ? "/" : " of ",
			show_limit(line->limit, limit));
}

static void measure(struct line *line, enum live_kind kind, bool brief, nsec_t now)
{
	buf_reset(&line->text);
	say_where(kind, line->row, brief, &line->text);
	time_line(line, brief, now);
}

/* ---- the bar ---- */

/* Yellow when half of its time is gone, red in the last fifth. */
static const char *bar_color(const struct line *line)
{
	if (line->took >= line->limit - line->limit / 5)
		return RED;
	return line->took >= line->limit / 2 ? YELLOW : GREEN;
}

static void add_unicode_bar(unsigned width, unsigned parts, struct buf *out)
{
	static const char *const blocks[] = {"▁", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned full = parts / PARTS;

	for (unsigned i = 0; i < width; i++)
		buf_adds(out, i < full ? "█" : i == full ? blocks[parts % PARTS] : blocks[0]);
}

static void add_bar(
	const struct livedraw *draw, const struct line *line, unsigned width, struct buf *out)
{
	nsec_t took = line->took < line->limit ? line->took : line->limit;

	if (line->took < 0 || line->limit == 0) {
		buf_addf(out, "%*s", (int)width + 2, "");
		return;
	}
	unsigned parts = (unsigned)((double)took / (double)line->limit * width * PARTS);
	buf_adds(out, draw->unicode ? "▕" : "[");
	buf_adds(out, paint(draw, bar_color(line)));
	if (draw->unicode)
		add_unicode_bar(width, parts, out);
	else
		for (unsigned i = 0; i < width; i++)
			buf_addc(out, i < parts / PARTS ? '#' : '-');
	buf_adds(out, paint(draw, PLAIN));
	buf_adds(out, draw->unicode ? "▏" : "]");
}

/* ---- the frame ---- */

static unsigned max_of(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned min_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void make_room(struct livewidths *widths, const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		widths->text = max_of(widths->text, (unsigned)lines[i].text.len);
		widths->time = max_of(widths->time, (unsigned)strlen(lines[i].time));
		widths->rest = max_of(widths->rest, (unsigned)strlen(lines[i].rest));
	}
}

/* How a frame is laid out; the same for all its lines. */
struct layout {
	unsigned name, bar; /* columns; bar 0: none */
	struct livewidths widths;
};

/* NAME  TEXT  [BAR] TIME of REST: how much is left for the inside of the bar; it may be negative.
 */
static int room_for_bar(const struct livedraw *draw, const struct layout *layout)
{
	const struct livewidths *widths = &layout->widths;

	return (int)draw->columns - 1 -
	       (int)(layout->name + 2 + widths->text + 2 + 2 + 1 + widths->time + widths->rest);
}

/* Chooses the layout and measures the lines for it. Widths only ever grow, so that the bars stay
 * where they are. */
static struct layout lay_out(struct livedraw *draw, const struct livework *work, struct line *lines,
	size_t count, nsec_t now)
{
	struct layout layout = {
		.name = min_of(work->name_width, max_of(draw->columns / NAME_MAX_SHARE, 1))};

	draw->widths[0].text = max_of(draw->widths[0].text, TEXT_START);
	for (int brief = 0; brief <= 1; brief++) {
		for (size_t i = 0; i < count; i++)
			measure(&lines[i], work->kind, brief, now);
		make_room(&draw->widths[brief], lines, count);
		layout.widths = draw->widths[brief];
		if (room_for_bar(draw, &layout) >= BAR_GOOD)
			break;
	}
	int room = room_for_bar(draw, &layout);
	layout.bar = room >= BAR_MIN ? min_of((unsigned)room, BAR_MAX) : 0;
	return layout;
}

static void end_line(struct liveframe *frame, unsigned width)
{
	buf_addc(&frame->text, '\n');
	frame->width[frame->count++] = width;
}

/* Takes the blanks at its end off a line; returns how many. */
static unsigned trim(struct buf *text)
{
	size_t before = text->len;

	while (text->len > 0 && text->data[text->len - 1] == ' ')
		text->data[--text->len] = '\0';
	return (unsigned)(before - text->len);
}

/* Without a bar a line is plain ASCII, so what does not fit can be cut off. */
static void add_line(const struct livedraw *draw, const struct layout *layout,
	const struct line *line, struct liveframe *frame)
{
	const struct livewidths *widths = &layout->widths;
	struct buf text = BUF_INIT;

	buf_addf(&text, "%-*.*s  %-*s  ", (int)layout->name, (int)layout->name, line->row->dyno,
		(int)widths->text, line->text.data);
	unsigned width = (unsigned)text.len;
	if (layout->bar > 0) {
		add_bar(draw, line, layout->bar, &text);
		buf_addc(&text, ' ');
		width += layout->bar + 2 + 1;
	}
	buf_addf(&text, "%*s%s", (int)widths->time, line->time, line->rest);
	width += widths->time + (unsigned)strlen(line->rest);
	width -= trim(&text);
	if (layout->bar == 0 && width > draw->columns - 1)
		text.len = width = draw->columns - 1;
	buf_append(&frame->text, text.data, text.len);
	end_line(frame, width);
	buf_release(&text);
}

static void add_rest(const struct livedraw *draw, const struct livework *work, size_t rest,
	struct liveframe *frame)
{
	static const char *const done[LIVE_KINDS] = {"up", "stopped", "restarted"};
	struct buf text = BUF_INIT;

	buf_addf(&text, "and %zu more, %zu of %zu %s", rest, work->done, work->count,
		done[work->kind]);
	unsigned width = min_of((unsigned)text.len, draw->columns - 1);
	buf_append(&frame->text, text.data, width);
	end_line(frame, width);
	buf_release(&text);
}

/* One row is the cursor's. */
size_t livedraw_room(const struct livedraw *draw)
{
	unsigned rows = draw->rows > 1 ? draw->rows - 1 : 1;

	return min_of(rows, LIVE_LINES_MAX);
}

void livedraw_frame(
	struct livedraw *draw, const struct livework *work, nsec_t now, struct liveframe *frame)
{
	const struct live_row *rows[LIVE_LINES_MAX];
	struct line lines[LIVE_LINES_MAX];
	size_t left = work->count - work->done;
	size_t room = livedraw_room(draw);

	buf_reset(&frame->text);
	frame->count = 0;
	size_t count = livework_pick(work, rows, left > room ? room - 1 : room);
	for (size_t i = 0; i < count; i++)
		lines[i] = (struct line){.row = rows[i]};
	struct layout layout = lay_out(draw, work, lines, count, now);
	for (size_t i = 0; i < count; i++) {
		add_line(draw, &layout, &lines[i], frame);
		buf_release(&lines[i].text);
	}
	if (left > count)
		add_rest(draw, work, left - count, frame);
}

void liveframe_release(struct liveframe *frame)
{
	buf_release(&frame->text);
	frame->count = 0;
}

/* ---- a line that stays ---- */

static void add_detail(struct buf *out, const char *what, nsec_t time)
{
	char text[DURATION_TEXT];

	if (time >= 0)
		buf_addf(out, "%s%s %s", out->len > 0 ? ", " : "", what, show_time(time, "", text));
}

/* "drained 0.2, released 0.3, status 0" */
static void add_report(const struct live_report *report, bool with_end, struct buf *out)
{
	if (report->launch == 0)
		return;
	add_detail(out, "drained", report->drained);
	add_detail(out, "released", report->released);
	if (with_end)
		add_detail(out, "ended", report->took);
	if (out->len > 0)
		buf_adds(out, ", ");
	if (report->status >= 0)
		buf_addf(out, "status %d", report->status);
	else
		buf_adds(out, "unknown status");
}

static void detail_start(const struct live_row *row, bool failed, struct buf *out)
{
	if (failed || row->boot.launch == 0)
		return;
	buf_addf(out, "pid %d", row->boot.pid);
	if (row->boot.port > 0)
		buf_addf(out, ", port %d", row->boot.port);
}

static void detail_stop(const struct live_row *row, bool failed, struct buf *out)
{
	(void)failed;
	add_report(&row->report, false, out);
}

static void detail_restart(const struct live_row *row, bool failed, struct buf *out)
{
	struct buf old = BUF_INIT;

	if (!failed && row->boot.up_at != 0)
		add_detail(out, "new up", row->boot.up_at - row->boot.began);
	if (!row->report.is_new)
		add_report(&row->report, true, &old);
	if (old.len > 0)
		buf_addf(out, "%sold %s", out->len > 0 ? "; " : "", old.data);
	buf_release(&old);
}

/* How long it took: of a stop from the first signal, of a start from the launch until it was up, of
 * anything else from its beginning; -1 when nothing was seen of it. */
static nsec_t time_taken(enum live_kind kind, const struct live_row *row, bool failed, nsec_t now)
{
	if (kind == LIVE_STOP)
		return row->report.launch != 0 ? row->report.took : -1;
	if (kind == LIVE_START && !failed && row->boot.launch != 0)
		return (row->boot.up_at != 0 ? row->boot.up_at : now) - row->boot.began;
	return row->began != 0 ? now - row->began : -1;
}

static void add_done(nsec_t took, const struct buf *details, struct buf *out)
{
	char text[DURATION_TEXT];

	if (took >= 0)
		buf_addf(out, " in %s", show_time(took, " s", text));
	if (details->len > 0)
		buf_addf(out, ": %s", details->data);
}

static void add_failed(nsec_t took, const struct buf *details, struct buf *out)
{
	char text[DURATION_TEXT];

	if (took >= 0)
		buf_addf(out, " (after %s%s%s)", show_time(took, " s", text),
			details->len > 0 ? ", " : "", details->len > 0 ? details->data : "");
}

/* What else there is to say of its stop; names of processes may hold anything. */
static void add_evidence(
	const struct livedraw *draw, const struct live_report *report, struct buf *out)
{
	bool killed = report->killed[0] != '\0';
	const char *text = killed ? report->killed : report->evidence;

	if (!killed && !report->remarkable)
		return;
	buf_adds(out, paint(draw, YELLOW));
	buf_adds(out, killed ? "; killed " : "; ");
	utf8_append_safe(out, text, strlen(text));
	buf_adds(out, paint(draw, PLAIN));
}

static void add_said(const struct livedraw *draw, const struct livework *work, const char *dyno,
	bool failed, const char *said, struct buf *out)
{
	buf_addf(out, "%-*s  %s", (int)work->name_width, dyno, paint(draw, failed ? RED : GREEN));
	utf8_append_safe(out, said, strlen(said));
	buf_adds(out, paint(draw, PLAIN));
}

void livedraw_result(const struct livedraw *draw, const struct livework *work,
	const struct live_row *row, bool failed, const char *said, nsec_t now, struct buf *out)
{
	static void (*const detail[LIVE_KINDS])(const struct live_row *, bool, struct buf *) = {
		detail_start, detail_stop, detail_restart};
	nsec_t took = time_taken(work->kind, row, failed, now);
	struct buf details = BUF_INIT;

	detail[work->kind](row, failed, &details);
	add_said(draw, work, row->dyno, failed, said, out);
	if (failed)
		add_failed(took, &details, out);
	else
		add_done(took, &details, out);
	add_evidence(draw, &row->report, out);
	buf_addc(out, '\n');
	buf_release(&details);
}

void livedraw_revised(const struct livedraw *draw, const struct livework *work, const char *dyno,
	const char *said, struct buf *out)
{
	add_said(draw, work, dyno, true, said, out);
	buf_addc(out, '\n');
}

void livedraw_note(const struct livework *work, const char *dyno, const char *text, struct buf *out)
{
	buf_addf(out, "%-*s  ", (int)work->name_width, dyno);
	utf8_append_safe(out, text, strlen(text));
	buf_addc(out, '\n');
}
