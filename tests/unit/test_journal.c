/* Unit tests of journal: what stands in its files, also after a writer died or the disk was full.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "journal.h"
#include "journalfile.h"
#include "tap.h"

#define NOW (INT64_C(1781021618) * NSEC_PER_SEC)

static char dir[] = "/tmp/test_journal.XXXXXX";
static int dir_fd;

static void clean(void)
{
	char name[JOURNALFILE_NAME];
	struct journalfiles files;

	journalfile_list(dir_fd, &files);
	for (size_t i = 0; i < files.count; i++)
		unlinkat(dir_fd, journalfile_name(name, files.numbers[i]), 0);
	journalfile_release(&files);
}

static void put(uint64_t number, const char *text)
{
	char name[JOURNALFILE_NAME];
	int fd =
		openat(dir_fd, journalfile_name(name, number), O_WRONLY | O_CREAT | O_APPEND, 0600);

	if (fd < 0 || fdio_write_all(fd, text, strlen(text)) < 0)
		printf("# cannot write %s\n", name);
	close(fd);
}

static const char *get(uint64_t number)
{
	static struct buf text;
	char name[JOURNALFILE_NAME];

	buf_reset(&text);
	return fdio_read_at(dir_fd, journalfile_name(name, number), 16 << 20, &text) == 0
		       ? text.data
		       : NULL;
}

static int write_note(struct journal *journal, const char *text, struct cause *cause)
{
	struct event event;

	event_begin(&event, EVENT_NOTE, NOW, NULL, 0);
	event_str(&event, "text", text);
	int result = journal_write(journal, &event, cause);
	event_release(&event);
	return result;
}

#define LINE(seq, text)                                                                            \
	"{ \"seq\" : " #seq                                                                        \
	", \"time\" : \"2026-06-09T16:13:38.000000000Z\", \"kind\" : \"note\", "                   \
	"\"text\" : \"" text "\" }\n"

static void test_write(void)
{
	struct cause cause;
	struct journal *journal = journal_open(dir, &cause);

	is_int((int64_t)journal_seq(journal), 0, "a new journal has no event");
	is_int(write_note(journal, "one", &cause), 0, "an event is written");
	is_int((int64_t)journal_seq(journal), 1, "the first has number 1");
	write_note(journal, "say \\\"two\\\"", &cause);
	is_str(get(1), LINE(1, "one") LINE(2, "say \\\\\\\"two\\\\\\\""), "each is a line of JSON");
	journal_close(journal);

	journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 2, "the next writer knows the last number");
	write_note(journal, "three", &cause);
	ok(strstr(get(1), LINE(3, "three")) != NULL, "and goes on after it");
	journal_close(journal);
	clean();
}

static void test_torn_line(void)
{
	struct cause cause;

	put(1, LINE(41, "whole") "{ \"seq\" : 42, \"ti");
	struct journal *journal = journal_open(dir, &cause);
	is_str(get(1), LINE(41, "whole"), "a torn line is cut off");
	is_int((int64_t)journal_seq(journal), 41, "its number was never used");
	write_note(journal, "next", &cause);
	is_str(get(1), LINE(41, "whole") LINE(42, "next"), "and is given to the next event");
	journal_close(journal);
	clean();

	put(1, LINE(5, "whole") "nonsense\n{}\n");
	journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 5, "lines that are no events are passed over");
	journal_close(journal);
	clean();

	put(1, LINE(8, "older"));
	put(2, "{ \"seq\" : 9");
	journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 8,
		"a newest file without an event: the one before tells");
	write_note(journal, "next", &cause);
	is_str(get(2), LINE(9, "next"), "and the newest is written on");
	journal_close(journal);
	clean();

	struct buf junk = BUF_INIT;
	buf_adds(&junk, LINE(3, "old"));
	size_t whole = junk.len;
	memset(buf_reserve(&junk, 300000), 'x', 300000);
	junk.len += 300000;
	junk.data[junk.len] = '\0';
	put(1, junk.data);
	buf_release(&junk);
	journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 3,
		"a lot of junk at the end does not hide the last event");
	is_int((int64_t)strlen(get(1)), (int64_t)whole, "and is cut off");
	journal_close(journal);
	clean();
}

static void test_rotation(void)
{
	struct cause cause;
	struct journal *journal = journal_open(dir, &cause);
	char text[8001];
	struct journalfiles files;
	int failed = 0;

	memset(text, 't', 8000);
	text[8000] = '\0';
	for (int i = 0; i < 11000; i++)
		failed += write_note(journal, text, &cause) < 0;
	is_int(failed, 0, "88 MB of events are written");
	journalfile_list(dir_fd, &files);
	is_int((int64_t)files.count, JOURNAL_FILES, "the oldest files are removed");
	uint64_t first = files.numbers[0];
	journalfile_release(&files);
	ok(first > 1, "that is, not the newest");
	is_int((int64_t)strlen(get(first)) / JOURNAL_FILE_SIZE, 0,
		"no file is larger than it may be");
	ok(get(first)[strlen(get(first)) - 1] == '\n', "a file ends with a line");
	journal_close(journal);
	journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 11000, "the numbers go on over all files");
	journal_close(journal);
	clean();
}

static void test_full_disk(void)
{
	struct cause cause = {{0}};
	struct journal *journal = journal_open(dir, &cause);
	struct rlimit limit;

	write_note(journal, "one", &cause);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = strlen(get(1)) + 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	is_int(write_note(journal, "two", &cause), -1, "without room an event is lost");
	ok(strstr(cause.text, "journal.1.jsonl") != NULL, "the sentence names the file");
	is_str(get(1), LINE(1, "one"), "no part of it stays behind");
	limit.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &limit);
	is_int(write_note(journal, "three", &cause), 0, "with room, writing goes on");
	is_str(get(1), LINE(1, "one") LINE(3, "three"), "the gap in the numbers tells of the loss");
	journal_close(journal);
	clean();
}

static void test_vanished_file(void)
{
	struct cause cause;
	struct journal *journal = journal_open(dir, &cause);

	write_note(journal, "one", &cause);
	unlinkat(dir_fd, "journal.1.jsonl", 0);
	write_note(journal, "two", &cause);
	is_str(get(2), LINE(2, "two"), "after somebody removed the file, the next one is begun");
	journal_close(journal);
	clean();
}

static void test_open_failure(void)
{
	struct cause cause;

	ok(journal_open("/nonexistent/state", &cause) == NULL,
		"a directory that is not there is an error");
	is_str(cause.text,
		"cannot open the journal in /nonexistent/state: No such file or directory",
		"which is told");
}

static void test_linked_file(void)
{
	char path[80];
	struct cause cause;

	ok(symlinkat("elsewhere", dir_fd, "journal.3.jsonl") == 0 &&
			journal_open(dir, &cause) == NULL,
		"a file that is a symbolic link is not opened");
	snprintf(path, sizeof path, "%s/journal.3.jsonl: it is a symbolic link", dir);
	ok(strstr(cause.text, path) != NULL, "and told by its name, with the reason");
	unlinkat(dir_fd, "journal.3.jsonl", 0);
}

static void hear(void *arg, const bson_t *event)
{
	buf_addf(arg, "%lld ", (long long)event_get_int(event, "seq"));
}

/* The numbers of all events after one. To be used before the next call. */
static const char *recent(uint64_t after)
{
	static struct buf heard;

	buf_reset(&heard);
	buf_adds(&heard, "");
	journal_recent(dir_fd, after, hear, &heard);
	return heard.data;
}

