/* Tests of livedraw: the frame that moves, and the lines that stay. */
#include "liverig.h"
#include "utf8.h"

static struct liveframe frame;

static void begin_many(enum live_kind kind, unsigned count)
{
	struct buf base = BUF_INIT;

	for (unsigned i = 1; i <= count; i++)
		buf_addf(&base, "%s{\"dyno\": \"web.%u\"}", i > 1 ? ", " : "[", i);
	buf_addc(&base, ']');
	begin(kind, base.data);
	buf_release(&base);
}

static const char *drawn(nsec_t now)
{
	livedraw_frame(&draw, &work, now, &frame);
	return frame.text.len > 0 ? frame.text.data : "";
}

static const char *result(const char *dyno, bool failed, const char *said, nsec_t now)
{
	static struct buf out;
	const struct live_row *row = livework_result(&work, dyno);

	buf_reset(&out);
	if (row == NULL)
		return NULL;
	livedraw_result(&draw, &work, row, failed, said, now, &out);
	return out.data;
}

/* How many columns a line takes; a sequence that begins a colour takes none. */
static unsigned columns_of(const char *line, size_t len)
{
	unsigned columns = 0;

	for (size_t i = 0; i < len;) {
		uint32_t code;
		if (line[i] == '\033') {
			i += strcspn(line + i, "m") + 1;
			continue;
		}
		i += utf8_decode(line + i, len - i, &code);
		columns++;
	}
	return columns;
}

static unsigned widest(void)
{
	unsigned most = 0;

	for (size_t at = 0; at < frame.text.len;) {
		size_t len = strcspn(frame.text.data + at, "\n");
		unsigned columns = columns_of(frame.text.data + at, len);
		most = columns > most ? columns : most;
		at += len + 1;
	}
	return most;
}

/* ---- a frame ---- */

static void test_frame(void)
{
	begin(LIVE_STOP, TWO);
	tell_stop("web.1", 7, T0);
	tell_stop("worker.1", 3, T0);
	look("web.1", 7, DRAINING, AT(4.2));
	is_str(drawn(AT(4.2)),
		"web.1     draining 3 connections    "
		"▕███▊▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▏ 4.2 s of 30 s\n"
		"worker.1  stopping                  "
		"▕███▊▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▏ 4.2 s of 30 s\n",
		"a frame has a line for each dyno, with a bar up to its deadline");
	draw.unicode = false;
	is_str(drawn(AT(4.2)),
		"web.1     draining 3 connections    [###------------------------] 4.2 s of 30 s\n"
		"worker.1  stopping                  [###------------------------] 4.2 s of 30 s\n",
		"without Unicode the bar is ASCII");
	draw.columns = 50;
	is_str(drawn(AT(4.2)),
		"web.1     draining 3  [##--------------] 4.2/30 s\n"
		"worker.1  stopping    [##--------------] 4.2/30 s\n",
		"with less room it is brief");
	draw.columns = 36;
	is_str(drawn(AT(4.2)),
		"web.1     draining 3  4.2/30 s\n"
		"worker.1  stopping    4.2/30 s\n",
		"with little room there is no bar");
	draw.columns = 18;
	is_str(drawn(AT(4.2)),
		"web.1     drainin\n"
		"worker.1  stoppin\n",
		"with hardly any the line is cut");
}

static void test_times(void)
{
	begin(LIVE_STOP, ONE);
	draw.unicode = false;
	tell(EVENT_STOP, "\"dyno\": \"web.1\", \"launch\": 7, \"ladder\": \"TERM/5m/KILL/5\"", T0);
	is_str(drawn(AT(9.97)),
		"web.1  stopping                  [------------------------------] "
		"9.9 s of 5m\n",
		"a long time has its own units");
	is_str(drawn(AT(125)),
		"web.1  stopping                  [############------------------]  "
		"2m5s of 5m\n",
		"also where it has passed");
	is_str(drawn(AT(400)),
		"web.1  stopping                  [##############################] "
		"6m40s of 5m\n",
		"a bar is never more than full");
	begin(LIVE_STOP, ONE);
	draw.unicode = false;
	tell(EVENT_STOP, "\"dyno\": \"web.1\", \"launch\": 7, \"ladder\": \"TERM/forever\"", T0);
	is_str(drawn(AT(2)),
		"web.1  stopping                                                   2.0 s\n",
		"without a deadline there is no bar");
	is_str(drawn(T0 - 1),
		"web.1  stopping                                                   0.0 s\n",
		"a time does not run backwards");
}

