/* Unit tests of logview: merge, filters, the last N, lines of every shape. Following is in
 * test_logfollow.c. */
#include <sys/time.h>

#include "buf.h"
#include "logrig.h"
#include "logsince.h"
#include "logview.h"
#include "tap.h"

#define T0 (INT64_C(1781021618) * NSEC_PER_SEC)

static bool collect(void *arg, const struct logview_line *line)
{
	struct buf *out = arg;

	buf_addf(out, "%lld %s: ", (long long)(line->time - T0),
		line->event != NULL ? "event" : line->dyno);
	buf_append(out, line->text, line->len);
	buf_addc(out, '\n');
	return true;
}

static bool idle(void *arg)
{
	(void)arg;
	return true;
}

/* All lines of a query, one after another. To be used before the next call. */
static struct buf view(struct logrig *rig, struct logview_query query)
{
	static struct buf out;
	struct logview_sink sink = {.line = collect, .idle = idle, .out = -1, .arg = &out};
	struct cause cause;

	buf_release(&out);
	query.state_dir = rig->dir;
	if (logview_run(&query, &sink, &cause) < 0)
		buf_adds(&out, cause.text);
	buf_append(&out, "", 0);
	return out;
}

#define VIEW(...) view(rig, (struct logview_query){__VA_ARGS__}).data
#define BOTH .output = true, .events = true
#define ALL .lines = LOGVIEW_ALL
#define OF(...)                                                                                    \
	.targets = &(struct strlist)                                                               \
	{                                                                                          \
		(char *[]){__VA_ARGS__}, sizeof(char *[]){__VA_ARGS__} / sizeof(char *)            \
	}

static void fill(struct logrig *rig)
{
	logrig_event(rig, EVENT_LAUNCH, "web.1", 1, T0 + 1, "npm start");
	logrig_output(rig, "web.1", 1, T0 + 2, "one\ntwo\n");
	logrig_output(rig, "worker.1", 1, T0 + 3, "three\n");
	logrig_output(rig, "web.1", 1, T0 + 4, "four\n");
	logrig_output(rig, "web.2", 1, T0 + 5, "five\n");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 6, "six");
	logrig_output(rig, "webber.1", 1, T0 + 6, "same time\n");
	logrig_event(rig, EVENT_EXIT, "web.1", 1, T0 + 7, "0");
	logrig_output(rig, "web.1", 2, T0 + 8, "eight\n");
}

static void test_merge(struct logrig *rig)
{
	is_str(VIEW(BOTH, ALL),
		"1 event: Starting process with command `npm start`\n2 web.1: one\n2 web.1: two\n"
		"3 worker.1: three\n4 web.1: four\n5 web.2: five\n6 webber.1: same time\n"
		"6 event: six\n7 event: Process exited with status 0\n8 web.1: eight\n",
		"everything is merged by time, output before events");
	is_str(VIEW(BOTH, .lines = 2), "7 event: Process exited with status 0\n8 web.1: eight\n",
		"the last lines are the latest of all");
	is_str(VIEW(BOTH, .lines = 0), "", "no lines are no lines");
	is_str(VIEW(.output = true, .lines = 3),
		"5 web.2: five\n6 webber.1: same time\n8 web.1: eight\n",
		"the last lines are counted after a filter by source");
	is_str(VIEW(.events = true, .lines = 2),
		"6 event: six\n7 event: Process exited with status 0\n", "events can be had alone");
	is_str(VIEW(.output = true, OF("web.1"), .lines = 2), "4 web.1: four\n8 web.1: eight\n",
		"the last lines of a dyno are counted over its launches");
	is_str(VIEW(.output = true, OF("web"), .lines = 2), "5 web.2: five\n8 web.1: eight\n",
		"the first part of a name stands for all dynos of that type");
	is_str(VIEW(.output = true, OF("webber"), ALL), "6 webber.1: same time\n",
		"a type is a whole word");
	is_str(VIEW(BOTH, OF("web.1"), .lines = 3),
		"4 web.1: four\n7 event: Process exited with status 0\n8 web.1: eight\n",
		"events are filtered by dyno, too");
	is_str(VIEW(BOTH, OF("supervisor"), ALL), "6 event: six\n",
		"events without dyno belong to the supervisor");
	is_str(VIEW(BOTH, OF("web.9"), ALL), "", "of an unknown dyno there is nothing");
	is_str(VIEW(BOTH, OF("web.2", "worker", "supervisor"), ALL),
		"3 worker.1: three\n5 web.2: five\n6 event: six\n", "several are told together");
	is_str(VIEW(BOTH, .since = T0 + 7, ALL),
		"7 event: Process exited with status 0\n8 web.1: eight\n",
		"since takes that time in");
	is_str(VIEW(BOTH, .since = T0 + 5, .lines = 1), "8 web.1: eight\n",
		"the last lines since a time");
	is_str(VIEW(BOTH, .since = T0 + 7, .lines = 100),
		"7 event: Process exited with status 0\n8 web.1: eight\n",
		"may be fewer than asked for");
	is_str(VIEW(BOTH, .since = T0 + 1000 * NSEC_PER_SEC, ALL), "",
		"in the future there is nothing");
}

