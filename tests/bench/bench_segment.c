/*
 * Throughput of segment_move() beside `cat > file`: one writer of 100-byte lines in blocks, through
 * a FIFO.
 *
 * usage: bench_segment [MEBIBYTES [BLOCK [DIRECTORY]]]
 *
 * The mover does as an instance does: as long as a batch is more than a page it waits half a
 * millisecond before the next. Both run in turn, three times each; the best of each counts. Beside
 * MB/s stands what the mover used of CPU per million lines.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fdio.h"
#include "logclean.h"
#include "segment.h"
#include "xmalloc.h"

enum {
	LINE = 100,
	ROUNDS = 3,
	POURING = 4096
};

static size_t total = (size_t)512 << 20, block = 65536;
static const char *base = "/tmp";
static char dir[128], fifo[160], copy[160];

struct figure {
	double seconds;
	double cpu;
};

static void write_blocks(void)
{
	char *bytes = xmalloc(block);
	int fd = open(fifo, O_WRONLY);

	for (size_t i = 0; i < block; i++)
		bytes[i] = i % LINE == LINE - 1 ? '\n' : 'x';
	for (size_t done = 0; done < total; done += block)
		if (fdio_write_all(fd, bytes, block) < 0)
			_exit(1);
	_exit(0);
}

static void rest(nsec_t pause)
{
	if (pause > 0)
		nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
}

static void move_with_segment(void)
{
	static const struct segment_limits limits = {(uint64_t)64 << 20, (uint64_t)4 << 30};
	int logdir = open(dir, O_RDONLY | O_DIRECTORY);
	int fd = open(fifo, O_RDONLY);
	struct segment *segment = segment_open(logdir, "web.1", 1, limits);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	struct segment_batch batch;
	enum segment_result result;

	while ((result = segment_move(segment, fd, clock_wall(), &batch)) != SEGMENT_EOF) {
		if (result == SEGMENT_FAILED || batch.dropped > 0)
			_exit(1);
		if (result == SEGMENT_EMPTY)
			poll(&poll_fd, 1, -1);
		else
			rest(segment_pause(segment, &batch));
	}
	_exit(0);
}

static void move_with_cat(void)
{
	int in = open(fifo, O_RDONLY);
	int out = open(copy, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	dup2(in, 0);
	dup2(out, 1);
	execlp("cat", "cat", (char *)NULL);
	_exit(127);
}

static struct figure run(void (*mover)(void))
{
	struct rusage usage;
	int status;
	nsec_t begin = clock_mono();
	pid_t writer = fork();

	if (writer == 0)
		write_blocks();
	pid_t pid = fork();
	if (pid == 0)
		mover();
	waitpid(writer, &status, 0);
	wait4(pid, &status, 0, &usage);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench_segment: the mover failed\n");
		exit(1);
	}
	return (struct figure){
		.seconds = (double)(clock_mono() - begin) / NSEC_PER_SEC,
		.cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
	};
}

static struct figure better(struct figure a, struct figure b)
{
	return a.seconds > 0 && a.seconds < b.seconds ? a : b;
}

static void print(const char *name, struct figure figure)
{
	printf("%-14s %7.0f MB/s   %.3f CPU seconds per million lines\n", name,
		(double)total / 1e6 / figure.seconds, figure.cpu * 1e6 * LINE / (double)total);
}

int main(int argc, char **argv)
{
	struct figure cat = {0}, segment = {0};

	if (argc > 1)
		total = strtoul(argv[1], NULL, 10) << 20;
	if (argc > 2)
		block = strtoul(argv[2], NULL, 10);
	if (argc > 3)
		base = argv[3];
	snprintf(dir, sizeof dir, "%.100s/bench_segment.XXXXXX", base);
	if (mkdtemp(dir) == NULL || block == 0)
		return 1;
	snprintf(fifo, sizeof fifo, "%s/fifo", dir);
	snprintf(copy, sizeof copy, "%s/copy", dir);
	int logdir = open(dir, O_RDONLY | O_DIRECTORY);
	if (mkfifo(fifo, 0600) < 0)
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		cat = better(cat, run(move_with_cat));
		unlink(copy);
		segment = better(segment, run(move_with_segment));
		remove_log(logdir, "web.1");
	}
	print("cat > file", cat);
	print("segment_move", segment);
	printf("%-14s %7.2f\n", "ratio", cat.seconds / segment.seconds);
	unlink(fifo);
	rmdir(dir);
	return 0;
}