static void test_bars_stay(void)
{
	begin(LIVE_STOP, ONE);
	draw.unicode = false;
	tell_stop("web.1", 7, T0);
	look("web.1", 7,
		"\"phase\": \"accepting\", \"inbound\": 123456, \"kill_in_ms\": 1000, "
		"\"elapsed_ms\": 0",
		T0);
	size_t before = strcspn(drawn(T0), "[");
	tell(EVENT_DRAINED, "\"dyno\": \"web.1\", \"launch\": 7", AT(.2));
	is_int((int64_t)strcspn(drawn(AT(.2)), "["), (int64_t)before,
		"a bar stays where it is when the words get fewer");
}

static void test_restart_frames(void)
{
	begin(LIVE_RESTART, ONE);
	draw.columns = 40;
	tell_stop("web.1", 7, T0);
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123", T0);
	is_str(drawn(AT(1)), "web.1  starting, old stopping  1.0/30 s\n",
		"of a restart both instances are shown");
	tell(EVENT_STATE, "\"dyno\": \"web.1\", \"to\": \"up\"", AT(1));
	is_str(drawn(AT(2)), "web.1  up, old stopping        2.0/30 s\n",
		"the new one when it is up");
	tell(EVENT_STOPPED, "\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 2500", AT(2.5));
	is_str(drawn(AT(3)), "web.1  up\n", "and alone when the old one has ended");
}

static void test_boot_timeout(void)
{
	begin(LIVE_START, ONE);
	draw.columns = 30;
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123", T0);
	is_str(drawn(AT(60)), "web.1  starting  60.0 s\n", "what starts is shown as that");
	tell(EVENT_BOOT_KILL, "\"dyno\": \"web.1\", \"launch\": 8, \"signal\": \"SIGKILL\"",
		AT(60));
	is_str(drawn(AT(60)), "web.1  killed     0.0 s\n",
		"one that is stopped before it is up is not an old one");
	tell(EVENT_STOPPED, "\"dyno\": \"web.1\", \"launch\": 8, \"ms\": 10", AT(60.01));
	is_str(drawn(AT(61)), "web.1  waiting\n", "and is not starting any more when it has ended");
}

static void test_sizes(void)
{
	bool fits = true, low = true, told = true;

	begin_many(LIVE_STOP, 60);
	for (unsigned i = 1; i <= 60; i++) {
		char name[16];
		snprintf(name, sizeof name, "web.%u", i);
		tell_stop(name, i, T0);
	}
	for (unsigned color = 0; color < 2; color++)
		for (unsigned columns = 1; columns <= 200; columns++)
			for (unsigned rows = 1; rows <= 70; rows += 3) {
				draw.columns = columns;
				draw.rows = rows;
				draw.color = color;
				drawn(AT(7.3));
				fits = fits && widest() < columns;
				low = low && frame.count <= (rows > 1 ? rows - 1 : 1);
				for (size_t i = 0; i < frame.count; i++)
					told = told && frame.width[i] < columns;
				told = told && widest() <= frame.width[0] + 20;
			}
	ok(fits, "no line fills the width of the terminal, whatever that is");
	ok(low, "no frame fills the height of the terminal");
	ok(told, "the widths that are told are not too wide either");
	draw.columns = 80;
	drawn(AT(1));
	is_int(frame.width[0], widest(), "the width of a line is told as it is");
}