static void test_shapes(void)
{
	struct logrig real, *rig = &real;

	logrig_init(rig);
	logrig_output(rig, "web.1", 1, T0 + 1, "be");
	logrig_output(rig, "web.1", 1, T0 + 3, "gin\n\n\nend");
	logrig_output(rig, "worker.1", 1, T0 + 2, "between\n");
	is_str(VIEW(BOTH, ALL),
		"2 worker.1: between\n3 web.1: begin\n3 web.1: \n3 web.1: \n3 web.1: end\n",
		"a line has the time of its end; empty lines and a last line without newline "
		"count");
	is_str(VIEW(BOTH, .lines = 4), "3 web.1: begin\n3 web.1: \n3 web.1: \n3 web.1: end\n",
		"also on the way back");
	is_str(VIEW(BOTH, .since = T0 + 2, ALL),
		"2 worker.1: between\n3 web.1: begin\n3 web.1: \n3 web.1: \n3 web.1: end\n",
		"a line that began earlier but ended since then is there whole");
	logrig_output(rig, "web.1", 2, T0 + 4, "other launch\n");
	is_str(VIEW(.output = true, .lines = 2), "3 web.1: end\n4 web.1: other launch\n",
		"the output of two launches is never mixed");
	logrig_release(rig);

	logrig_init(rig);
	logrig_output(rig, "web.1", 1, T0 + 1, "late end");
	logrig_output(rig, "web.1", 1, T0 + 2, "\n");
	is_str(VIEW(.output = true, ALL), "2 web.1: late end\n",
		"a newline that comes alone brings its own time");
	logrig_release(rig);

	logrig_init(rig);
	logrig_output_bytes(rig, "web.1", 1, T0, "a\0b\n\n", 5);
	struct buf out = view(rig, (struct logview_query){BOTH, ALL});
	ok(out.len == 23 && memcmp(out.data, "0 web.1: a\0b\n0 web.1: \n", 23) == 0,
		"a NUL byte comes through");
	logrig_release(rig);
}

static void test_long_lines(void)
{
	enum {
		LONG = 300000
	};
	struct logrig real, *rig = &real;
	char *text = malloc(LONG + 2);

	logrig_init(rig);
	rig->piece = 50000;
	memset(text, 'l', LONG);
	strcpy(text + LONG, "\n");
	logrig_output(rig, "web.1", 1, T0 + 1, "before\n");
	logrig_output(rig, "web.1", 1, T0 + 2, text);
	logrig_output(rig, "web.1", 1, T0 + 3, "after\n");
	struct buf out = view(rig, (struct logview_query){BOTH, .lines = 2});
	is_int((int64_t)out.len, 9 + LONG + 1 + 15,
		"a line over several pieces is found on the way back");
	ok(strncmp(out.data, "2 web.1: lll", 12) == 0 &&
			strcmp(out.data + out.len - 15, "3 web.1: after\n") == 0,
		"and printed whole, once");
	out = view(rig, (struct logview_query){BOTH, ALL});
	is_int((int64_t)out.len, 16 + 9 + LONG + 1 + 15, "forwards, too");
	out = view(rig, (struct logview_query){BOTH, .since = T0 + 2, ALL});
	is_int((int64_t)out.len, 9 + LONG + 1 + 15, "and when it is looked for by time");
	free(text);
	logrig_release(rig);
}

static void append(struct logrig *rig, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", rig->dir, name);
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	if (fd < 0 || fdio_write_all(fd, text, strlen(text)) < 0)
		printf("# cannot write %s\n", path);
	close(fd);
}

