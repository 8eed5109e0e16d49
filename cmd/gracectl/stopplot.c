/* stopplot: see the header. */
#include "stopplot.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

const char *const stopplot_side_names[STOPPLOT_SIDES] = {"inbound", "outbound"};
const char *const stopplot_at_exit = "at exit";

/* ---- numbers of a document, which may be anything ---- */

static int64_t clamp(const struct stopplot *plot, int64_t ms)
{
	return ms < 0 ? 0 : ms > plot->ms ? plot->ms : ms;
}

static int64_t count_of(const bson_t *doc, const char *key)
{
	int64_t count = doc_int(doc, key);

	return count < 0 ? 0 : count > INT32_MAX ? INT32_MAX : count;
}

/* ---- phases ---- */

static void add_phase(
	struct stopplot *plot, const char *name, int64_t begin, int64_t end, int64_t *closed)
{
	bool open = end == STOPDOC_NEVER;

	end = open ? plot->ms : clamp(plot, end);
	if (begin > end)
		begin = end; /* out of order: a moment */
	plot->phases[plot->phase_count++] =
		(struct stopplot_phase){.name = name, .begin = begin, .end = end, .open = open};
	if (!open && end > *closed)
		*closed = end;
}

/*
 * Each phase begins where the last one before it ended. One that nothing speaks for, such as the
 * draining of a program without connections, is not drawn.
 */
static void find_phases(struct stopplot *plot)
{
	static const struct {
		const char *name, *end, *count;
	} rows[] = {
		{"accepting", "not_accepting_ms", "listeners"},
		{"draining", "drained_ms", "inbound"},
		{"releasing", "released_ms", "outbound"},
	};
	int64_t closed = 0;
	bool unfinished = false;

	for (size_t i = 0; plot->visible && i < sizeof rows / sizeof *rows; i++) {
		int64_t end = stopdoc_time(plot->stop, rows[i].end);
		if (end == STOPDOC_NEVER && doc_int(plot->stop, rows[i].count) == 0)
			continue;
		add_phase(plot, rows[i].name, closed, end, &closed);
		unfinished |= end == STOPDOC_NEVER;
	}
	if (!unfinished)
		add_phase(plot, plot->phase_count > 0 ? "ending" : "stopping", closed, plot->ms,
			&closed);
}

/* ---- arrays ---- */

static void take_signal(struct stopplot *plot, const bson_t *item)
{
	if (plot->signal_count < STOPPLOT_SIGNALS)
		plot->signals[plot->signal_count++] = (struct stopplot_signal){
			.ms = clamp(plot, doc_int(item, "ms")),
			.name = doc_text(item, "signal"),
			.processes = count_of(item, "processes"),
		};
}

static void take_step(struct stopplot *plot, const bson_t *item)
{
	struct stopplot_step step = {.ms = clamp(plot, doc_int(item, "ms"))};

	if (plot->step_count == STOPPLOT_STEPS)
		return;
	for (size_t side = 0; side < STOPPLOT_SIDES; side++) {
		step.open[side] = count_of(item, stopplot_side_names[side]);
		if (step.open[side] > plot->most[side])
			plot->most[side] = step.open[side];
	}
	plot->steps[plot->step_count++] = step;
}

static void take_exit(struct stopplot *plot, const bson_t *item)
{
	if (plot->exit_count < STOPPLOT_EXITS)
		plot->exits[plot->exit_count++] = (struct stopplot_exit){
			.ms = clamp(plot, doc_int(item, "ms")),
			.pid = doc_int(item, "pid"),
			.name = doc_text(item, "name"),
		};
}

static void for_items(struct stopplot *plot, const char *key,
	void (*take)(struct stopplot *plot, const bson_t *item))
{
	bson_t array, item;
	bson_iter_t iter;

	if (!doc_child(plot->stop, key, &array) || !bson_iter_init(&iter, &array))
		return;
	while (bson_iter_next(&iter))
		if (doc_at(&iter, &item))
			take(plot, &item);
}

/* ---- the whole ---- */

/* The time allowed is in the picture when the stop needed a good part of it. */
static int64_t find_span(const struct stopplot *plot)
{
	int64_t span = plot->ms > 0 ? plot->ms : 1;

	return plot->allowed > span && plot->allowed <= 2 * span ? plot->allowed : span;
}

