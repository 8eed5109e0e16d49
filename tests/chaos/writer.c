/*
 * writer: an instance for the tests of crash safety, which knows what must be found of it.
 *
 *     writer FACTS RATE [LINES exit|wait]
 *
 * It prints numbered lines, RATE of them a second (0: as fast as it can), until SIGTERM or until
 * LINES are printed; then it ends, or waits for SIGTERM. The last line tells how many there were:
 *
 *     LAUNCH PID line NUMBER
 *     LAUNCH PID end COUNT
 *
 * Its exit status is the number of its launch modulo 100. What really happened it also appends to
 * the file FACTS, past whoever moves its output. The times are CLOCK_MONOTONIC, in nanoseconds;
 * PAUSE is the longest time between two of its writes.
 *
 *     born  DYNO LAUNCH PID TIME
 *     wrote DYNO LAUNCH PID TIME                        LINES are printed, it waits now
 *     done  DYNO LAUNCH PID TIME STATUS COUNT PAUSE
 *
 * SIGTERM is handled before the first fact: an instance without one was never more than a process
 * between fork and main(), whatever became of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NSEC_PER_SEC INT64_C(1000000000)

enum {
	STATUSES = 100,
	LINE_SIZE = 96,
	FACT_SIZE = 512,
	STATUS_USAGE = 125
};

static volatile sig_atomic_t asked_to_end;

static struct {
	const char *dyno;
	long launch;
	int facts;
	int64_t count;	 /* of lines that were printed */
	int64_t written; /* when the last one was, 0 before */
	int64_t pause;	 /* the longest */
} writer;

static void term_cb(int signo)
{
	(void)signo;
	asked_to_end = 1;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * NSEC_PER_SEC + time.tv_nsec;
}

/* One write, so that facts of several writers never mix. */
static void note(const char *fact, const char *more)
{
	char line[FACT_SIZE];

	int len = snprintf(line, sizeof line, "%s %s %ld %d %lld%s\n", fact, writer.dyno,
		writer.launch, (int)getpid(), (long long)now(), more);
	if (write(writer.facts, line, (size_t)len) != len)
		abort();
}

/* A line is shorter than PIPE_BUF, so the pipe takes all of it or nothing. */
static bool print(const char *word, int64_t number, bool even_if_asked)
{
	char line[LINE_SIZE];
	ssize_t n;

	int len = snprintf(line, sizeof line, "%ld %d %s %lld\n", writer.launch, (int)getpid(),
		word, (long long)number);
	do
		n = write(STDOUT_FILENO, line, (size_t)len);
	while (n < 0 && errno == EINTR && (even_if_asked || !asked_to_end));
	if (n >= 0 && n != len)
		abort();
	return n == len;
}

static void measure(void)
{
	int64_t time = now();

	if (writer.written > 0 && time - writer.written > writer.pause)
		writer.pause = time - writer.written;
	writer.written = time;
}

/* Until the next line is due; one that is late is not made up for. */
static void pace(int64_t rate, int64_t *due)
{
	int64_t time = now();

	*due = *due + NSEC_PER_SEC / rate;
	if (*due < time)
		*due = time;
	struct timespec until = {.tv_sec = *due / NSEC_PER_SEC, .tv_nsec = *due % NSEC_PER_SEC};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void print_lines(int64_t rate, int64_t lines)
{
	int64_t due = now();

	while (!asked_to_end && (lines == 0 || writer.count < lines)) {
		if (!print("line", writer.count + 1, false))
			return;
		writer.count++;
		measure();
		if (rate > 0)
			pace(rate, &due);
	}
}

/* SIGTERM is blocked but for the wait itself, so it cannot come just before it. */
static void await_end(void)
{
	sigset_t term, before;

	note("wrote", "");
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	while (!asked_to_end)
		sigsuspend(&before);
}

static void learn_name(void)
{
	const char *mark = getenv("GRACECTL_INSTANCE");
	const char *number = mark != NULL ? strrchr(mark, '/') : NULL;

	writer.dyno = getenv("DYNO");
	if (writer.dyno == NULL || number == NULL) {
		fputs("writer: it is to be run by gracectl\n", stderr);
		exit(STATUS_USAGE);
	}
	writer.launch = strtol(number + 1, NULL, 10);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = term_cb};
	char more[128];

	sigaction(SIGTERM, &action, NULL);
	if (argc != 3 && argc != 5) {
		fputs("usage: writer FACTS RATE [LINES exit|wait]\n", stderr);
		return STATUS_USAGE;
	}
	learn_name();
	writer.facts = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (writer.facts < 0) {
		perror(argv[1]);
		return STATUS_USAGE;
	}
	note("born", "");
	print_lines(strtoll(argv[2], NULL, 10), argc > 3 ? strtoll(argv[3], NULL, 10) : 0);
	if (argc > 3 && strcmp(argv[4], "wait") == 0)
		await_end();
	print("end", writer.count, true);

	int status = (int)(writer.launch % STATUSES);
	snprintf(more, sizeof more, " %d %lld %lld", status, (long long)writer.count,
		(long long)writer.pause);
	note("done", more);
	return status;
}