static void test_missing_numbers(void)
{
	struct cause cause;
	struct journalfiles files;

	put(1, LINE(1, "one"));
	put(4, LINE(2, "two"));
	put(900, LINE(3, "three"));
	is_str(recent(0), "1 2 3 ", "files that are missing are passed over");
	for (uint64_t number = 901; number < 906; number++)
		put(number, "");
	struct journal *journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 3, "also when the last number is looked for");
	unlinkat(dir_fd, "journal.905.jsonl", 0);
	write_note(journal, "four", &cause);
	journalfile_list(dir_fd, &files);
	is_int((int64_t)files.count, JOURNAL_FILES, "as many are kept as without a gap");
	is_int((int64_t)files.numbers[0], 1, "of those that are there");
	is_int((int64_t)files.numbers[files.count - 1], 906, "and the newest is the next one");
	journalfile_release(&files);
	unlinkat(dir_fd, "journal.906.jsonl", 0);
	put(905, "");
	write_note(journal, "five", &cause);
	ok(get(1) == NULL && get(4) != NULL, "the oldest goes first");
	journal_close(journal);
	clean();
}

static void test_dated_copy(void)
{
	struct cause cause;
	static const uint64_t far[] = {20261130, 20261130235959, INT64_MAX};

	put(1, LINE(1, "one") LINE(2, "two"));
	for (size_t i = 0; i < sizeof far / sizeof *far; i++)
		put(far[i], LINE(1, "one"));
	is_str(recent(0), "1 2 ", "a copy with a date in its name is not read");
	struct journal *journal = journal_open(dir, &cause);
	is_int((int64_t)journal_seq(journal), 2, "nor asked for the last number");
	write_note(journal, "three", &cause);
	is_str(get(1), LINE(1, "one") LINE(2, "two") LINE(3, "three"), "or written on");
	unlinkat(dir_fd, "journal.1.jsonl", 0);
	put(1, "");
	write_note(journal, "four", &cause);
	is_str(get(2), LINE(4, "four"), "the next file has the next number");
	journal_close(journal);
	clean();
	is_str(get(far[0]), LINE(1, "one"), "the copy stays as it is");
	for (size_t i = 0; i < sizeof far / sizeof *far; i++)
		clean(); /* now each is the first one */
}

static void test_names(void)
{
	uint64_t number = 0;

	ok(journalfile_parse("journal.12.jsonl", &number), "a name is understood");
	is_int((int64_t)number, 12, "with its number");
	ok(!journalfile_parse("journal.jsonl", &number), "a name needs a number");
	ok(!journalfile_parse("journal.1.jsonl.gz", &number), "and has nothing behind it");
	ok(!journalfile_parse("journal.-1.jsonl", &number), "a number has no sign");
	ok(!journalfile_parse("journal.9223372036854775808.jsonl", &number),
		"and another one after it");
}

int main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	test_write();
	test_torn_line();
	test_rotation();
	test_full_disk();
	test_vanished_file();
	test_open_failure();
	test_linked_file();
	test_missing_numbers();
	test_dated_copy();
	test_names();
	close(dir_fd);
	rmdir(dir);
	return tap_done();
}
