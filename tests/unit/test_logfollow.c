/* Unit tests of logview while following: a child follows and writes to a pipe; we write logs and
 * read what comes. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "buf.h"
#include "logclean.h"
#include "logrig.h"
#include "logview.h"
#include "tap.h"

enum {
	PATIENCE_MS = 10000,
	QUIET_MS = 150
};

struct follower {
	pid_t pid;
	int out; /* what it prints */
	struct buf got;
};

static int child_out;

static bool print_line(void *arg, const struct logview_line *line)
{
	struct buf *out = arg;

	buf_addf(out, "%s: ", line->event != NULL ? "event" : line->dyno);
	buf_append(out, line->text, line->len);
	buf_addc(out, '\n');
	return true;
}

static bool flush(void *arg)
{
	struct buf *out = arg;

	bool result = fdio_write_all(child_out, out->data, out->len) == 0;
	buf_reset(out);
	return result;
}

static void follow(const struct logview_query *query)
{
	struct buf out = BUF_INIT;
	struct logview_sink sink = {
		.line = print_line, .idle = flush, .out = child_out, .arg = &out};
	struct cause cause;

	signal(SIGPIPE, SIG_IGN);
	if (logview_run(query, &sink, &cause) < 0) {
		buf_addf(&out, "failed: %s\n", cause.text);
		flush(&out);
		_exit(1);
	}
	_exit(0);
}

/* Waits for `expected`, or, when it is NULL, a moment for anything. Returns all that has come since
 * the last call. */
static const char *await(struct follower *follower, const char *expected)
{
	nsec_t deadline = clock_mono() + PATIENCE_MS * NSEC_PER_MSEC;

	buf_reset(&follower->got);
	buf_append(&follower->got, "", 0);
	while (clock_mono() < deadline) {
		struct pollfd fd = {.fd = follower->out, .events = POLLIN};
		if (expected != NULL && strlen(expected) <= follower->got.len)
			break;
		if (poll(&fd, 1, expected != NULL ? PATIENCE_MS : QUIET_MS) <= 0)
			break;
		ssize_t n = read(follower->out, buf_reserve(&follower->got, 65536), 65536);
		if (n <= 0)
			break;
		follower->got.len += (size_t)n;
		follower->got.data[follower->got.len] = '\0';
	}
	return follower->got.data;
}

static void follower_start(
	struct follower *follower, struct logrig *rig, struct logview_query query)
{
	int ends[2];

	query.state_dir = rig->dir;
	query.follow = true;
	if (pipe2(ends, O_CLOEXEC) < 0)
		exit(1);
	*follower = (struct follower){.out = ends[0]};
	fflush(stdout);
	follower->pid = fork();
	if (follower->pid == 0) {
		close(ends[0]);
		child_out = ends[1];
		follow(&query);
	}
	close(ends[1]);
}