static void test_damage(void)
{
	struct logrig real, *rig = &real;
	char path[256];

	logrig_init(rig);
	logrig_output(rig, "web.1", 1, T0 + 1, "stamped\n");
	append(rig, "log/web.1/1.1.log", "not stamped\n");
	snprintf(path, sizeof path, "%s/log/web.1/1.1.log", rig->dir);
	struct timespec times[2] = {
		{.tv_sec = T0 / NSEC_PER_SEC + 1}, {.tv_sec = T0 / NSEC_PER_SEC + 1}};
	utimensat(AT_FDCWD, path, times, 0);
	is_str(VIEW(BOTH, ALL), "1 web.1: stamped\n1000000000 web.1: not stamped\n",
		"bytes behind the index have the time of the file");
	is_str(VIEW(BOTH, .since = T0 + 2, ALL), "1000000000 web.1: not stamped\n",
		"also for since");
	snprintf(path, sizeof path, "%s/log/web.1/1.1.idx", rig->dir);
	unlink(path);
	is_str(VIEW(BOTH, .lines = 1), "1000000000 web.1: not stamped\n",
		"without an index, all of them");

	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 3, "three");
	append(rig, "journal.1.jsonl", "nonsense\n\n{\"a\":1}\n{ \"seq\" : 9, \"ti");
	is_str(VIEW(.events = true, ALL), "3 event: three\n",
		"lines that are no events are passed over");
	append(rig, "journal.2.jsonl", "");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 4, "four");
	is_str(VIEW(.events = true, ALL), "3 event: three\n4 event: four\n",
		"a torn line does not hide the first one of the next file");
	is_str(VIEW(.events = true, .lines = 2), "3 event: three\n4 event: four\n",
		"nor on the way back");
	append(rig, "journal.3.jsonl", "");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 5, "five");
	is_str(VIEW(.events = true, .lines = 2), "4 event: four\n5 event: five\n",
		"the first line of a file is found on the way back");
	append(rig, "log/stray", "x");
	append(rig, "log/web.1/stray.log", "x\n");
	append(rig, "log/web.1/1.0.log", "x\n");
	is_int((int64_t)strlen(VIEW(.output = true, ALL)), 56,
		"files that are not ours are not read");
	logrig_release(rig);

	struct cause cause;
	struct logview_sink sink = {.line = collect, .idle = idle, .out = -1};
	is_int(logview_run(
		       &(struct logview_query){.state_dir = "/nonexistent/x", BOTH}, &sink, &cause),
		-1, "without a state directory there is no log");
	is_str(cause.text, "there is no log: cannot open /nonexistent/x: No such file or directory",
		"which is told");
}

static void test_missing_files(void)
{
	struct logrig real, *rig = &real;

	logrig_init(rig);
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 1, "one");
	append(rig, "journal.900.jsonl", "");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 2, "two");
	append(rig, "journal.20261130.jsonl",
		"{\"time\":\"2026-06-09T16:13:38Z\",\"kind\":\"note\",\"text\":\"copy\"}\n");
	append(rig, "journal.9223372036854775807.jsonl", "");
	is_str(VIEW(.events = true, ALL), "1 event: one\n2 event: two\n",
		"numbers that are missing are passed over, and copies with a date are not read");
	is_str(VIEW(.events = true, .lines = 2), "1 event: one\n2 event: two\n",
		"nor on the way back");
	logrig_output(rig, "web.1", 1, T0 + 3, "three\n");
	append(rig, "log/web.1/1.20261130.log", "four\n");
	const char *lines = VIEW(.output = true, .lines = 2);
	ok(strstr(lines, "3 web.1: three\n") == lines && strstr(lines, " web.1: four\n") != NULL,
		"pieces of output that are missing are passed over, too");
	logrig_release(rig);
}

/* A clock that was set back: each source keeps its own order. */
static void test_clock_set_back(void)
{
	struct logrig real, *rig = &real;

	logrig_init(rig);
	logrig_output(rig, "web.1", 1, T0 + 10, "one\n");
	logrig_output(rig, "web.1", 1, T0 + 5, "two\n");
	logrig_output(rig, "web.1", 1, T0 + 11, "three\n");
	is_str(VIEW(.output = true, ALL), "10 web.1: one\n5 web.1: two\n11 web.1: three\n",
		"a clock that is set back does not change the order of a dyno's lines");
	is_str(VIEW(.output = true, .lines = 2), "5 web.1: two\n11 web.1: three\n",
		"nor what its last lines are");
	logrig_release(rig);
}

