/* Unit tests of told: what stands in the journal is not told again, and nothing else is kept back.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "tap.h"
#include "told.h"

static char dir[] = "/tmp/test_told.XXXXXX";
static struct journal *journal;

static void make(struct event *event, enum event_kind kind, uint64_t launch, const char *key,
	const char *value)
{
	event_begin(event, kind, clock_wall(), "web.1", launch);
	event_str(event, key, value);
}

static void make_state(struct event *event, const char *from, const char *to)
{
	make(event, EVENT_STATE, 1, "from", from);
	event_str(event, "to", to);
}

static void keep(struct event *event)
{
	struct cause cause;

	journal_write(journal, event, &cause);
	event_release(event);
}

/* A dead supervisor tells something. */
static void tell(enum event_kind kind, uint64_t launch)
{
	struct event event;

	make(&event, kind, launch, "text", NULL);
	keep(&event);
}

static void tell_state(const char *from, const char *to)
{
	struct event event;

	make_state(&event, from, to);
	keep(&event);
}

static bool was_told(struct told *told, enum event_kind kind, uint64_t launch)
{
	struct event event;

	make(&event, kind, launch, "text", NULL);
	bool result = told_before(told, &event);
	event_release(&event);
	return result;
}

/* From where the change goes on; NULL: it was told. */
static const char *told_from(struct told *told, const char *from, const char *to)
{
	static char text[32];
	struct event event;

	make_state(&event, from, to);
	bool result = told_before(told, &event);
	snprintf(text, sizeof text, "%s", event_get_str(&event.doc, "from"));
	event_release(&event);
	return result ? NULL : text;
}

static bson_t record;

static void save(const struct told *told, uint64_t saved)
{
	bson_reinit(&record);
	told_put(told, "web.1", journal_seq(journal), saved, &record);
}

