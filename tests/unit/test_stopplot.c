/* The picture of a stop: what is in it, and how it looks on a terminal. */
#include "../../cmd/gracectl/canvas.c"
#include "../../cmd/gracectl/stopdoc.c"
#include "../../cmd/gracectl/stopplot-text.c"
#include "../../cmd/gracectl/stopplot.c"

#include "docof.h"
#include "tap.h"

static struct stopplot plot;
static bson_t *stop;

static void given(const char *json)
{
	if (stop != NULL)
		bson_destroy(stop);
	stop = doc_of(json);
	stopplot_init(&plot, stop);
}

static void ticks(void)
{
	char text[STOPPLOT_LABEL];

	is_int(stopplot_tick(1, 10), 1, "no tick is below a millisecond");
	is_int(stopplot_tick(10, 10), 1, "ten parts of one");
	is_int(stopplot_tick(11, 10), 2, "then steps of two");
	is_int(stopplot_tick(2140, 10), 500, "2.14 s have a tick every half second");
	is_int(stopplot_tick(30000, 10), 5000, "30 s have one every five");
	is_int(stopplot_tick(30000, 2), 20000, "or fewer, where there is less room");
	is_str(stopplot_tick_label(1500, 500, text), "1.5", "a label has the digits it needs");
	is_str(stopplot_tick_label(20, 5, text), "0.020", "which may be three");
	is_str(stopplot_tick_label(20000, 5000, text), "20", "or none");
	is_str(stopplot_tick_label(0, 5, text), "0", "zero needs none");
}

static void phases(void)
{
	given("{\"visible\": 1, \"listeners\": 1, \"inbound\": 4, \"outbound\": 10, \"ms\": 2140,"
	      "\"not_accepting_ms\": 10, \"drained_ms\": 2110, \"released_ms\": 2130}");
	is_int((int64_t)plot.phase_count, 4, "a stop that shows all has four phases");
	is_int(plot.phases[2].begin, 2110, "a phase begins where the one before it ended");
	is_int(plot.phases[3].end, 2140, "the last one ends with the last process");
	given("{\"visible\": 1, \"listeners\": 1, \"inbound\": 4, \"outbound\": 10, \"ms\": 2140,"
	      "\"not_accepting_ms\": 10, \"drained_ms\": 2110, \"released_ms\": 300}");
	is_int(plot.phases[2].begin, 300, "one that ended too early is a moment");
	is_int(plot.phases[3].begin, 2110, "and does not move what follows");
	given("{\"visible\": 1, \"listeners\": 1, \"inbound\": 4, \"ms\": 2140,"
	      "\"not_accepting_ms\": 10}");
	is_int((int64_t)plot.phase_count, 2, "what was not finished has nothing behind it");
	ok(plot.phases[1].open, "it is marked as unfinished");
	is_int(plot.phases[1].end, 2140, "and goes on to the end");
	given("{\"visible\": 0, \"listeners\": 1, \"ms\": 2140}");
	is_str(plot.phases[0].name, "stopping", "where nothing can be seen there is one phase");
}

static void axis(void)
{
	given("{\"ms\": 20000, \"allowed_ms\": 30000}");
	is_int(plot.span, 30000, "the time allowed is in the picture when it was nearly needed");
	given("{\"ms\": 2000, \"allowed_ms\": 30000}");
	is_int(plot.span, 2000, "else it would hide the rest");
	given("{\"ms\": 0}");
	is_int(plot.span, 1, "a stop that took no time has an axis");
	given("{\"ms\": 100, \"signals\": [{\"ms\": 999, \"signal\": \"SIGTERM\"}, 7, {}]}");
	is_int(plot.signals[0].ms, 100, "nothing stands behind the end");
	is_int((int64_t)plot.signal_count, 2, "what is no document is passed over");
}

