/* Unit tests of segment: what stands in the files after output went through a pipe. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "logclean.h"
#include "pieces.h"
#include "segment.h"
#include "segtrim.h"
#include "tap.h"

#define DYNO "web.1"
#define NOW (INT64_C(1781021618) * NSEC_PER_SEC)

/* A pipe, a log directory and a segment between them. */
struct rig {
	char path[64];
	int logdir;
	int in, out; /* the pipe's ends: we write in, the segment reads out */
	struct segment *segment;
};

static const struct segment_limits large = {64 << 20, 256 << 20};

static void rig_init(struct rig *rig, struct segment_limits limits)
{
	int ends[2];

	strcpy(rig->path, "/tmp/test_segment.XXXXXX");
	if (mkdtemp(rig->path) == NULL || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		perror("rig");
		exit(1);
	}
	rig->out = ends[0];
	rig->in = ends[1];
	rig->logdir = open(rig->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rig->segment = segment_open(rig->logdir, DYNO, 1, limits);
}

static void rig_release(struct rig *rig)
{
	segment_close(rig->segment);
	remove_log(rig->logdir, DYNO);
	fdio_close(&rig->in);
	fdio_close(&rig->out);
	fdio_close(&rig->logdir);
	rmdir(rig->path);
}

static void rig_write(struct rig *rig, const char *text)
{
	if (write(rig->in, text, strlen(text)) != (ssize_t)strlen(text))
		printf("# the pipe is full\n");
}

/* Writes, and moves until the pipe is empty. Returns the sum of what was moved and dropped. */
static struct segment_batch rig_pass(struct rig *rig, const char *text, nsec_t now)
{
	struct segment_batch batch, sum = {0};

	rig_write(rig, text);
	while (segment_move(rig->segment, rig->out, now, &batch) == SEGMENT_MOVED) {
		sum.moved += batch.moved;
		sum.dropped += batch.dropped;
		if (batch.error != 0)
			sum.error = batch.error;
	}
	return sum;
}

static const char *rig_read(struct rig *rig, uint64_t launch, uint64_t number)
{
	static struct buf text;
	char name[PIECE_NAME];

	buf_reset(&text);
	piece_name(name, DYNO, (struct piece){launch, number}, "log");
	return fdio_read_at(rig->logdir, name, 64 << 20, &text) == 0 ? text.data : NULL;
}

static size_t rig_stamps(struct rig *rig, uint64_t number, struct stamp stamps[8])
{
	struct buf bytes = BUF_INIT;
	char name[PIECE_NAME];

	piece_name(name, DYNO, (struct piece){1, number}, "idx");
	if (fdio_read_at(rig->logdir, name, 1 << 20, &bytes) < 0)
		return 0;
	size_t count = bytes.len / sizeof *stamps;
	memcpy(stamps, bytes.data, (count < 8 ? count : 8) * sizeof *stamps);
	buf_release(&bytes);
	return count;
}

static size_t rig_pieces(struct rig *rig)
{
	struct pieces pieces;

	pieces_list(rig->logdir, DYNO, &pieces);
	size_t count = pieces.count;
	pieces_release(&pieces);
	return count;
}

static void test_plain(void)
{
	struct rig rig;
	struct stamp stamps[8];
	struct segment_batch batch;

	rig_init(&rig, large);
	is_int(segment_move(rig.segment, rig.out, NOW, &batch), SEGMENT_EMPTY,
		"an empty pipe with a writer is empty");
	is_int(rig_pieces(&rig), 0, "nothing is created before the first byte");
	batch = rig_pass(&rig, "one\n", NOW);
	is_int(batch.moved, 4, "a batch tells how much was moved");
	rig_pass(&rig, "two\n", NOW + 5);
	is_str(rig_read(&rig, 1, 1), "one\ntwo\n", "the file holds what was written");
	is_int(rig_stamps(&rig, 1, stamps), 2, "each batch has one entry in the index");
	is_int(stamps[0].end, 4, "the first entry ends where the first batch ended");
	is_int((int64_t)stamps[0].wall, NOW, "the first entry has the time of its batch");
	is_int(stamps[1].end, 8, "the second entry ends where the second batch ended");
	is_int((int64_t)stamps[1].wall, NOW + 5, "the second entry has its own time");

	rig_write(&rig, "last");
	fdio_close(&rig.in);
	is_int(segment_move(rig.segment, rig.out, NOW, &batch), SEGMENT_MOVED,
		"what a writer left behind is moved");
	is_int(segment_move(rig.segment, rig.out, NOW, &batch), SEGMENT_EOF,
		"then the end is reported");
	rig_release(&rig);

	rig_init(&rig, large);
	fdio_close(&rig.in);
	is_int(segment_move(rig.segment, rig.out, NOW, &batch), SEGMENT_EOF,
		"a pipe without writer and without byte is at its end");
	is_int(segment_move(rig.segment, -1, NOW, &batch), SEGMENT_FAILED,
		"a pipe that cannot be read is a failure");
	rig_release(&rig);
}

static void test_rotation(void)
{
	enum {
		LIMIT = 100
	};
	struct rig rig;
	char text[4 * LIMIT];

	rig_init(&rig, (struct segment_limits){LIMIT, 1 << 20});
	memset(text, 'a', sizeof text);
	strcpy(text + LIMIT + 10, "\nsecond\n");
	rig_pass(&rig, text, NOW);
	text[LIMIT + 11] = '\0';
	is_str(rig_read(&rig, 1, 1), text,
		"a piece that has its size ends with the line that it is in");
	is_str(rig_read(&rig, 1, 2), "second\n", "the next line begins the next piece");

	memset(text, 'b', LIMIT);
	text[LIMIT] = '\0';
	rig_pass(&rig, text, NOW);
	rig_pass(&rig, "end\nthird\n", NOW);
	is_int((int64_t)strlen(rig_read(&rig, 1, 2)), 7 + LIMIT + 4,
		"a line whose end comes in time is not split");
	is_str(rig_read(&rig, 1, 3), "third\n", "and the line after it begins the next piece");

	memset(text, 'c', 3 * LIMIT);
	text[3 * LIMIT] = '\0';
	rig_pass(&rig, text, NOW);
	rig_pass(&rig, "end\n", NOW);
	struct buf all = BUF_INIT;
	for (uint64_t number = 3; rig_read(&rig, 1, number) != NULL; number++)
		buf_adds(&all, rig_read(&rig, 1, number));
	is_str(all.data + 6 + 3 * LIMIT, "end\n",
		"a line longer than two pieces is whole over several");
	is_int((int64_t)all.len, 6 + 3 * LIMIT + 4, "nothing of it is lost or doubled");
	buf_release(&all);
	rig_release(&rig);
}

static void test_index_bounds_piece(void)
{
	struct rig rig;
	struct stamp stamps[8];

	rig_init(&rig, (struct segment_limits){64, 1 << 20});
	for (int i = 0; i < 5; i++)
		rig_pass(&rig, "\n", NOW);
	is_int(rig_stamps(&rig, 1, stamps), 4,
		"an index that is as large as a piece ends the piece");
	is_str(rig_read(&rig, 1, 2), "\n", "and the output goes on in the next one");
	rig_release(&rig);
}

static void test_budget(void)
{
	struct rig rig;
	struct stat st;

	rig_init(&rig, (struct segment_limits){32, 3 * SEGTRIM_LEAST});
	for (char text[] = "line 0, which is longer than a piece\n"; text[5] <= '9'; text[5]++)
		rig_pass(&rig, text, NOW);
	is_int((int64_t)rig_pieces(&rig), 4,
		"as many pieces stay as the budget holds, and the open one");
	is_str(rig_read(&rig, 1, 10), "line 9, which is longer than a piece\n",
		"the newest piece is among them");
	ok(rig_read(&rig, 1, 6) == NULL, "the oldest are gone");
	ok(fstatat(rig.logdir, DYNO "/1.6.idx", &st, 0) < 0, "with their indexes");
	segment_close(rig.segment);

	rig.segment = segment_open(rig.logdir, DYNO, 2, (struct segment_limits){1000, 2000});
	char block[1001];
	memset(block, 'b', sizeof block);
	block[999] = '\n';
	block[1000] = '\0';
	rig_pass(&rig, block, NOW);
	rig_pass(&rig, "next\n", NOW);
	is_int(rig_pieces(&rig), 1, "a budget of less than two pieces keeps the open one");
	is_str(rig_read(&rig, 2, 2), "next\n", "which holds the newest output");
	rig_release(&rig);
}

/* An old instance is still writing when the new one has used up the budget. */
static void test_overlap(void)
{
	struct rig rig;
	struct segment_limits small = {100, 2 * SEGTRIM_LEAST};

	rig_init(&rig, small);
	rig_pass(&rig, "old\n", NOW);
	struct segment *old = rig.segment;
	rig.segment = segment_open(rig.logdir, DYNO, 2, small);
	char block[101];
	memset(block, 'n', sizeof block);
	block[99] = '\n';
	block[100] = '\0';
	for (int i = 0; i < 6; i++)
		rig_pass(&rig, block, NOW);
	ok(rig_read(&rig, 1, 1) == NULL,
		"a newer launch may push out the open piece of an older one");
	struct segment *new = rig.segment;
	rig.segment = old;
	rig_pass(&rig, "farewell\n", NOW);
	is_str(rig_read(&rig, 1, 2), "farewell\n", "which then goes on in a new piece");
	ok(rig_read(&rig, 2, 6) != NULL,
		"and does not push out the newest piece of the new launch");
	segment_close(new);
	rig_release(&rig);
}

static void test_take_over(void)
{
	struct rig rig;
	struct stamp stamps[8];

	rig_init(&rig, (struct segment_limits){100, 1 << 20});
	rig_pass(&rig, "one\n", NOW);
	segment_close(rig.segment);
	/* A supervisor that dies between the two calls leaves bytes without a time, or half an
	 * entry. */
	int fd = openat(rig.logdir, DYNO "/1.1.log", O_WRONLY | O_APPEND);
	if (write(fd, "two", 3) != 3)
		printf("# cannot append\n");
	struct timespec times[2] = {{.tv_sec = 4000}, {.tv_sec = 5000, .tv_nsec = 7}};
	futimens(fd, times);
	close(fd);
	fd = openat(rig.logdir, DYNO "/1.1.idx", O_WRONLY | O_APPEND);
	if (write(fd, "half", 4) != 4)
		printf("# cannot append\n");
	close(fd);

	rig.segment = segment_open(rig.logdir, DYNO, 1, (struct segment_limits){100, 1 << 20});
	is_int(rig_stamps(&rig, 1, stamps), 2,
		"bytes without a time get one as soon as the output is taken over");
	is_int(stamps[1].end, 7, "that entry covers all of them");
	is_int((int64_t)stamps[1].wall, 5000 * NSEC_PER_SEC + 7, "its time is that of the file");
	rig_pass(&rig, "!\n", NOW);
	is_str(rig_read(&rig, 1, 1), "one\ntwo!\n", "output goes on in the same piece");
	is_int(rig_stamps(&rig, 1, stamps), 3, "and so does the index");
	rig_release(&rig);
}

static void test_vanished_file(void)
{
	struct rig rig;

	rig_init(&rig, large);
	rig_pass(&rig, "one\n", NOW);
	remove_log(rig.logdir, DYNO);
	rig_pass(&rig, "two\n", NOW);
	is_str(rig_read(&rig, 1, 2), "two\n", "after somebody removed the files, logging goes on");
	if (truncate(rig.path, 0) == 0 ||
		ftruncate(openat(rig.logdir, DYNO "/1.2.log", O_WRONLY), 0) < 0)
		printf("# cannot truncate\n");
	rig_pass(&rig, "three\n", NOW);
	is_str(rig_read(&rig, 1, 3), "three\n",
		"after somebody cut the file, too, and without a hole");
	rig_release(&rig);
}

/* A limit on the size of files stands in for a full disk: it needs no privilege. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_full_disk(void)
{
	struct rig rig;
	struct segment_batch batch;

	signal(SIGXFSZ, SIG_IGN);
	rig_init(&rig, large);
	rig_pass(&rig, "before\n", NOW);
	limit_files(12);
	batch = rig_pass(&rig, "torn line\nlost\nhalf", NOW);
	is_int(batch.moved, 5, "what still has room is written");
	is_int(batch.dropped, 14, "the rest is taken out of the pipe and counted");
	is_int(batch.error, EFBIG, "with the reason");
	limit_files(RLIM_INFINITY);
	batch = rig_pass(&rig, " of a line", NOW);
	is_int(batch.dropped, 10, "for a moment nothing is tried again");

	/* Longer than the pause: what comes now could be written, but belongs to a line that is
	 * lost. */
	for (nsec_t end = clock_mono() + 1300 * NSEC_PER_MSEC; clock_mono() < end; usleep(20000))
		rig_pass(&rig, " lost", NOW);
	rig_pass(&rig, " lost\nafter\n", NOW);
	is_str(rig_read(&rig, 1, 1), "before\ntorn \nafter\n",
		"with room again logging goes on, with a whole line after the torn one");
	rig_release(&rig);
}

