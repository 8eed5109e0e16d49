/* stopline: see the header. */
#include "stopline.h"

#include <string.h>

#include "stopdoc.h"

/* How a verdict looks: what is well does not catch the eye. */
static const char *color_of(const char *verdict, size_t len)
{
	static const struct {
		const char *begin, *sgr;
	} looks[] = {
		{"clean", "2"},
		{"forced", "1;31"},
		{"refused", "1;31"},
		{"cut", "31"},
		{"status", "31"},
	};

	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (strncmp(verdict, looks[i].begin, strlen(looks[i].begin)) == 0 &&
			len >= strlen(looks[i].begin))
			return looks[i].sgr;
	return "33";
}

static void add_verdict(struct logprint *print, const bson_t *stop)
{
	const char *at = doc_text(stop, "verdict"), *part, *separator = "";
	size_t len;

	while ((part = stopdoc_next_verdict(&at, &len)) != NULL) {
		buf_adds(&print->out, separator);
		logprint_color(print, color_of(part, len));
		logprint_text(print, part, len);
		logprint_plain(print);
		separator = ", ";
	}
}

/* "4 in, 10 out (127.0.0.1:27017 x10)": what was open at the signal. */
static void add_open(struct logprint *print, const bson_t *stop)
{
	const char *peers = doc_text(stop, "peers");

	if (doc_int(stop, "visible") == 0) {
		buf_adds(&print->out, "connections unknown");
		return;
	}
	buf_addf(&print->out, "%lld in, %lld out", (long long)doc_int(stop, "inbound"),
		(long long)doc_int(stop, "outbound"));
	if (peers[0] == '\0')
		return;
	buf_adds(&print->out, " (");
	logprint_text(print, peers, strlen(peers));
	buf_addc(&print->out, ')');
}

static void add_phases(struct logprint *print, const bson_t *stop)
{
	static const struct {
		const char *key, *words;
	} phases[] = {
		{"not_accepting_ms", "not accepting"},
		{"drained_ms", "drained"},
		{"released_ms", "released"},
	};
	const char *separator = ": ";
	char text[STOPDOC_TEXT];

	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
		int64_t ms = stopdoc_time(stop, phases[i].key);
		if (ms == STOPDOC_NEVER)
			continue;
		buf_addf(&print->out, "%s%s %s", separator, phases[i].words,
			stopdoc_seconds(ms, text));
		separator = ", ";
	}
}

/* "   2.14s of 30s   " */
static void add_time(struct logprint *print, const bson_t *stop)
{
	char took[STOPDOC_TEXT], allowed[DURATION_TEXT];
	int64_t most = stopdoc_allowed(stop);

	buf_addf(&print->out, stopdoc_is_at_most(stop) ? " at most %s" : "%8s",
		stopdoc_seconds(stopdoc_ms(stop), took));
	buf_addf(&print->out, " %s %-5s", most != STOPDOC_NEVER ? "of" : "  ",
		most != STOPDOC_NEVER ? stopdoc_allowed_text(most, allowed) : "");
}

/* 2026-06-09T16:13:42Z web.1      stop            2.14s of 30s   clean  4 in, ... */
void stopline_print(struct logprint *print, const struct logview_line *line)
{
	enum {
		WIDTH = 7 /* "restart" */
	};
	const bson_t *stop = line->event;
	const char *evidence = doc_text(stop, "evidence"), *reason = stopdoc_reason(stop);
	char time[TIME_TEXT];

	print->safe = true;
	logprint_color(print, logprint_color_of(print, line->dyno));
	buf_addf(&print->out, "%.19sZ ", time_format_log(line->time, time));
	logprint_name(print, line->dyno);
	logprint_plain(print);
	buf_addc(&print->out, ' ');
	logprint_text(print, reason, strlen(reason));
	buf_addf(
		&print->out, "%*s", strlen(reason) < WIDTH ? (int)(WIDTH - strlen(reason)) : 0, "");
	add_time(print, stop);
	buf_addc(&print->out, ' ');
	add_verdict(print, stop);
	buf_adds(&print->out, "  "); /* behind "status 143" a number follows */
	add_open(print, stop);
	add_phases(print, stop);
	if (evidence[0] != '\0') {
		buf_adds(&print->out, "; ");
		logprint_text(print, evidence, strlen(evidence));
	}
	buf_addc(&print->out, '\n');
}