static void test_many(void)
{
	begin_many(LIVE_STOP, 60);
	draw.rows = 5;
	draw.columns = 30;
	tell_stop("web.50", 1, T0);
	is_str(drawn(AT(1)),
		"web.50  stopping  1.0/30 s\n"
		"web.1   waiting\n"
		"web.2   waiting\n"
		"and 57 more, 0 of 60 stopped\n",
		"who moves comes first, and the rest is counted");
	result("web.50", false, "stopped", AT(2));
	result("web.1", false, "stopped", AT(2));
	is_str(drawn(AT(2)),
		"web.2   waiting\n"
		"web.3   waiting\n"
		"web.4   waiting\n"
		"and 55 more, 2 of 60 stopped\n",
		"who is done leaves the frame");
	begin_many(LIVE_START, 3);
	draw.rows = 4;
	drawn(T0);
	is_int((int64_t)frame.count, 3, "as many as there is room for are all shown");
}

static void test_colors(void)
{
	begin(LIVE_STOP, ONE);
	draw.color = true;
	tell_stop("web.1", 7, T0);
	ok(strstr(drawn(AT(3)), "\033[32m") != NULL, "there is time: the bar is green");
	ok(strstr(drawn(AT(16)), "\033[33m") != NULL, "half of it is gone: yellow");
	ok(strstr(drawn(AT(25)), "\033[31m") != NULL, "it is nearly over: red");
	ok(strstr(drawn(AT(25)), "\033[0m▏") != NULL, "the colour ends with the bar");
	draw.color = false;
	ok(strchr(drawn(AT(25)), '\033') == NULL, "without colours there is no escape sequence");
}

/* ---- what stays ---- */

static void test_results(void)
{
	begin(LIVE_STOP, TWO);
	tell_stop("web.1", 7, T0);
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 400, \"visible\": 1, "
		"\"drained_ms\": 200, \"released_ms\": 310, \"status\": 0, \"verdict\": \"clean\"",
		AT(.4));
	is_str(result("web.1", false, "stopped", AT(.5)),
		"web.1     stopped in 0.4 s: drained 0.2, released 0.3, status 0\n",
		"a stop tells its phases");
	is_str(result("worker.1", false, "stopped", AT(.5)), "worker.1  stopped\n",
		"one of which nothing was seen tells no more than that");

	begin(LIVE_STOP, ONE);
	tell_stop("web.1", 7, T0);
	tell(EVENT_LEFT, "\"dyno\": \"web.1\", \"names\": \"12 (de\\u001b[31maf)\"", AT(30));
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 30020, \"status\": 137, "
		"\"drained_ms\": 0, \"verdict\": \"forced, status 137\", \"evidence\": \"...\"",
		AT(30));
	is_str(result("web.1", true, "had to be killed", AT(31)),
		"web.1  had to be killed (after 30.0 s, status 137); killed 12 (de\\x1b[31maf)\n",
		"who had to be killed is named, and no name can do anything to the terminal");

	begin(LIVE_STOP, ONE);
	tell_stop("web.1", 7, T0);
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 42, \"verdict\": \"leaked\", "
		"\"evidence\": \"2 were open\"",
		AT(.1));
	is_str(result("web.1", false, "stopped", AT(.1)),
		"web.1  stopped in 0.04 s: unknown status; 2 were open\n",
		"a verdict that is not clean is told with its evidence");
}