/* The reader goes away: the follower ends by itself. Returns its exit status. */
static int follower_stop(struct follower *follower)
{
	int status = -1;

	close(follower->out);
	for (nsec_t deadline = clock_mono() + PATIENCE_MS * NSEC_PER_MSEC;
		waitpid(follower->pid, &status, WNOHANG) == 0; usleep(1000))
		if (clock_mono() > deadline) {
			kill(follower->pid, SIGKILL);
			waitpid(follower->pid, &status, 0);
			return -1;
		}
	buf_release(&follower->got);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void out(struct logrig *rig, const char *dyno, uint64_t launch, const char *text)
{
	logrig_output(rig, dyno, launch, clock_wall(), text);
}

static void test_follow(void)
{
	struct logrig real, *rig = &real;
	struct follower follower;

	logrig_init(rig);
	rig->piece = 60;
	out(rig, "web.1", 1, "one\ntwo\nthree\n");
	follower_start(
		&follower, rig, (struct logview_query){.output = true, .events = true, .lines = 2});
	is_str(await(&follower, "web.1: two\nweb.1: three\n"), "web.1: two\nweb.1: three\n",
		"history comes first");
	out(rig, "web.1", 1, "four\n");
	is_str(await(&follower, "web.1: four\n"), "web.1: four\n", "then what is written");
	out(rig, "worker.1", 1, "five\n");
	is_str(await(&follower, "worker.1: five\n"), "worker.1: five\n", "a new dyno is noticed");
	out(rig, "web.1", 2, "six\n");
	is_str(await(&follower, "web.1: six\n"), "web.1: six\n", "a new launch is noticed");
	logrig_event(rig, EVENT_RESTART, "web.1", 2, clock_wall(), NULL);
	is_str(await(&follower, "event: Restarting\n"), "event: Restarting\n",
		"an event is noticed");
	out(rig, "web.1", 2,
		"a line that makes the piece full, so that the next one begins after it\n");
	out(rig, "web.1", 2, "in the next piece\n");
	is_str(await(&follower, "web.1: a line that makes the piece full, so that the next one "
				"begins after it\n"
				"web.1: in the next piece\n"),
		"web.1: a line that makes the piece full, so that the next one begins after it\n"
		"web.1: in the next piece\n",
		"a new piece is noticed");
	out(rig, "web.1", 1, "old instance\n");
	is_str(await(&follower, "web.1: old instance\n"), "web.1: old instance\n",
		"an old launch that still writes is heard");
	is_int(follower_stop(&follower), 0, "it ends with 0 as soon as nobody reads any more");
	logrig_release(rig);
}

static void test_incomplete_lines(void)
{
	struct logrig real, *rig = &real;
	struct follower follower;
	struct logview_query all = {.output = true, .events = true, .lines = 10};

	logrig_init(rig);
	logrig_event(rig, EVENT_LAUNCH, "web.1", 1, clock_wall(), "x");
	out(rig, "web.1", 1, "last words");
	follower_start(&follower, rig, all);
	await(&follower, "event: Starting process with command `x`\n");
	is_str(await(&follower, NULL), "", "an incomplete line is held back");
	out(rig, "web.1", 1, " and more");
	out(rig, "worker.1", 1, "meanwhile\n");
	is_str(await(&follower, "worker.1: meanwhile\n"), "worker.1: meanwhile\n",
		"others are not");
	out(rig, "web.1", 1, ".\nfarewell");
	is_str(await(&follower, "web.1: last words and more.\n"), "web.1: last words and more.\n",
		"it comes whole when it is complete");
	logrig_event(rig, EVENT_EXIT, "web.1", 1, clock_wall(), "1");
	is_str(await(&follower, "web.1: farewell\nevent: Process exited with status 1\n"),
		"web.1: farewell\nevent: Process exited with status 1\n",
		"or when the process has exited, before that is told");
	follower_stop(&follower);

	follower_start(&follower, rig, (struct logview_query){.output = true, .lines = 1});
	is_str(await(&follower, "web.1: farewell\n"), "web.1: farewell\n",
		"after an exit, an incomplete line is history like any other");
	out(rig, "web.1", 2, "second");
	is_str(await(&follower, NULL), "", "that of a running launch is not");
	logrig_event(rig, EVENT_EXIT, "web.1", 2, clock_wall(), "1");
	is_str(await(&follower, "web.1: second\n"), "web.1: second\n",
		"its exit counts, even when events are not shown");
	out(rig, "web.1", 3, "third");
	out(rig, "web.1", 4, "fourth");
	is_str(await(&follower, NULL), "", "two launches may overlap");
	out(rig, "web.1", 5, "fifth\n");
	is_str(await(&follower, "web.1: third\nweb.1: fifth\n"), "web.1: third\nweb.1: fifth\n",
		"for a third one the first is given up");
	follower_stop(&follower);
	logrig_release(rig);
}

static void test_beginnings(void)
{
	struct logrig real, *rig = &real;
	struct follower follower;
	char path[256];

	logrig_init(rig);
	snprintf(path, sizeof path, "%s/log", rig->dir);
	rmdir(path);
	follower_start(&follower, rig,
		(struct logview_query){.output = true, .events = true, .lines = 10});
	is_str(await(&follower, NULL), "", "before the first start there is nothing");
	mkdir(path, 0700);
	close(rig->log_dir);
	rig->log_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	logrig_event(rig, EVENT_CYCLE, "web.1", 1, clock_wall(), NULL);
	is_str(await(&follower, "event: Cycling\n"), "event: Cycling\n",
		"the first event is noticed");
	out(rig, "web.1", 1, "hello\n");
	is_str(await(&follower, "web.1: hello\n"), "web.1: hello\n", "and the first output");
	logrig_output(rig, "web.1", 1, clock_wall() + 3600 * NSEC_PER_SEC, "from the future\n");
	is_str(await(&follower, "web.1: from the future\n"), "web.1: from the future\n",
		"a line with a time in the future does not wait for it");
	remove_log(rig->log_dir, "web.1");
	out(rig, "web.1", 2, "after a removal\n");
	is_str(await(&follower, "web.1: after a removal\n"), "web.1: after a removal\n",
		"a dyno whose directory was removed is heard again");
	char *command = NULL;
	if (asprintf(&command, "rm -rf '%s'", rig->dir) < 0 || system(command) != 0)
		printf("# cannot remove\n");
	free(command);
	ok(strstr(await(&follower, "failed: ..."), "was removed") != NULL,
		"when the state directory is removed, that is told");
	is_int(follower_stop(&follower), 1, "and following ends");
	logrig_release(rig);
}

/* ---- written while it is handed out ---- */

struct meddler {
	struct logrig *rig;
	struct buf got;
};

/* When the line "1" comes, two dynos write one after the other. */
static bool meddle(void *arg, const struct logview_line *line)
{
	struct meddler *meddler = arg;

	buf_append(&meddler->got, line->text, line->len);
	if (line->text[0] == '1') {
		logrig_output(meddler->rig, "web.2", 1, clock_wall(), "2\n");
		logrig_output(meddler->rig, "web.1", 1, clock_wall(), "3\n");
	}
	return meddler->got.len < 4;
}

static bool stay(void *arg)
{
	(void)arg;
	return true;
}

/* The one that is read on is not the one that wrote first, and of that nothing was told yet. */
static void test_meddling(void)
{
	struct logrig rig;
	struct meddler meddler = {.rig = &rig};
	const struct logview_sink sink = {.line = meddle, .idle = stay, .out = -1, .arg = &meddler};
	struct cause cause;

	logrig_init(&rig);
	logrig_output(&rig, "web.2", 1, clock_wall(), "0\n");
	logrig_output(&rig, "web.1", 1, clock_wall(), "1\n");
	const struct logview_query query = {
		.state_dir = rig.dir, .output = true, .lines = LOGVIEW_ALL, .follow = true};
	is_int(logview_run(&query, &sink, &cause), 0, "the log can be followed from within");
	buf_append(&meddler.got, "", 1);
	is_str(meddler.got.data, "0123", "what is written while others are read keeps its order");
	buf_release(&meddler.got);
	logrig_release(&rig);
}

/* ---- a storm ---- */

enum {
	STORM_DYNOS = 5,
	STORM_LINES = 40000
};

/* Numbered lines, dealt out to several dynos and the journal, with small pieces. */
static void storm(struct logrig *rig)
{
	struct segment *segments[STORM_DYNOS];
	struct segment_batch batch;
	struct cause cause;
	struct journal *journal = journal_open(rig->dir, &cause);
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		_exit(1);
	for (int i = 0; i < STORM_DYNOS; i++) {
		char dyno[16];
		snprintf(dyno, sizeof dyno, "web.%d", i);
		segments[i] = segment_open(
			rig->log_dir, dyno, 1, (struct segment_limits){20000, UINT64_C(1) << 40});
	}
	for (int n = 1; n <= STORM_LINES; n++) {
		char text[32];
		int len = snprintf(text, sizeof text, "%d\n", n);
		if (n % 10 == 0) {
			struct event event;
			event_begin(&event, EVENT_NOTE, clock_wall(), "web.0", 1);
			text[len - 1] = '\0';
			event_str(&event, "text", text);
			journal_write(journal, &event, &cause);
			event_release(&event);
			continue;
		}
		nsec_t now = clock_wall();
		if (write(ends[1], text, (size_t)len) != len)
			_exit(1);
		while (segment_move(segments[n * 7 % STORM_DYNOS], ends[0], now, &batch) ==
			SEGMENT_MOVED)
			;
	}
	_exit(0);
}

static void test_storm(void)
{
	struct logrig real, *rig = &real;
	struct follower follower;
	int expected = 1, wrong = 0;

	logrig_init(rig);
	fflush(stdout);
	pid_t writer = fork();
	if (writer == 0)
		storm(rig);
	usleep(20000); /* so that some of it is history, if only by chance */
	follower_start(&follower, rig,
		(struct logview_query){.output = true, .events = true, .lines = LOGVIEW_ALL});
	FILE *in = fdopen(dup(follower.out), "r");
	char line[80];
	while (expected <= STORM_LINES && fgets(line, sizeof line, in) != NULL) {
		int n = atoi(strchr(line, ':') + 1);
		if (n != expected && wrong++ == 0)
			printf("# expected %d, got %s", expected, line);
		expected = n + 1;
	}
	fclose(in);
	waitpid(writer, NULL, 0);
	is_int(wrong, 0,
		"while it pours from all sides and pieces roll, every line comes once and in "
		"order");
	is_int(expected, STORM_LINES + 1, "up to the last");
	is_int(follower_stop(&follower), 0, "and then it ends with its reader");
	logrig_release(rig);
}

int main(void)
{
	test_follow();
	test_incomplete_lines();
	test_beginnings();
	test_meddling();
	test_storm();
	return tap_done();
}