/* The journal has no index that could lead on the way back. */
static void test_events_set_back(void)
{
	struct logrig real, *rig = &real;
	struct buf early = BUF_INIT;

	logrig_init(rig);
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 10, "one");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 12, "two");
	logrig_event(rig, EVENT_NOTE, NULL, 0, NSEC_PER_SEC, "1970");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 13, "three");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 5, "set back");
	is_str(VIEW(.events = true, .since = T0 + 11, ALL), "12 event: two\n13 event: three\n",
		"events before earlier ones are found");
	is_str(VIEW(.events = true, .since = T0 + 11, .lines = 2),
		"12 event: two\n13 event: three\n", "the last ones, too");
	is_str(VIEW(.events = true, .since = T0 + 11, .lines = 1), "13 event: three\n",
		"and no more of them");
	while (early.len < LOGSINCE_SPAN)
		buf_adds(&early, "{\"time\":\"1970-01-01T00:00:01Z\",\"kind\":\"note\"}\n");
	append(rig, "journal.1.jsonl", early.data);
	buf_release(&early);
	is_str(VIEW(.events = true, .since = T0 + 11, ALL), "",
		"so much that is earlier ends the way back");
	logrig_event(rig, EVENT_NOTE, NULL, 0, T0 + 14, "four");
	is_str(VIEW(.events = true, .since = T0 + 11, .lines = 9), "14 event: four\n",
		"and what comes after it is found");
	logrig_release(rig);
}

/* The last `count` lines of a text. */
static const char *tail(const char *text, size_t len, long count)
{
	const char *at = text + len;

	while (at > text) {
		const char *before = memrchr(text, '\n', (size_t)(at - text - 1));
		if (count-- == 0)
			return at;
		at = before != NULL ? before + 1 : text;
	}
	return at;
}

/* The first line that is not before a time. */
static const char *first_since(const char *text, nsec_t since)
{
	while (*text != '\0' && strtoll(text, NULL, 10) < since)
		text = strchr(text, '\n') + 1;
	return text;
}

static int rig_random(unsigned *seed, int below)
{
	return rand_r(seed) % below;
}

static void fill_at_random(struct logrig *rig, unsigned *seed)
{
	static const char *const dynos[] = {"web.1", "web.2", "worker.1"};
	char text[4000];

	rig->piece = 2000;
	for (int i = 1; i <= 300; i++) {
		const char *dyno = dynos[rig_random(seed, 3)];
		uint64_t launch = (uint64_t)(1 + i / 120);
		if (rig_random(seed, 10) == 0) {
			snprintf(text, sizeof text, "event %d", i);
			logrig_event(rig, EVENT_NOTE, dyno, launch, T0 + 10 * i, text);
			continue;
		}
		int len = 0;
		for (int lines = 1 + rig_random(seed, 4); lines > 0; lines--)
			len += snprintf(
				text + len, 900, "%d%0*d\n", i, 1 + rig_random(seed, 800), lines);
		logrig_output(rig, dyno, launch, T0 + 10 * i, text);
	}
}

static void test_at_random(unsigned seed)
{
	struct logrig real, *rig = &real;
	int wrong_tail = 0, wrong_since = 0, unsorted = 0;

	printf("# seed %u\n", seed);
	logrig_init(rig);
	fill_at_random(rig, &seed);
	struct buf all = BUF_INIT;
	struct buf out = view(rig, (struct logview_query){BOTH, ALL});
	buf_append(&all, out.data, out.len);
	for (const char *at = all.data, *next; *(next = strchr(at, '\n') + 1) != '\0'; at = next)
		unsorted += strtoll(next, NULL, 10) < strtoll(at, NULL, 10);
	for (int i = 0; i < 60; i++) {
		long lines = rig_random(&seed, 900);
		wrong_tail +=
			strcmp(VIEW(BOTH, .lines = lines), tail(all.data, all.len, lines)) != 0;
		nsec_t since = rig_random(&seed, 3100);
		wrong_since += strcmp(VIEW(BOTH, .since = T0 + since, ALL),
				       first_since(all.data, since)) != 0;
	}
	is_int(unsorted, 0, "a log of many pieces comes sorted");
	is_int(wrong_tail, 0, "the last N lines are the last N lines of all, for any N");
	is_int(wrong_since, 0, "the lines since a time are the rest of all lines, for any time");
	buf_release(&all);
	logrig_release(rig);
}

int main(int argc, char **argv)
{
	struct logrig rig;

	logrig_init(&rig);
	fill(&rig);
	test_merge(&rig);
	logrig_release(&rig);
	test_shapes();
	test_long_lines();
	test_damage();
	test_missing_files();
	test_clock_set_back();
	test_events_set_back();
	test_at_random(
		argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)(clock_mono() / NSEC_PER_USEC));
	return tap_done();
}