static void test_other_results(void)
{
	begin(LIVE_START, ONE);
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123, \"port\": 5000", T0);
	is_str(result("web.1", false, "up", AT(1.25)), "web.1  up in 1.2 s: pid 123, port 5000\n",
		"a start tells pid and port");
	begin(LIVE_START, ONE);
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123", T0);
	is_str(result("web.1", true, "did not come up: exited with status 1", AT(.5)),
		"web.1  did not come up: exited with status 1 (after 0.5 s)\n",
		"a start that failed tells why");
	begin(LIVE_RESTART, ONE);
	tell(EVENT_RESTART, "\"dyno\": \"web.1\"", T0);
	tell_stop("web.1", 7, T0);
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123", T0);
	tell(EVENT_STATE, "\"dyno\": \"web.1\", \"to\": \"up\"", AT(.5));
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 1000, \"visible\": 1, "
		"\"drained_ms\": 800, \"status\": 0, \"verdict\": \"clean\"",
		AT(1));
	is_str(result("web.1", false, "restarted", AT(1)),
		"web.1  restarted in 1.0 s: new up 0.5; old drained 0.8, ended 1.0, status 0\n",
		"a restart tells of both instances");
	begin(LIVE_RESTART, ONE);
	tell_stop("web.1", 7, AT(.2));
	tell(EVENT_STOPPED, "\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 1000, \"status\": 0",
		AT(1.1));
	is_str(result("web.1", false, "restarted", AT(1.1)),
		"web.1  restarted in 1.0 s: old ended 1.0, status 0\n",
		"which takes no less time than the end of the old one, whenever that was heard of");
	begin(LIVE_RESTART, ONE);
	tell(EVENT_RESTART, "\"dyno\": \"web.1\"", AT(10));
	look("web.1", 7, DRAINING, AT(10));
	tell(EVENT_STOPPED, "\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 5000, \"status\": 0",
		AT(11));
	is_str(result("web.1", false, "restarted", AT(11)),
		"web.1  restarted in 1.0 s: old ended 5.0, status 0\n",
		"but the end of one that was being stopped before does not make it longer");
}

static void test_revised(void)
{
	struct buf out = BUF_INIT;

	begin(LIVE_START, TWO);
	result("web.1", false, "up", T0);
	livedraw_revised(&draw, &work, "web.1", "was up, and crashed: \033", &out);
	is_str(out.data, "web.1     was up, and crashed: \\x1b\n",
		"a line that has become untrue says what is true, and nothing else");
	buf_reset(&out);
	draw.color = true;
	livedraw_revised(&draw, &work, "web.1", "was up, and crashed", &out);
	is_str(out.data, "web.1     \033[31mwas up, and crashed\033[0m\n", "it is red");
	buf_release(&out);
}

/* A new instance that does not come up, and the one that is tried after it. */
static void tell_boot_timeout(void)
{
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 8, \"pid\": 123", T0);
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 8, \"ms\": 6, \"status\": 137, "
		"\"verdict\": \"status 137\"",
		AT(3));
	tell(EVENT_LAUNCH, "\"dyno\": \"web.1\", \"launch\": 9, \"pid\": 124", AT(3));
}

static void test_boots_that_fail(void)
{
	begin(LIVE_START, ONE);
	tell_boot_timeout();
	is_str(result("web.1", true, "did not come up: boot timeout", AT(3)),
		"web.1  did not come up: boot timeout (after 3.0 s)\n",
		"a start that failed took as long as the instance that did not come up");
	begin(LIVE_RESTART, ONE);
	tell_boot_timeout();
	is_str(result("web.1", true, "did not come up: boot timeout", AT(3)),
		"web.1  did not come up: boot timeout (after 3.0 s)\n",
		"the end of a new instance is not told as that of an old one");
	begin(LIVE_RESTART, ONE);
	tell_stop("web.1", 7, T0);
	tell(EVENT_STOPPED,
		"\"dyno\": \"web.1\", \"launch\": 7, \"ms\": 1000, \"status\": 143, "
		"\"verdict\": \"status 143\"",
		AT(1));
	tell_boot_timeout();
	is_str(result("web.1", true, "did not come up: boot timeout", AT(3)),
		"web.1  did not come up: boot timeout (after 3.0 s, old ended 1.0, status 143)\n",
		"the end of the old instance is told although the new one has ended too");
}

int main(void)
{
	test_frame();
	test_times();
	test_bars_stay();
	test_restart_frames();
	test_boot_timeout();
	test_sizes();
	test_many();
	test_colors();
	test_results();
	test_other_results();
	test_revised();
	test_boots_that_fail();
	livework_release(&work);
	liveframe_release(&frame);
	return tap_done();
}