/* The next supervisor, which has this record. */
static struct told adopt(const bson_t *from)
{
	struct told told = {0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	told_expect(&told, "web.1", from);
	told_read(&told, fd);
	close(fd);
	return told;
}

static void test_after_the_record(void)
{
	struct told nothing = {0};

	tell(EVENT_LAUNCH, 1);
	save(&nothing, 0);
	tell(EVENT_RESTART, 1);
	tell(EVENT_STOP_MAIN, 1);
	tell(EVENT_LAUNCH, 2);
	struct told told = adopt(&record);
	ok(!was_told(&told, EVENT_LAUNCH, 1), "what the record knows of does not count");
	ok(told_has(&told, "web.1", 1, EVENT_RESTART), "what was told after it is known");
	ok(was_told(&told, EVENT_RESTART, 1), "and not told again");
	ok(!was_told(&told, EVENT_RESTART, 1), "but the next one is news");
	ok(!was_told(&told, EVENT_LAUNCH, 3), "as is that of another launch");
	ok(was_told(&told, EVENT_STOP, 1), "a stop is told once, whoever got the signal");
	ok(was_told(&told, EVENT_LAUNCH, 2), "the order does not matter");
	told_release(&told);
}

static void test_end(void)
{
	struct told nothing = {0};

	save(&nothing, 0);
	tell(EVENT_EXIT, 4);
	struct told told = adopt(&record);
	ok(was_told(&told, EVENT_EXIT_UNKNOWN, 4),
		"an end is told once, with or without its status");
	ok(!was_told(&told, EVENT_STOPPED, 4), "its report, if it is missing, follows");
	told_release(&told);
}

static void test_field(void)
{
	struct told nothing = {0};
	struct event event;

	save(&nothing, 0);
	make(&event, EVENT_NOTE, 1, "text", "one");
	keep(&event);
	struct told told = adopt(&record);
	make(&event, EVENT_NOTE, 1, "text", "another");
	ok(!told_before(&told, &event), "a note with another text is another one");
	event_release(&event);
	make(&event, EVENT_NOTE, 1, "text", "one");
	ok(told_before(&told, &event), "one with the same text is not");
	event_release(&event);
	told_release(&told);
}

static void test_chain(void)
{
	struct told nothing = {0};

	save(&nothing, 0);
	tell_state("up", "crashed");
	tell_state("crashed", "starting");
	struct told told = adopt(&record);
	is_str(told_state(&told, "web.1"), "starting", "the last state that was told is known");
	is_str(told_from(&told, "up", "crashed"), NULL, "the same way is not told again");
	is_str(told_from(&told, "crashed", "starting"), NULL, "to its end");
	is_str(told_from(&told, "starting", "up"), "starting", "then news begin");
	told_release(&told);

	told = adopt(&record);
	is_str(told_from(&told, "up", "down"), "starting",
		"another way goes on where the last one ended");
	is_str(told_from(&told, "up", "crashed"), "up", "and what was told before is forgotten");
	told_release(&told);

	told = adopt(&record);
	is_str(told_from(&told, "down", "starting"), NULL,
		"a way that leads to the same end is no news");
	told_release(&told);
}

static void test_second_death(void)
{
	struct told nothing = {0};

	save(&nothing, 0);
	tell(EVENT_COOLING, 1);
	tell(EVENT_EXIT, 1);
	struct told told = adopt(&record);
	ok(was_told(&told, EVENT_EXIT, 1), "the next supervisor comes to one of two");
	tell(EVENT_LAUNCH, 2);
	save(&told, 0);
	told_release(&told);
	told = adopt(&record);
	ok(!was_told(&told, EVENT_LAUNCH, 2), "the one after that knows its record");
	ok(was_told(&told, EVENT_COOLING, 1), "and what was left");
	told_release(&told);
	told = adopt(&record);
	told_forget(&told, "web.1", 1);
	ok(!was_told(&told, EVENT_COOLING, 1), "until the launch is over");
	told_release(&told);
}

static void test_no_record(void)
{
	tell(EVENT_LAUNCH, 7);
	tell(EVENT_RESTART, 7);
	tell_state("crashed", "up");
	struct told told = adopt(NULL);
	ok(was_told(&told, EVENT_LAUNCH, 7), "without a record the launches of the journal count");
	ok(!was_told(&told, EVENT_RESTART, 7), "and nothing that comes more than once");
	is_str(told_from(&told, "starting", "down"), "up", "the chain of states goes on");
	told_release(&told);

	bson_t old = BSON_INITIALIZER;
	told = adopt(&old);
	ok(!was_told(&told, EVENT_LAUNCH, 7), "a record of an earlier version was complete");
	told_release(&told);
	bson_destroy(&old);
}

/* One turn may tell more than a file of the journal holds. */
static void test_far_back(void)
{
	char text[4000];
	struct told nothing = {0};
	struct event event;

	save(&nothing, journal_seq(journal));
	tell(EVENT_EXIT, 9);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (unsigned i = 0; i < 3 * JOURNAL_FILE_SIZE / 2 / sizeof text; i++) {
		make(&event, EVENT_OUTPUT_DROPPED, 9, "reason", text);
		keep(&event);
	}
	struct told told = adopt(&record);
	ok(was_told(&told, EVENT_EXIT, 9),
		"the journal is read back to the record, over its files");
	told_release(&told);
}

static void clean(void)
{
	char path[64];

	journal_close(journal);
	for (int i = 1; i <= 2; i++) {
		snprintf(path, sizeof path, "%s/journal.%d.jsonl", dir, i);
		unlink(path);
	}
	rmdir(dir);
	bson_destroy(&record);
}

int main(void)
{
	struct cause cause;

	if (mkdtemp(dir) == NULL || (journal = journal_open(dir, &cause)) == NULL)
		return 1;
	bson_init(&record);
	test_after_the_record();
	test_end();
	test_field();
	test_chain();
	test_second_death();
	test_no_record();
	test_far_back();
	clean();
	return tap_done();
}
