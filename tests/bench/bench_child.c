/*
 * A child that notes when it was up and when it ended, and the least that a supervisor could do
 * with many of them.
 *
 * usage: bench_child FILE              the child: its place in FILE comes from $DYNO, "web.7"
 *        bench_child FILE COUNT        the floor: starts COUNT of them, stops them, and prints how
 * long each took, in ms, until the last one was up, and until the last one was down
 *
 * FILE is an array of struct stamps. The floor makes it; dynos(1) beside this file does so for
 * gracectl.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct stamps {
	int64_t up;   /* monotonic, ns; 0: not yet */
	int64_t down; /* the last thing that it did */
};

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static struct stamps *map(const char *path, size_t count)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || (lseek(fd, 0, SEEK_END) == 0 &&
			      ftruncate(fd, (off_t)(count * sizeof(struct stamps))) < 0))
		die(path);
	struct stamps *all =
		mmap(NULL, count * sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (all == MAP_FAILED)
		die(path);
	close(fd);
	return all;
}

static struct stamps *mine;

static void end(int signo)
{
	(void)signo;
	mine->down = now();
	_exit(0);
}

static _Noreturn void be_child(const char *path)
{
	const char *name = getenv("DYNO"), *dot = name != NULL ? strchr(name, '.') : NULL;
	size_t number = dot != NULL ? strtoul(dot + 1, NULL, 10) : 1;

	mine = map(path, number) + number - 1;
	signal(SIGTERM, end);
	mine->up = now();
	for (;;)
		pause();
}

static int64_t last(const struct stamps *all, size_t count, size_t offset)
{
	int64_t latest = 0;

	for (size_t i = 0; i < count; i++) {
		const int64_t *stamp = (const int64_t *)((const char *)&all[i] + offset);
		while (__atomic_load_n(stamp, __ATOMIC_RELAXED) == 0)
			usleep(100);
		if (*stamp > latest)
			latest = *stamp;
	}
	return latest;
}

static pid_t launch(char *self, char *path, size_t number)
{
	char name[32];
	char *argv[] = {self, path, NULL}, *envp[] = {name, NULL};

	snprintf(name, sizeof name, "DYNO=web.%zu", number);
	pid_t pid = vfork();
	if (pid == 0) {
		execve(self, argv, envp);
		_exit(127);
	}
	if (pid < 0)
		die("vfork");
	return pid;
}

static int be_floor(char *self, char *path, size_t count)
{
	struct stamps *all = map(path, count);
	pid_t *pids = calloc(count, sizeof *pids);

	int64_t began = now();
	for (size_t i = 0; i < count; i++)
		pids[i] = launch(self, path, i + 1);
	int64_t up = last(all, count, offsetof(struct stamps, up));
	int64_t stop = now();
	for (size_t i = 0; i < count; i++)
		kill(pids[i], SIGTERM);
	for (size_t i = 0; i < count; i++)
		waitpid(pids[i], NULL, 0);
	int64_t down = last(all, count, offsetof(struct stamps, down));
	printf("%.3f %.3f\n", (double)(up - began) / 1e6, (double)(down - stop) / 1e6);
	free(pids);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		be_child(argv[1]);
	if (argc == 3)
		return be_floor(argv[0], argv[1], strtoul(argv[2], NULL, 10));
	fprintf(stderr, "usage: bench_child FILE [COUNT]\n");
	return 2;
}
