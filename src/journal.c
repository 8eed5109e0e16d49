/*
 * journal: see the header.
 *
 * A line goes into the file by one write(), so a reader sees it whole or, while it is being
 * written, without its newline. What was written by half is cut off: by the writer itself when it
 * learns of it (a full disk), by the next one when it was killed.
 */
#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "journalfile.h"
#include "xmalloc.h"

/* How much of a file journal_recent() looks at, and more if that is not enough. */
enum {
	RECENT_WINDOW = 256 * 1024
};

struct journal {
	char *dir; /* for messages */
	int dir_fd;
	int fd;		 /* of the newest file */
	uint64_t number; /* its number */
	off_t size;	 /* its size, all of it whole lines */
	uint64_t seq;	 /* of the newest event */
};

static int open_file(struct journal *journal, uint64_t number)
{
	char name[JOURNALFILE_NAME];

	return openat(journal->dir_fd, journalfile_name(name, number),
		O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Reads the last `window` bytes of a file. Returns -1 with errno. */
static int read_tail(int fd, off_t size, off_t window, struct buf *out)
{
	off_t at = size > window ? size - window : 0;

	buf_reset(out);
	while (at < size) {
		ssize_t n =
			pread(fd, buf_reserve(out, (size_t)(size - at)), (size_t)(size - at), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		at += n;
	}
	return 0;
}

static uint64_t line_seq(const char *line, size_t len)
{
	bson_error_t error;
	bson_t *doc = bson_new_from_json((const uint8_t *)line, (ssize_t)len, &error);

	if (doc == NULL)
		return 0;
	int64_t seq = event_get_int(doc, "seq");
	bson_destroy(doc);
	return seq > 0 ? (uint64_t)seq : 0;
}

/* The number of the last event in a text of whole lines; lines that are none of ours are passed
 * over. 0: there is none. */
static uint64_t last_seq(const char *text, size_t len)
{
	while (len > 0) {
		const char *before = memrchr(text, '\n', len - 1);
		size_t start = before != NULL ? (size_t)(before - text) + 1 : 0;
		uint64_t seq = line_seq(text + start, len - start - 1);
		if (seq > 0)
			return seq;
		len = start;
	}
	return 0;
}

/*
 * Finds the end of the last whole line of a file and the number of its last event. Usually its last
 * lines tell; the whole file is read only when they do not.
 */
static int examine(int fd, off_t size, off_t *end, uint64_t *seq)
{
	struct buf tail = BUF_INIT;
	int result = 0;

	*end = 0;
	*seq = 0;
	for (off_t window = 2 * JOURNAL_LINE_MAX; *seq == 0; window = size) {
		result = read_tail(fd, size, window, &tail);
		const char *newline = tail.len > 0 ? memrchr(tail.data, '\n', tail.len) : NULL;
		if (result < 0)
			break;
		if (newline != NULL) {
			size_t whole = (size_t)(newline - tail.data) + 1;
			*end = size - (off_t)(tail.len - whole);
			*seq = last_seq(tail.data, whole);
		}
		if (window >= size)
			break;
	}
	buf_release(&tail);
	return result;
}

/* The number of the last event before the newest file, for when that one has none. */
static uint64_t seq_of_older(const struct journal *journal, const struct journalfiles *files)
{
	uint64_t seq = 0;

	for (size_t i = files->count; i-- > 0 && seq == 0;) {
		char name[JOURNALFILE_NAME];
		struct stat st;
		off_t end;
		int fd = openat(journal->dir_fd, journalfile_name(name, files->numbers[i]),
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 && fstat(fd, &st) == 0)
			examine(fd, st.st_size, &end, &seq);
		fdio_close(&fd);
	}
	return seq;
}

/* Opens the newest file and cuts off a torn line. Returns -1 with errno. */
static int continue_file(struct journal *journal)
{
	struct stat st;

	journal->fd = open_file(journal, journal->number);
	if (journal->fd < 0 || fstat(journal->fd, &st) < 0 ||
		examine(journal->fd, st.st_size, &journal->size, &journal->seq) < 0)
		return -1;
	return journal->size < st.st_size ? ftruncate(journal->fd, journal->size) : 0;
}

/* Goes on with the newest file and the last number. Returns -1 with errno. */
static int continue_journal(struct journal *journal)
{
	struct journalfiles files;

	if (journalfile_list(journal->dir_fd, &files) < 0)
		return -1;
	journal->number = files.count > 0 ? files.numbers[files.count - 1] : 1;
	int result = continue_file(journal);
	if (result == 0 && journal->seq == 0)
		journal->seq = seq_of_older(journal, &files);
	journalfile_release(&files);
	return result;
}

static void tell_failure(const struct journal *journal, struct cause *cause)
{
	char name[JOURNALFILE_NAME];

	if (journal->number == 0)
		cause_errno(cause, "cannot open the journal in %s", journal->dir);
	else if (errno == ELOOP)
		cause_set(cause,
			"cannot open the journal %s/%s: it is a symbolic link, which is not "
			"followed; put the file itself in its place",
			journal->dir, journalfile_name(name, journal->number));
	else
		cause_errno(cause, "cannot open the journal %s/%s", journal->dir,
			journalfile_name(name, journal->number));
}

struct journal *journal_open(const char *dir, struct cause *cause)
{
	struct journal *journal = xcalloc(1, sizeof *journal);

	journal->dir = xstrdup(dir);
	journal->fd = -1;
	journal->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (journal->dir_fd < 0 || continue_journal(journal) < 0) {
		tell_failure(journal, cause);
		journal_close(journal);
		return NULL;
	}
	return journal;
}

void journal_close(struct journal *journal)
{
	if (journal == NULL)
		return;
	fdio_close(&journal->fd);
	fdio_close(&journal->dir_fd);
	free(journal->dir);
	free(journal);
}

uint64_t journal_seq(const struct journal *journal)
{
	return journal->seq;
}

static void remove_oldest(struct journal *journal)
{
	char name[JOURNALFILE_NAME];
	struct journalfiles files;

	if (journalfile_list(journal->dir_fd, &files) < 0)
		return;
	for (size_t i = 0; i + JOURNAL_FILES < files.count; i++)
		unlinkat(journal->dir_fd, journalfile_name(name, files.numbers[i]), 0);
	journalfile_release(&files);
}

/* Makes the directory anew when somebody has removed it under us. */
static void renew_dir(struct journal *journal)
{
	struct cause cause;
	struct stat st;

	if (fstat(journal->dir_fd, &st) < 0 || st.st_nlink > 0 ||
		fdio_make_dirs(journal->dir, &cause) < 0)
		return;
	int fd = open(journal->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fdio_close(&journal->dir_fd);
	journal->dir_fd = fd;
}

/* Goes on in a new file. When there can be none now, the old one grows further. */
static void begin_file(struct journal *journal)
{
	renew_dir(journal);
	int fd = open_file(journal, journal->number + 1);

	if (fd < 0)
		return;
	fdio_close(&journal->fd);
	journal->fd = fd;
	journal->number++;
	journal->size = 0;
	remove_oldest(journal);
}

static int append(struct journal *journal, const struct buf *line, struct cause *cause)
{
	struct stat st;

	if (journal->size + (off_t)line->len > JOURNAL_FILE_SIZE || fstat(journal->fd, &st) < 0 ||
		st.st_nlink == 0)
		begin_file(journal);
	ssize_t n = write(journal->fd, line->data, line->len);
	if (n == (ssize_t)line->len) {
		journal->size += n;
		return 0;
	}
	if (n >= 0)
		errno = ENOSPC;
	cause_errno(cause, "cannot write to %s/journal.%llu.jsonl", journal->dir,
		(unsigned long long)journal->number);
	if (n > 0 && ftruncate(journal->fd, journal->size) < 0)
		begin_file(journal); /* the torn line stays where it is; readers pass over it */
	return -1;
}

int journal_write(struct journal *journal, struct event *event, struct cause *cause)
{
	struct buf line = BUF_INIT;
	bson_iter_t iter;
	size_t len;

	journal->seq++;
	if (bson_iter_init_find(&iter, &event->doc, "seq"))
		bson_iter_overwrite_int64(&iter, (int64_t)journal->seq);
	char *json = bson_as_relaxed_extended_json(&event->doc, &len);
	if (json == NULL)
		return cause_set(cause, "event %llu cannot be written as JSON",
			(unsigned long long)journal->seq);
	buf_append(&line, json, len);
	buf_addc(&line, '\n');
	bson_free(json);

	int result = line.len > JOURNAL_LINE_MAX
			     ? cause_set(cause, "event %llu is longer than %d bytes",
				       (unsigned long long)journal->seq, JOURNAL_LINE_MAX)
			     : append(journal, &line, cause);
	buf_release(&line);
	return result;
}

static void read_lines(const char *text, void (*heard)(void *arg, const bson_t *event), void *arg)
{
	for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		bson_t *event = bson_new_from_json((const uint8_t *)text, end - text, NULL);
		if (event == NULL)
			continue;
		heard(arg, event);
		bson_destroy(event);
	}
}

/* Begins the text with its first whole line, whose number is returned; 0: there is none. */
static uint64_t cut_torn_line(struct buf *text)
{
	const char *newline = text->len > 0 ? strchr(text->data, '\n') : NULL;

	if (newline == NULL)
		return 0;
	buf_consume(text, (size_t)(newline - text->data) + 1);
	newline = text->len > 0 ? strchr(text->data, '\n') : NULL;
	return newline != NULL ? line_seq(text->data, (size_t)(newline - text->data)) : 0;
}

/* Reads the end of a file, in which all its events after that number are. Returns true when there
 * may be some in the file before it too. */
static bool read_after(int fd, off_t size, uint64_t after, struct buf *text)
{
	off_t window = RECENT_WINDOW;

	for (; window < size; window *= 4) {
		if (read_tail(fd, size, window, text) < 0)
			return false;
		uint64_t first = cut_torn_line(text);
		if (first != 0 && first <= after)
			return false;
	}
	const char *newline = read_tail(fd, size, size, text) == 0 && text->len > 0
				      ? strchr(text->data, '\n')
				      : NULL;
	return newline == NULL || size < RECENT_WINDOW ||
	       line_seq(text->data, (size_t)(newline - text->data)) - 1 > after;
}

/* The same of the file with that number. */
static bool read_file_after(int dir, uint64_t number, uint64_t after, struct buf *text)
{
	char name[JOURNALFILE_NAME];
	bool more = true;
	struct stat st;

	int fd = openat(dir, journalfile_name(name, number), O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		more = read_after(fd, st.st_size, after, text);
	fdio_close(&fd);
	return more;
}

void journal_recent(
	int dir, uint64_t after, void (*heard)(void *arg, const bson_t *event), void *arg)
{
	struct journalfiles files;
	bool more = true;

	if (journalfile_list(dir, &files) < 0)
		return;
	struct buf *texts = xcalloc(files.count, sizeof *texts);
	size_t i = files.count;
	while (more && i-- > 0)
		more = read_file_after(dir, files.numbers[i], after, &texts[i]);
	for (i = 0; i < files.count; i++) {
		if (texts[i].len > 0)
			read_lines(texts[i].data, heard, arg);
		buf_release(&texts[i]);
	}
	free(texts);
	journalfile_release(&files);
}
