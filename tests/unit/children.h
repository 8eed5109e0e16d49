/*
 * children: child processes for tests. Every wait is for an event (a byte in a pipe, the end of a
 * child, a condition that becomes true) and ends the test with a message when it takes longer than
 * anything could.
 */
#ifndef GRACECTL_TESTS_CHILDREN_H
#define GRACECTL_TESTS_CHILDREN_H

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE = 30 /* seconds */
};

static inline _Noreturn void bail_out(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static inline void wait_timed_out(int signo)
{
	static const char text[] = "Bail out! a wait of the test took too long\n";

	(void)signo;
	_exit(write(STDOUT_FILENO, text, sizeof text - 1) > 0 ? 1 : 2);
}

/* No test program runs longer than that, whatever it waits for. */
static inline void limit_patience(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, wait_timed_out);
	alarm(PATIENCE * 4);
}

/* Forks; the child dies with the test. */
static inline pid_t fork_child(void)
{
	pid_t parent = getpid();

	fflush(stdout);
	pid_t pid = fork();
	if (pid < 0)
		bail_out("no process for the test");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

/* For a child that only has to be there. */
static inline _Noreturn void wait_forever(void)
{
	for (;;)
		pause();
}

/* Ends a child and reaps it. Returns its status as waitpid() gives it. */
static inline int end_child(pid_t pid, int signo)
{
	int status = 0;

	if (signo != 0)
		kill(pid, signo);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Reads exactly that much from a pipe. */
static inline void read_exactly(int fd, void *out, size_t size)
{
	for (size_t got = 0; got < size;) {
		ssize_t n = read(fd, (char *)out + got, size - got);
		if (n == 0 || (n < 0 && errno != EINTR))
			bail_out("a child of the test has ended too early");
		got += n > 0 ? (size_t)n : 0;
	}
}

/* Joins so many groups that /proc/PID/status becomes longer than most; only root may. */
static inline void join_many_groups(void)
{
	gid_t groups[1000];

	for (gid_t i = 0; i < 1000; i++)
		groups[i] = 1000000 + i;
	if (geteuid() == 0 && setgroups(1000, groups) < 0)
		bail_out("root may not join groups");
}

/* Valgrind knows no pidfd and has its own idea of limits; what depends on these is left out there.
 */
static inline bool is_under_valgrind(void)
{
	const char *preload = getenv("LD_PRELOAD");

	return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

/* Lets so many more descriptors be opened. Returns the limit, for give_descriptors(). */
static inline struct rlimit leave_descriptors(unsigned count)
{
	struct rlimit before, low;
	int lowest = dup(STDERR_FILENO);

	close(lowest);
	if (lowest < 0 || getrlimit(RLIMIT_NOFILE, &before) < 0)
		bail_out("no descriptor for the test");
	low = (struct rlimit){.rlim_cur = (rlim_t)lowest + count, .rlim_max = before.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &low) < 0)
		bail_out("no lower limit");
	return before;
}

static inline void give_descriptors(struct rlimit limit)
{
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		bail_out("the limit cannot be raised again");
}

/* Waits until the condition, which it evaluates again and again, is true. False when it does not
 * come true. */
#define wait_until(condition)                                                                      \
	({                                                                                         \
		bool is_true_ = (condition);                                                       \
		for (int i_ = 0; i_ < PATIENCE * 1000 && !is_true_; i_++) {                        \
			poll(NULL, 0, 1);                                                          \
			is_true_ = (condition);                                                    \
		}                                                                                  \
		is_true_;                                                                          \
	})

#endif