static void steps(void)
{
	given("{\"visible\": 1, \"ms\": 100, \"connections\": ["
	      "{\"ms\": 0, \"inbound\": 2, \"outbound\": 5}, {\"ms\": 10, \"inbound\": 3},"
	      "{\"ms\": 20, \"inbound\": 1, \"outbound\": 5}]}");
	is_int(plot.most[STOPPLOT_INBOUND], 3, "the highest step gives the height");
	is_int(stopplot_open_between(&plot, STOPPLOT_INBOUND, 0, 9), 2, "before the first change");
	is_int(stopplot_open_between(&plot, STOPPLOT_INBOUND, 5, 25), 3, "a peak is not lost");
	is_int(stopplot_open_between(&plot, STOPPLOT_INBOUND, 20, 29), 1, "from the change on");
	is_int(stopplot_open_between(&plot, STOPPLOT_INBOUND, 90, 99), 1, "until the end");
	is_int(stopplot_open_between(&plot, STOPPLOT_OUTBOUND, 12, 15), 0, "each side by itself");
}

static void is_picture(const struct stopplot_screen *screen, const char *expected, const char *name)
{
	struct buf out = BUF_INIT;

	stopplot_text(&plot, screen, &out);
	is_str(out.data, expected, name);
	buf_release(&out);
}

/* clang-format off */
static void pictures(void)
{
	const struct stopplot_screen narrow = {.width = 40}, wide = {.width = 60, .utf8 = true};

	given("{\"time\": \"2026-06-09T16:13:42.5Z\", \"dyno\": \"web.1\", \"reason\": \"stop\","
	      "\"ms\": 2000, \"allowed_ms\": 30000, \"verdict\": \"clean\", \"visible\": 1,"
	      "\"listeners\": 1, \"inbound\": 2, \"outbound\": 4, \"peers\": \"127.0.0.1:27017 x4\","
	      "\"not_accepting_ms\": 0, \"drained_ms\": 1000, \"released_ms\": 1500,"
	      "\"signals\": [{\"ms\": 0, \"signal\": \"SIGTERM\", \"processes\": 2}],"
	      "\"connections\": [{\"ms\": 0, \"inbound\": 2, \"outbound\": 4},"
	      "{\"ms\": 500, \"inbound\": 1, \"outbound\": 4}, {\"ms\": 1000, \"inbound\": 0, \"outbound\": 4},"
	      "{\"ms\": 1500, \"inbound\": 0, \"outbound\": 0}],"
	      "\"exits\": [{\"ms\": 600, \"pid\": 71, \"name\": \"sh\"}, {\"ms\": 2000, \"pid\": 72, \"name\": \"node\"}]}");
	is_picture(&narrow,
		"web.1, stop: clean\n"
		"2026-06-09 16:13:40 UTC, took 2.00s of\n"
		"the 30s allowed\n"
		"\n"
		"          v SIGTERM to 2\n"
		"accepting |                       0ms\n"
		"draining  ############            1.00s\n"
		"releasing            ######       1.50s\n"
		"ending                     ###### 2.00s\n"
		"inbound   ######                  2 -> 0\n"
		"          ############\n"
		"outbound  ##################      4 -> 0\n"
		"          ##################\n"
		"71 sh     ------x                 600ms\n"
		"72 node   ----------------------x 2.00s\n"
		"          +----------+----------+\n"
		"seconds   0          1          2\n"
		"\n"
		"outbound: 127.0.0.1:27017 x4\n",
		"a narrow screen without UTF-8 shows all of it");
	is_picture(&wide,
		"web.1, stop: clean\n"
		"2026-06-09 16:13:40 UTC, took 2.00s of the 30s allowed\n"
		"\n"
		"          ▼ SIGTERM to 2\n"
		"accepting ▏                                           0ms\n"
		"draining  █████████████████████▌                      1.00s\n"
		"releasing                      ▐██████████▎           1.50s\n"
		"ending                                    ▐██████████ 2.00s\n"
		"inbound   ███████████                                 2 → 0\n"
		"          ██████████████████████\n"
		"outbound  █████████████████████████████████           4 → 0\n"
		"          █████████████████████████████████\n"
		"          █████████████████████████████████\n"
		"71 sh     ────────────╳                               600ms\n"
		"72 node   ──────────────────────────────────────────╳ 2.00s\n"
		"          ┴─────────┴──────────┴──────────┴─────────┴\n"
		"seconds   0        0.5        1.0        1.5      2.0\n"
		"\n"
		"outbound: 127.0.0.1:27017 x4\n",
 "a terminal with UTF-8 shows parts of a cell");
	given("{\"ms\": 4, \"signal\": \"SIGQUIT\", \"ladder\": \"QUIT/10\"}");
	is_picture(&narrow,
		", stop: no verdict\n"
		"1970-01-01 00:00:00 UTC, took 4ms\n"
		"\n"
		"          v SIGQUIT\n"
		"stopping  ####################### 4ms\n"
		"          +----------+----------+\n"
		"seconds   0        0.002    0.004\n"
		"\n"
		"its connections could not be seen\n",
		"an old document that says little is drawn with what it says");
}
/* clang-format on */

