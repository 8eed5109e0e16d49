/*
 * killpoint: a library to preload, which kills its own process at one chosen system call.
 *
 * It counts the calls with which a supervisor (or a guard) changes the world: files, processes,
 * signals, messages. The environment variable KILLPOINT names a file with an order:
 *
 *     ROLE NUMBER SIDE        "supervisor 17 before", "guard 3 after"; number 0: only count
 *
 * The first process of that role takes the order by renaming the file to FILE.taken, so its
 * successors live. It appends each call to FILE.trace as it comes to it ("17 renameat
 * web.1.state"), and at the call with the number it dies by SIGKILL, before or after that call. A
 * role is known by the arguments; children between fork and exec do not count.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATH_SIZE = 4096,
	ARGS_SIZE = 8192
};

static struct {
	pid_t self; /* 0: this process has no order */
	long number;
	bool after;
	long count;
	char trace[PATH_SIZE]; /* opened for each line, as a program may close what it did not open
				*/
} order;

static long (*real_syscall)(long number, ...);

/* ---- the order ---- */

static bool has_argument(const char *args, size_t len, const char *prefix)
{
	for (const char *arg = args; arg < args + len; arg += strlen(arg) + 1)
		if (strncmp(arg, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* "supervisor", "guard" or, for any other program, "". */
static const char *find_role(void)
{
	char args[ARGS_SIZE];

	int fd =
		(int)real_syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, args, sizeof args - 1) : 0;
	real_syscall(SYS_close, fd);
	if (len <= 0)
		return "";
	args[len] = '\0';
	if (has_argument(args, (size_t)len, "--guard-fd="))
		return "supervisor";
	return has_argument(args, (size_t)len, "daemon") ? "guard" : "";
}

static bool read_order(const char *path, char role[static 16], char side[static 16])
{
	char text[64] = "";

	int fd = (int)real_syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
	real_syscall(SYS_close, fd);
	return len > 0 && sscanf(text, "%15s %ld %15s", role, &order.number, side) == 3;
}

__attribute__((constructor)) static void take_order(void)
{
	const char *path = getenv("KILLPOINT");
	char role[16], side[16], other[PATH_SIZE];
	long (*found)(long, ...) = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");

	real_syscall = found;
	if (path == NULL || !read_order(path, role, side) || strcmp(role, find_role()) != 0)
		return;
	snprintf(other, sizeof other, "%s.taken", path);
	if (real_syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, other, 0) < 0)
		return;
	snprintf(order.trace, sizeof order.trace, "%s.trace", path);
	order.after = strcmp(side, "after") == 0;
	order.self = getpid();
}

static void die(void)
{
	real_syscall(SYS_kill, order.self, SIGKILL);
}

static void reach(const char *call, const char *object)
{
	char line[PATH_SIZE];
	int saved = errno;

	if (order.self == 0 || getpid() != order.self)
		return;
	int len = snprintf(line, sizeof line, "%ld %s %s\n", ++order.count, call, object);
	int fd = (int)real_syscall(
		SYS_openat, AT_FDCWD, order.trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	real_syscall(SYS_write, fd, line, len);
	real_syscall(SYS_close, fd);
	if (order.count == order.number && !order.after)
		die();
	errno = saved;
}

static void leave(void)
{
	int saved = errno;

	if (order.self != 0 && order.count == order.number && order.after && getpid() == order.self)
		die();
	errno = saved;
}

/* ---- the calls ---- */

/* A function of the C library with a point before and after it. */
#define POINT(type, name, parameters, arguments, object)                                           \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
		if (real == NULL)                                                                  \
			real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                        \
		reach(#name, object);                                                              \
		type result = real arguments;                                                      \
		leave();                                                                           \
		return result;                                                                     \
	}

POINT(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len), "")
POINT(ssize_t, pwrite, (int fd, const void *bytes, size_t len, off_t at), (fd, bytes, len, at), "")
POINT(int, unlink, (const char *path), (path), path)
POINT(int, unlinkat, (int dir, const char *path, int flags), (dir, path, flags), path)
POINT(int, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode), path)
POINT(int, mkfifoat, (int dir, const char *path, mode_t mode), (dir, path, mode), path)
POINT(int, renameat, (int from, const char *name, int to, const char *next), (from, name, to, next),
	next)
POINT(int, ftruncate, (int fd, off_t size), (fd, size), "")
POINT(ssize_t, splice,
	(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned int flags),
	(from, from_at, to, to_at, len, flags), "")
POINT(ssize_t, tee, (int from, int to, size_t len, unsigned int flags), (from, to, len, flags), "")
POINT(int, pipe2, (int ends[2], int flags), (ends, flags), "")
POINT(pid_t, fork, (void), (), "")
POINT(int, kill, (pid_t pid, int signo), (pid, signo), "")
POINT(pid_t, waitpid, (pid_t pid, int *status, int flags), (pid, status, flags), "")
POINT(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int flags), (type, id, info, flags),
	"")
POINT(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags), "")
POINT(ssize_t, send, (int fd, const void *bytes, size_t len, int flags), (fd, bytes, len, flags),
	"")
POINT(int, bind, (int fd, const struct sockaddr *address, socklen_t len), (fd, address, len), "")
POINT(int, listen, (int fd, int backlog), (fd, backlog), "")
POINT(int, execv, (const char *path, char *const argv[]), (path, argv), path)

/* Those with a variable number of arguments. */

static mode_t mode_of(int flags, va_list ap)
{
	return (flags & (O_CREAT | __O_TMPFILE)) != 0 ? va_arg(ap, mode_t) : 0;
}

int openat(int dir, const char *path, int flags, ...)
{
	static int (*real)(int, const char *, int, ...);
	va_list ap;

	if (real == NULL)
		real = (int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, "openat");
	va_start(ap, flags);
	mode_t mode = mode_of(flags, ap);
	va_end(ap);
	/* What is only read changes nothing. */
	bool counts = (flags & (O_ACCMODE | O_CREAT)) != O_RDONLY;
	if (counts)
		reach("openat", path);
	int fd = real(dir, path, flags, mode);
	if (counts)
		leave();
	return fd;
}

long syscall(long number, ...)
{
	long args[6];
	char object[16];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < sizeof args / sizeof *args; i++)
		args[i] = va_arg(ap, long);
	va_end(ap);
	snprintf(object, sizeof object, "%ld", number);
	reach("syscall", object);
	long result = real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	leave();
	return result;
}
