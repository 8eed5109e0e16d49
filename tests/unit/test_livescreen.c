/* Unit tests of livescreen: what is written to a terminal so that it shows lines that stay above a
 * frame that moves. In what is expected, "^" stands for ESC and "/" for a newline. */
#include "livescreen.h"
#include "tap.h"

static struct livescreen screen;
static struct livedraw size;

/* A new terminal. */
static void begin(unsigned columns, unsigned rows)
{
	livescreen_release(&screen);
	size = (struct livedraw){.columns = columns, .rows = rows};
}

/* What is written to come to a frame of one line, or of none (""). */
static const char *draw(const char *line)
{
	static struct buf out;
	struct liveframe frame = {0};

	if (line[0] != '\0') {
		buf_addf(&frame.text, "%s\n", line);
		frame.width[frame.count++] = (unsigned)strlen(line);
	}
	buf_reset(&out);
	livescreen_draw(&screen, &size, &frame, &out);
	for (size_t i = 0; i < out.len; i++)
		if (out.data[i] == '\033' || out.data[i] == '\n')
			out.data[i] = out.data[i] == '\n' ? '/' : '^';
	return out.len > 0 ? out.data : "";
}

static void test_frames(void)
{
	begin(80, 24);
	is_str(draw("web.1 waits"), "web.1 waits^[K/^[J", "a frame");
	is_str(draw("web.1 waits"), "", "nothing is written when nothing has changed");
	is_str(draw("web.1 starts"), "\r^[1Aweb.1 starts^[K/^[J",
		"a new frame replaces the old one");
	is_str(draw(""), "\r^[1A^[J", "and so does none");
}

static void test_lines(void)
{
	begin(80, 24);
	draw("1 and 2 wait");
	livescreen_add(&screen, "web.1", "1 is up\n");
	is_str(draw("2 waits"), "\r^[1A1 is up^[K/2 waits^[K/^[J",
		"a line that stays stands above the frame");
	livescreen_add(&screen, NULL, "a remark");
	is_str(draw("2 waits"), "\r^[1Aa remark^[K/2 waits^[K/^[J", "a second one below the first");
	is_str(draw("2 starts"), "\r^[1A2 starts^[K/^[J", "what stays is not written again");
	livescreen_replace(&screen, "web.1", "1 crashed\n");
	is_str(draw("2 starts"), "\r^[3A1 crashed^[K/a remark^[K/2 starts^[K/^[J",
		"a line is replaced in its place");
	livescreen_add(&screen, "web.2", "2 is up");
	livescreen_replace(&screen, "web.2", "2 crashed");
	is_str(draw(""), "\r^[1A2 crashed^[K/^[J", "and also before it was written");
	is_int((int64_t)screen.count, 3, "no more lines are kept than there are");
}

/* Three rows below the top, and that of the cursor. */
static void test_reach(void)
{
	begin(80, 4);
	livescreen_add(&screen, "web.1", "1 is up");
	livescreen_add(&screen, "web.2", "2 is up");
	livescreen_add(&screen, "web.3", "3 is up");
	is_str(draw("4 waits"), "1 is up^[K/2 is up^[K/3 is up^[K/4 waits^[K/^[J",
		"more than the window has rows");
	livescreen_replace(&screen, "web.2", "2 crashed");
	is_str(draw("4 waits"), "\r^[3A2 crashed^[K/3 is up^[K/4 waits^[K/^[J",
		"the top row can be reached");
	livescreen_replace(&screen, "web.1", "1 crashed");
	is_str(draw("4 waits"), "\r^[1A1 crashed^[K/4 waits^[K/^[J",
		"what is above it comes once more, below");
	size.rows = 3;
	livescreen_replace(&screen, "web.3", "3 crashed");
	is_str(draw("4 waits"), "\r^[1A3 crashed^[K/4 waits^[K/^[J",
		"a window that was made lower has less in reach");
	is_int((int64_t)screen.count, 2, "what is out of reach is forgotten");
}

static void test_widths(void)
{
	begin(10, 24);
	livescreen_add(&screen, "web.1", "web.1 is up and well");
	livescreen_add(&screen, "web.2", "\033[32mup\033[0m");
	is_str(draw(""), "web.1 is up and well/^[32mup^[0m^[K/^[J",
		"a line that fills its row to the end is not cleared behind it");
	livescreen_replace(&screen, "web.1", "web.1 crashed");
	is_str(draw(""), "\r^[3Aweb.1 crashed^[K/^[32mup^[0m^[K/^[J",
		"a line of two rows takes two, and a colour no room");
	size.columns = 7;
	livescreen_replace(&screen, "web.1", "down");
	is_str(draw("wait"), "\r^[3Adown^[K/^[32mup^[0m^[K/wait^[K/^[J",
		"one is wrapped when the window becomes narrower");
}

static void test_unknown_width(void)
{
	begin(80, 24);
	livescreen_add(&screen, "web.1", "1 is up");
	livescreen_add(&screen, NULL, "killed 12 (\xe6\xbc\xa2)");
	livescreen_add(&screen, "web.2", "2 is up");
	draw("3 waits");
	livescreen_replace(&screen, "web.2", "2 crashed");
	is_str(draw("3 waits"), "\r^[2A2 crashed^[K/3 waits^[K/^[J",
		"what is below a strange character can be replaced");
	livescreen_replace(&screen, "web.1", "1 crashed");
	is_str(draw("3 waits"), "\r^[1A1 crashed^[K/3 waits^[K/^[J",
		"what is above it comes once more, as its width is not known");
}

static void test_leave(void)
{
	begin(80, 24);
	livescreen_add(&screen, "web.1", "1 is up");
	livescreen_add(&screen, "web.2", "2 is up");
	draw("3 waits");
	livescreen_replace(&screen, "web.2", "2 crashed");
	livescreen_leave(&screen);
	is_str(draw("3 waits"), "2 crashed^[K/3 waits^[K/^[J",
		"when the cursor is somewhere else, what stands is left, and what has changed "
		"comes once more");
}

int main(void)
{
	test_frames();
	test_lines();
	test_reach();
	test_widths();
	test_unknown_width();
	test_leave();
	livescreen_release(&screen);
	return tap_done();
}
