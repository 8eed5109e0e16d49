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
	uint64_t first, last;

	journalfile_range(dir_fd, &first, &last);
	for (; first != 0 && first <= last; first++)
		unlinkat(dir_fd, journalfile_name(name, first), 0);
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
	uint64_t first, last;
	int failed = 0;

	memset(text, 't', 8000);
	text[8000] = '\0';
	for (int i = 0; i < 11000; i++)
		failed += write_note(journal, text, &cause) < 0;
	is_int(failed, 0, "88 MB of events are written");
	journalfile_range(dir_fd, &first, &last);
	is_int((int64_t)(last - first + 1), JOURNAL_FILES, "the oldest files are removed");
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

static void test_names(void)
{
	uint64_t number = 0;

	ok(journalfile_parse("journal.12.jsonl", &number), "a name is understood");
	is_int((int64_t)number, 12, "with its number");
	ok(!journalfile_parse("journal.jsonl", &number), "a name needs a number");
	ok(!journalfile_parse("journal.1.jsonl.gz", &number), "and has nothing behind it");
	ok(!journalfile_parse("journal.-1.jsonl", &number), "a number has no sign");
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
	test_names();
	close(dir_fd);
	rmdir(dir);
	return tap_done();
}