void stopplot_init(struct stopplot *plot, const bson_t *stop)
{
	*plot = (struct stopplot){
		.stop = stop,
		.dyno = doc_text(stop, "dyno"),
		.reason = stopdoc_reason(stop),
		.verdict = doc_text(stop, "verdict"),
		.evidence = doc_text(stop, "evidence"),
		.peers = doc_text(stop, "peers"),
		.began = stopdoc_began(stop),
		.ms = stopdoc_ms(stop),
		.allowed = stopdoc_allowed(stop),
		.visible = doc_int(stop, "visible") != 0,
		.coarse = strcmp(doc_text(stop, "watched"), "looks") == 0,
	};
	plot->span = find_span(plot);
	for (size_t side = 0; side < STOPPLOT_SIDES; side++)
		plot->at_signal[side] = count_of(stop, stopplot_side_names[side]);
	find_phases(plot);
	for_items(plot, "signals", take_signal);
	if (plot->visible)
		for_items(plot, "connections", take_step);
	for_items(plot, "exits", take_exit);
	plot->processes = (size_t)count_of(stop, "processes");
	if (plot->processes < plot->exit_count)
		plot->processes = plot->exit_count;
	if (plot->signal_count == 0 && doc_text(stop, "signal")[0] != '\0')
		plot->signals[plot->signal_count++] = (struct stopplot_signal){
			.name = doc_text(stop, "signal"),
			.processes = count_of(stop, "processes"),
		};
}

int64_t stopplot_open_between(
	const struct stopplot *plot, enum stopplot_side side, int64_t from, int64_t to)
{
	int64_t most = 0, now = 0;

	for (size_t i = 0; i < plot->step_count && plot->steps[i].ms <= to; i++) {
		now = plot->steps[i].open[side];
		if (plot->steps[i].ms <= from)
			most = now; /* it was so when the time began */
		else if (now > most)
			most = now;
	}
	return most;
}

/* ---- the axis ---- */

int64_t stopplot_tick(int64_t span, unsigned parts)
{
	static const int factors[] = {1, 2, 5};

	for (int64_t power = 1; power < INT64_MAX / 10000; power *= 10)
		for (size_t i = 0; i < sizeof factors / sizeof *factors; i++)
			if (span <= factors[i] * power * (int64_t)parts)
				return factors[i] * power;
	return span;
}

const char *stopplot_tick_label(int64_t ms, int64_t step, char text[static STOPPLOT_LABEL])
{
	int digits = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;

	snprintf(text, STOPPLOT_LABEL, "%.*f", ms == 0 ? 0 : digits, (double)ms / 1000.);
	return text;
}

/* ---- words ---- */

size_t stopplot_line(const char *text, size_t columns)
{
	size_t used = 0, blank = 0, len = strlen(text), bytes;
	uint32_t code;

	for (size_t at = 0; at < len; at += bytes) {
		bytes = utf8_decode(text + at, len - at, &code);
		used += utf8_columns(code);
		if (used > columns)
			return text[at] == ' ' || blank == 0 ? at : blank;
		if (text[at] == ' ')
			blank = at;
	}
	return len;
}

void stopplot_title(const struct stopplot *plot, struct buf *out)
{
	buf_addf(out, "%s, %s: %s", plot->dyno, plot->reason[0] != '\0' ? plot->reason : "stop",
		plot->verdict[0] != '\0' ? plot->verdict : "no verdict");
}

void stopplot_subtitle(const struct stopplot *plot, struct buf *out)
{
	char time[TIME_TEXT], took[STOPDOC_TEXT], allowed[DURATION_TEXT];

	buf_addf(out, "%.10s ", time_format_log(plot->began, time));
	buf_addf(out, "%.8s UTC, took %s%s", time + 11,
		stopdoc_is_at_most(plot->stop) ? "at most " : "", stopdoc_seconds(plot->ms, took));
	if (plot->allowed != STOPDOC_NEVER)
		buf_addf(out, " of the %s allowed", stopdoc_allowed_text(plot->allowed, allowed));
}

void stopplot_peers(const struct stopplot *plot, struct buf *out)
{
	if (plot->peers[0] != '\0')
		buf_addf(out, "outbound: %s", plot->peers);
}

void stopplot_evidence(const struct stopplot *plot, struct buf *out)
{
	buf_adds(out, plot->evidence);
}

void stopplot_note(const struct stopplot *plot, struct buf *out)
{
	if (!plot->visible)
		buf_adds(out, "its connections could not be seen");
	else if (plot->step_count == 0 &&
		 plot->at_signal[STOPPLOT_INBOUND] + plot->at_signal[STOPPLOT_OUTBOUND] > 0)
		buf_addf(out,
			"%lld inbound and %lld outbound connections at the signal; how they fell "
			"was not recorded",
			(long long)plot->at_signal[STOPPLOT_INBOUND],
			(long long)plot->at_signal[STOPPLOT_OUTBOUND]);
	else if (plot->coarse)
		buf_adds(out, "looked at once a second: times are that coarse");
}
