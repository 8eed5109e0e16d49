/*
 * A mover of output that is killed again and again, at any instruction: every line must be there
 * once, in order.
 *
 * One process writes numbered lines into a FIFO; another moves them with segment_move(), is killed
 * by SIGKILL at random moments and replaced, as a supervisor would be. A third of the lines are
 * long, so pieces begin and end all the time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "logclean.h"
#include "pieces.h"
#include "segment.h"
#include "tap.h"

enum {
	LINES = 1500000,
	SECONDS = 4,
	LONGEST = 300
};

static const struct segment_limits limits = {256 * 1024, UINT64_C(1) << 40};

static char dir[] = "/tmp/test_segment_kill.XXXXXX";
static char fifo[64];

/* The text of line n, of a length that differs from line to line. Returns it. */
static size_t make_line(char line[LONGEST + 16], unsigned n)
{
	int len = sprintf(line, "%u ", n);
	int fill = n % 3 == 0 ? (int)(n % LONGEST) : 5;

	memset(line + len, 'x', (size_t)fill);
	line[len + fill] = '\n';
	line[len + fill + 1] = '\0';
	return (size_t)(len + fill + 1);
}

static void write_lines(void)
{
	struct buf block = BUF_INIT;
	char line[LONGEST + 16];
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);

	for (unsigned n = 1; n <= LINES; n++) {
		buf_append(&block, line, make_line(line, n));
		/* Sometimes line by line, sometimes in blocks that end anywhere. */
		if (n % 1000 >= 100 && block.len < 8000 + n % 60000 && n < LINES)
			continue;
		if (fdio_write_all(fd, block.data, block.len) < 0)
			_exit(1);
		if (block.len > LONGEST)
			usleep(500); /* so that there is something to move for some seconds */
		buf_reset(&block);
	}
	_exit(0);
}

/* Moves until the end; ends with 0 then. */
static void move_lines(int logdir)
{
	int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct segment *segment = segment_open(logdir, "web.1", 1, limits);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct segment_batch batch;

	for (;;) {
		switch (segment_move(segment, fd, clock_wall(), &batch)) {
		case SEGMENT_MOVED:
			break;
		case SEGMENT_EMPTY:
			poll(&poll_fd, 1, -1);
			break;
		case SEGMENT_EOF:
			_exit(0);
		case SEGMENT_FAILED:
			_exit(1);
		}
		if (batch.dropped > 0)
			_exit(2);
	}
}

static pid_t start(int logdir)
{
	pid_t pid = fork();

	if (pid == 0)
		move_lines(logdir);
	return pid;
}

/* Kills movers until one reaches the end, the last one undisturbed. Returns how many were killed,
 * or -1. */
static int torture(int logdir, unsigned seed)
{
	nsec_t deadline = clock_mono() + SECONDS * NSEC_PER_SEC;
	int killed = 0, status;

	for (;;) {
		pid_t pid = start(logdir);
		bool last = clock_mono() > deadline;
		if (!last) {
			usleep((useconds_t)(rand_r(&seed) % 4000));
			kill(pid, SIGKILL);
		}
		if (waitpid(pid, &status, 0) < 0)
			return -1;
		if (WIFEXITED(status))
			return WEXITSTATUS(status) == 0 ? killed : -1;
		killed++;
	}
}

static size_t read_pieces(int logdir, struct buf *out)
{
	struct pieces pieces;
	char name[PIECE_NAME];
	size_t split = 0;

	pieces_list(logdir, "web.1", &pieces);
	for (size_t i = 0; i < pieces.count; i++) {
		fdio_read_at(
			logdir, piece_name(name, "web.1", pieces.items[i], "log"), 1 << 30, out);
		if (out->len > 0 && out->data[out->len - 1] != '\n')
			split++;
	}
	printf("# %zu pieces, %zu bytes\n", pieces.count, out->len);
	pieces_release(&pieces);
	return split;
}

/* The number of the first line that is not as it was written; LINES + 1 when all are. */
static unsigned first_wrong_line(const struct buf *text)
{
	char line[LONGEST + 16];
	size_t at = 0;
	unsigned n = 1;

	for (; n <= LINES; n++) {
		size_t len = make_line(line, n);
		if (text->len - at < len || memcmp(text->data + at, line, len) != 0)
			break;
		at += len;
	}
	return at == text->len ? n : n < LINES ? n : LINES;
}

static size_t count_wrong_stamps(int logdir)
{
	struct pieces pieces;
	char name[PIECE_NAME];
	size_t wrong = 0;

	pieces_list(logdir, "web.1", &pieces);
	for (size_t i = 0; i < pieces.count; i++) {
		struct buf index = BUF_INIT;
		struct stat st = {0};
		struct stamp before = {0}, stamp;
		fdio_read_at(
			logdir, piece_name(name, "web.1", pieces.items[i], "idx"), 1 << 26, &index);
		fstatat(logdir, piece_name(name, "web.1", pieces.items[i], "log"), &st, 0);
		for (size_t at = 0; at + sizeof stamp <= index.len; at += sizeof stamp) {
			memcpy(&stamp, index.data + at, sizeof stamp);
			wrong += stamp.end <= before.end || stamp.end > (uint64_t)st.st_size;
			before = stamp;
		}
		buf_release(&index);
	}
	pieces_release(&pieces);
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned seed =
		argc > 1 ? (unsigned)atoi(argv[1]) : (unsigned)(clock_mono() / NSEC_PER_USEC);
	struct buf text = BUF_INIT;
	int status;

	printf("# seed %u\n", seed);
	fflush(stdout);
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	int logdir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Held open for reading and writing, as an instance does, so that no death of a mover is
	 * noticed. */
	int keeper = mkfifo(fifo, 0600) < 0 ? -1 : open(fifo, O_RDWR | O_CLOEXEC);
	if (keeper < 0)
		return 1;
	pid_t writer = fork();
	if (writer == 0)
		write_lines();
	/* The writer keeps it open from here on: the end comes when it ends. */
	struct pollfd first = {.fd = keeper, .events = POLLIN};
	poll(&first, 1, 10000);
	int reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(keeper);

	int killed = torture(logdir, seed);
	close(reader);
	waitpid(writer, &status, 0);
	printf("# %d movers killed\n", killed);
	ok(killed >= 0, "the last mover reaches the end");
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the writer notices nothing");
	is_int((int64_t)read_pieces(logdir, &text), 0, "every piece ends with a line");
	is_int(first_wrong_line(&text), LINES + 1, "every line is there once and in order");
	is_int((int64_t)count_wrong_stamps(logdir), 0, "every index goes forward within its piece");

	remove_log(logdir, "web.1");
	unlinkat(logdir, "fifo", 0);
	rmdir(dir);
	close(logdir);
	buf_release(&text);
	return tap_done();
}