static void test_no_directory(void)
{
	struct rig rig;
	struct segment_batch batch;

	rig_init(&rig, large);
	if (mkdirat(rig.logdir, DYNO, 0700) < 0 || mkdirat(rig.logdir, DYNO "/1.1.log", 0700) < 0)
		printf("# cannot make the directory\n");
	batch = rig_pass(&rig, "nowhere\n", NOW);
	is_int(batch.dropped, 8, "a file that cannot be made costs output, not the application");
	unlinkat(rig.logdir, DYNO "/1.1.log", AT_REMOVEDIR);
	rig_release(&rig);
}

static void test_names(void)
{
	struct piece piece = {0};

	ok(piece_parse("12.3.log", "log", &piece), "a piece's name is understood");
	is_int((int64_t)piece.launch, 12, "it begins with the launch");
	is_int((int64_t)piece.number, 3, "then comes the number");
	ok(!piece_parse("12.3.idx", "log", &piece), "an index is not a log");
	ok(!piece_parse("12.log", "log", &piece), "a name without number is not a piece");
	ok(!piece_parse("012.3.log", "log", &piece), "a number does not begin with 0");
	ok(!piece_parse("99999999999999999999.1.log", "log", &piece),
		"a number has an upper limit");
	ok(!dyno_name_is_valid(".."), "a dyno is not called ..");
	ok(dyno_name_is_valid("web.1"), "a dyno is called web.1");
}

int main(void)
{
	test_plain();
	test_rotation();
	test_index_bounds_piece();
	test_budget();
	test_overlap();
	test_take_over();
	test_vanished_file();
	test_full_disk();
	test_no_directory();
	test_names();
	return tap_done();
}
