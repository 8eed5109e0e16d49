/* live: see the header. */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "doc.h"
#include "event.h"
#include "fdio.h"

#define FRAME_INTERVAL (100 * NSEC_PER_MSEC)
#define POLL_INTERVAL (200 * NSEC_PER_MSEC)

/* How long an answer to `ps` is waited for before it is asked anew, what part of its time the
 * supervisor may spend with answering, and the longest pause: no answer takes the supervisor a
 * tenth of that, so what was slower was the machine. */
#define ANSWER_TIMEOUT (2 * NSEC_PER_SEC)
#define POLL_SHARE 20
#define PAUSE_MAX (2 * NSEC_PER_SEC)

enum {
	COLUMNS = 80,
	ROWS = 24
};

/* Set when we come back after Ctrl-Z: then other things stand on the screen. */
static volatile sig_atomic_t continued;

static void continued_cb(int signo)
{
	(void)signo;
	continued = 1;
}

/* ---- the terminal ---- */

/* A job in the background must not write over what is in front. */
static bool is_in_front(void)
{
	pid_t front = tcgetpgrp(STDERR_FILENO);

	return front < 0 || front == getpgrp();
}

static bool is_capable(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0;
}

static void look_at_size(struct livedraw *draw)
{
	struct winsize size;
	bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;

	draw->columns = known && size.ws_col > 0 ? size.ws_col : COLUMNS;
	draw->rows = known && size.ws_row > 0 ? size.ws_row : ROWS;
}

/* ---- frames ---- */

/* Brings the terminal up to date; takes the frame over. */
static void show(struct live *live, struct liveframe *frame)
{
	struct buf out = BUF_INIT;

	if (continued)
		livescreen_leave(&live->screen);
	continued = 0;
	livescreen_draw(&live->screen, &live->draw, frame, &out);
	if (out.len > 0)
		fdio_write_all(STDERR_FILENO, out.data, out.len);
	buf_release(&out);
}

static void draw(struct live *live, nsec_t now)
{
	struct liveframe frame = {0};

	live->next_frame = now + FRAME_INTERVAL;
	look_at_size(&live->draw);
	if (!is_in_front())
		return;
	livedraw_frame(&live->draw, &live->work, now, &frame);
	show(live, &frame);
}

void live_end(struct live *live)
{
	struct liveframe none = {0};

	if (!live->on)
		return;
	look_at_size(&live->draw);
	show(live, &none);
	live->on = false;
	client_close(&live->poll);
	livescreen_release(&live->screen);
	livework_release(&live->work);
}

/* ---- asking how far they are ---- */

static nsec_t earlier(nsec_t a, nsec_t b)
{
	return a < b ? a : b;
}

/* Only for those that are on the screen, so it costs the supervisor no more when there are
 * thousands. */
static void ask(struct live *live, nsec_t now)
{
	const struct live_row *rows[LIVE_LINES_MAX];
	struct wire_request request = {.cmd = "ps"};
	size_t count = livework_pick(&live->work, rows, livedraw_room(&live->draw));

	live->asked = now;
	live->next_poll = now + POLL_INTERVAL;
	for (size_t i = 0; i < count; i++)
		if (livework_is_curious(rows[i]))
			strlist_add(&request.targets, rows[i]->dyno);
	if (request.targets.count > 0 && client_connect(&live->poll, live->config) == 0 &&
		client_send(&live->poll, &request) < 0)
		client_close(&live->poll);
	strlist_release(&request.targets);
}

static void stop_asking(struct live *live, nsec_t now)
{
	client_close(&live->poll);
	live->next_poll = now + earlier(POLL_SHARE * (now - live->asked), PAUSE_MAX);
	if (live->next_poll < live->asked + POLL_INTERVAL)
		live->next_poll = live->asked + POLL_INTERVAL;
}

static void hear(struct live *live, nsec_t now)
{
	enum client_result result;
	bson_t message;

	while ((result = client_next(&live->poll, CLIENT_AT_ONCE, &message)) == CLIENT_MESSAGE)
		if (strcmp(doc_text(&message, "type"), "dyno") == 0)
			livework_snapshot(&live->work, &message, live->asked, now);
	if (result == CLIENT_CLOSED || now - live->asked > ANSWER_TIMEOUT)
		stop_asking(live, now);
}

/* ---- what the caller does ---- */

void live_begin(
	struct live *live, enum live_kind kind, const struct cli *cli, const struct config *config)
{
	struct sigaction action = {.sa_handler = continued_cb, .sa_flags = SA_RESTART};

	*live = (struct live){.config = config, .poll.fd = -1, .work.kind = kind};
	if (!is_capable() || !is_in_front())
		return;
	live->on = true;
	live->draw.color = cli_color(cli);
	live->draw.unicode = cli_utf8();
	look_at_size(&live->draw);
	sigaction(SIGCONT, &action, NULL);
}

void live_expect(struct live *live, const bson_t *base)
{
	if (live->on)
		livework_expect(&live->work, base);
}

/* What the display does not show by itself, and a person would miss. */
static bool is_worth_a_line(const bson_t *event)
{
	static const enum event_kind kinds[] = {
		EVENT_WHY, EVENT_WHY_PROCESS, EVENT_NOTE, EVENT_OUTPUT_DROPPED};
	int kind = event_kind_find(doc_text(event, "kind"));

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if ((int)kinds[i] == kind)
			return true;
	return false;
}

void live_event(struct live *live, const bson_t *event)
{
	struct buf text = BUF_INIT, line = BUF_INIT;

	livework_event(&live->work, event, clock_mono());
	if (is_worth_a_line(event) && event_render(event, &text)) {
		livedraw_note(&live->work, doc_text(event, "dyno"), text.data, &line);
		livescreen_add(&live->screen, NULL, line.data);
	}
	buf_release(&text);
	buf_release(&line);
}

void live_result(struct live *live, const char *dyno, bool failed, const char *said)
{
	const struct live_row *row = livework_result(&live->work, dyno);
	struct buf line = BUF_INIT;

	if (row != NULL) {
		livedraw_result(&live->draw, &live->work, row, failed, said, clock_mono(), &line);
		livescreen_add(&live->screen, dyno, line.data);
	} else {
		livedraw_revised(&live->draw, &live->work, dyno, said, &line);
		livescreen_replace(&live->screen, dyno, line.data);
	}
	buf_release(&line);
}

/* Draws and asks when it is time for it; returns when it will be again. */
static nsec_t step(struct live *live, nsec_t now)
{
	if (live->poll.fd >= 0)
		hear(live, now);
	else if (now >= live->next_poll)
		ask(live, now);
	if (now >= live->next_frame)
		draw(live, now);
	return live->poll.fd >= 0 ? live->next_frame : earlier(live->next_frame, live->next_poll);
}

enum client_result live_next(
	struct live *live, struct client *client, nsec_t deadline, bson_t *message)
{
	if (!live->on)
		return client_next(client, deadline, message);
	for (;;) {
		enum client_result result = client_next(client, CLIENT_AT_ONCE, message);
		nsec_t now = clock_mono();
		if (result != CLIENT_DEADLINE || now >= deadline)
			return result;
		client_await(client, &live->poll, earlier(deadline, step(live, now)));
	}
}