/* A part of a picture. */
static void has(const struct stopplot_screen *screen, const char *wanted, const char *name)
{
	struct buf out = BUF_INIT;

	stopplot_text(&plot, screen, &out);
	char *found = strstr(out.data, wanted);
	if (found != NULL)
		found[strlen(wanted)] = '\0';
	is_str(found != NULL ? found : out.data, wanted, name);
	buf_release(&out);
}

static void odd_pictures(void)
{
	const struct stopplot_screen screen = {.width = 40};

	given("{\"ms\": 4, \"visible\": 1, \"inbound\": 2, \"connections\": ["
	      "{\"ms\": 0, \"inbound\": 2}, {\"ms\": 2, \"inbound\": 0}]}");
	has(&screen, "\ninbound   ###########            2 -> 0\n",
		"a stop of fewer milliseconds than columns shows its connections from the start");
	given("{\"ms\": 4, \"signals\": [{\"signal\": \"SIGTERM\"}, {\"signal\": \"SIGTERM\"},"
	      "{\"signal\": \"SIGTERM\"}, {\"signal\": \"SIGTERM\"}, {\"signal\": \"SIGINT\"},"
	      "{\"signal\": \"SIGQUIT\"}]}");
	has(&screen,
		"\n          v SIGTERM\n          v SIGTERM\n          v SIGTERM\n"
		"          v SIGTERM               +2\n",
		"how many signals have no room is told");
	given("{\"ms\": 4, \"visible\": 1, \"inbound\": 9223372036854775807,"
	      "\"outbound\": 9223372036854775807}");
	has(&screen, "2147483647 inbound and 2147483647\noutbound",
		"counts beyond all measure are cut off");
	given("{\"ms\": 0, \"visible\": 1, \"listeners\": 1, \"not_accepting_ms\": 31622400000}");
	has(&screen, "\naccepting |                       0ms\n",
		"no phase goes on beyond the end of the stop");
	given("{\"evidence\": \"ääääääääääääääääääääääääääääääääääääääää\"}");
	has(&screen, "\n????????????????????????????????????????\n",
		"characters fill a line, not bytes");
	given("{\"evidence\": "
	      "\"\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0001\\u0002\"}");
	has(&screen, "\\x01\\x01\n\\x02\n",
		"what is longer when it is escaped goes on in the next line");
}

static unsigned columns_of(const char *line, size_t len)
{
	unsigned columns = 0;
	uint32_t code;

	for (size_t at = 0; at < len; columns += utf8_columns(code))
		at += utf8_decode(line + at, len - at, &code);
	return columns;
}

/* The columns of the widest line of a picture. */
static int64_t widest(const struct stopplot_screen *screen)
{
	struct buf out = BUF_INIT;
	unsigned most = 0, columns;
	size_t len;

	stopplot_text(&plot, screen, &out);
	for (const char *at = out.data; *at != '\0'; at += len + 1) {
		len = strcspn(at, "\n");
		columns = columns_of(at, len);
		most = columns > most ? columns : most;
	}
	buf_release(&out);
	return most;
}

static void long_stops(void)
{
	const struct stopplot_screen screen = {.width = 40};

	given("{\"ms\": 99990, \"exits\": [{\"ms\": 99990, \"pid\": 1, \"name\": \"node\"}]}");
	is_int(widest(&screen), 40, "a stop of 99 seconds fills the width");
	given("{\"ms\": 100020, \"exits\": [{\"ms\": 100020, \"pid\": 1, \"name\": \"node\"}]}");
	is_int(widest(&screen), 40, "a longer one goes no further");
	given("{\"ms\": 31622400000, \"visible\": 1, \"listeners\": 1, \"not_accepting_ms\": "
	      "31622400000}");
	is_int(widest(&screen), 40, "nor does the longest");
}

/* Characters that take two columns, or none. */
static void wide_characters(void)
{
	const struct stopplot_screen screen = {.width = 40, .utf8 = true};

	given("{\"ms\": 2000, \"exits\": [{\"ms\": 2000, \"pid\": 1, \"name\": \"服务器\"},"
	      "{\"ms\": 2000, \"pid\": 2, \"name\": \"🚀\"}, {\"ms\": 2000, \"pid\": 3, \"name\": "
	      "\"e\u0301\"}]}");
	has(&screen, "\n1 服务器  ──────────────────────╳ 2.00s\n",
		"a wide character is two columns");
	has(&screen, "\n2 🚀      ──────────────────────╳ 2.00s\n", "a picture, too");
	has(&screen, "\n3 e\u0301       ──────────────────────╳ 2.00s\n", "an accent is none");
	given("{\"ms\": 20000, \"exits\": [{\"ms\": 20000, \"pid\": 4711, \"name\": "
	      "\"服务器服务器\"}]}");
	has(&screen, "\n4711 服务 ──────────────────────╳ 20.00s\n", "half of one is never shown");
	is_int(widest(&screen), 40, "so the rows are as wide as the screen");
	given("{\"evidence\": \"服务器服务器服务器服务器服务器服务器服务器服务器\"}");
	is_int(widest(&screen), 40, "and the words");
}

static void lines(void)
{
	is_int((int64_t)stopplot_line("one two", 10), 7, "what fits is one line");
	is_int((int64_t)stopplot_line("one two", 5), 3, "a line ends at the last blank that fits");
	is_int((int64_t)stopplot_line("one two", 3), 3, "a blank may stand just behind it");
	is_int((int64_t)stopplot_line("onetwo", 4), 4, "without a blank it is cut anywhere");
	is_int((int64_t)stopplot_line("äöü", 2), 4, "but never within a character");
	is_int((int64_t)stopplot_line("服务", 3), 3, "which may be wide");
}

static void nothing_dangerous(void)
{
	const struct stopplot_screen screen = {.width = 80, .utf8 = true};
	struct buf out = BUF_INIT;

	given("{\"dyno\": \"web.1\\u001b[2J\", \"evidence\": \"\\u0007\", \"ms\": "
	      "9223372036854775807,"
	      "\"signals\": [{\"ms\": -1, \"signal\": \"\\u001b\\u00e9\", \"processes\": -1}],"
	      "\"exits\": [{\"ms\": 5, \"pid\": -9223372036854775808, \"name\": \"\\n\"}]}");
	stopplot_text(&plot, &screen, &out);
	ok(strchr(out.data, '\033') == NULL, "no escape sequence gets through");
	ok(strchr(out.data, '\007') == NULL, "and no bell");
	buf_release(&out);
}

int main(void)
{
	ticks();
	phases();
	axis();
	steps();
	pictures();
	odd_pictures();
	long_stops();
	wide_characters();
	lines();
	nothing_dangerous();
	bson_destroy(stop);
	return tap_done();
}
