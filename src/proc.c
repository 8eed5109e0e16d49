/* proc: see the header. */
#include "proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "utf8.h"
#include "xmalloc.h"

enum {
	ENVIRON_MAX = 256 * 1024,
	NAMESPACE_MAX = 32
};

int proc_check(struct cause *cause)
{
	char self[16];
	ssize_t n = readlink("/proc/self", self, sizeof self - 1);

	self[n > 0 ? n : 0] = '\0';
	if (atoi(self) == getpid())
		return 0;
	return cause_set(cause, "/proc does not show the processes of this pid namespace; mount "
				"the one that does, as `unshare --mount-proc` would");
}

bool proc_same(struct proc_id a, struct proc_id b)
{
	return a.pid == b.pid && a.start_ticks == b.start_ticks;
}

/* One read of a file in /proc; these never come in pieces for the sizes used here. */
static ssize_t read_proc(pid_t pid, const char *file, char *out, size_t size)
{
	char path[320];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, out, size - 1);
	int saved = errno;
	close(fd);
	errno = saved;
	if (n >= 0)
		out[n] = '\0';
	return n;
}

/* The name stands in parentheses and may itself hold blanks and parentheses, so the fields begin
 * after the last one. */
bool proc_stat_parse(const char *text, struct proc_stat *out)
{
	const char *open_paren = strchr(text, '(');
	const char *close_paren = strrchr(text, ')');
	int pid, ppid, session;
	unsigned long long start;

	if (open_paren == NULL || close_paren == NULL || close_paren < open_paren)
		return false;
	if (sscanf(text, "%d", &pid) != 1)
		return false;
	if (sscanf(close_paren + 1,
		    " %c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
		    "%llu",
		    &out->state, &ppid, &session, &out->threads, &start) != 5)
		return false;
	size_t len = (size_t)(close_paren - open_paren - 1);
	if (len >= sizeof out->name)
		len = sizeof out->name - 1;
	memcpy(out->name, open_paren + 1, len);
	out->name[len] = '\0';
	utf8_make_plain(out->name); /* a program may give itself any name */
	out->id = (struct proc_id){.pid = pid, .start_ticks = start};
	out->ppid = ppid;
	out->session = session;
	return true;
}

bool proc_stat_read(pid_t pid, struct proc_stat *out)
{
	char text[512];

	if (read_proc(pid, "stat", text, sizeof text) < 0)
		return false;
	errno = EPROTO;
	return proc_stat_parse(text, out);
}

bool proc_identify(pid_t pid, struct proc_id *out)
{
	struct proc_stat stat;

	if (!proc_stat_read(pid, &stat))
		return false;
	*out = stat.id;
	return true;
}

bool proc_state_is_dead(char state)
{
	return state == 'Z' || state == 'X';
}

bool proc_stat_is_dead(const struct proc_stat *stat)
{
	return proc_state_is_dead(stat->state) && stat->threads <= 1;
}

bool proc_is_alive(struct proc_id id)
{
	struct proc_stat stat;

	if (id.pid <= 0)
		return false;
	if (!proc_stat_read(id.pid, &stat))
		return fdio_is_lack(errno);
	return proc_same(stat.id, id) && !proc_stat_is_dead(&stat);
}

int proc_open(struct proc_id id)
{
	struct proc_id found;

	if (id.pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	int fd = (int)syscall(SYS_pidfd_open, id.pid, 0);
	if (fd < 0)
		return -1;
	bool is_known = proc_identify(id.pid, &found);
	if (is_known && proc_same(found, id))
		return fd;
	int error = !is_known && fdio_is_lack(errno) ? errno : ESRCH;
	close(fd);
	errno = error;
	return -1;
}

int proc_signal(struct proc_id id, int signo)
{
	int fd = proc_open(id);
	if (fd < 0)
		return -1;
	int result = (int)syscall(SYS_pidfd_send_signal, fd, signo, NULL, 0);
	int saved = errno;
	close(fd);
	errno = saved;
	return result;
}

/* As in linux/pidfd.h of 6.15, which is newer than the headers that we build with. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t ids[11];
	int32_t exit_code;
};

#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)
#define PIDFD_GET_INFO_V0 _IOWR(0xFF, 11, struct pidfd_info_v0)

bool proc_exit_of_other(int pidfd, struct proc_exit *out)
{
	struct pidfd_info_v0 info = {.mask = PIDFD_INFO_EXIT_BIT};

	if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) < 0 || (info.mask & PIDFD_INFO_EXIT_BIT) == 0)
		return false;
	*out = proc_exit_from_wait(info.exit_code);
	return true;
}

/* The kernel shows 0 to those who may not trace the process, so for them a zombie's 0 proves
 * nothing; for its own user it is true. */
bool proc_exit_of_zombie(struct proc_id id, struct proc_exit *out)
{
	char text[1024];
	struct proc_stat stat;
	struct stat owner;
	char path[64];
	int status;

	snprintf(path, sizeof path, "/proc/%d", (int)id.pid);
	if (read_proc(id.pid, "stat", text, sizeof text) <= 0 || !proc_stat_parse(text, &stat) ||
		!proc_same(stat.id, id) || stat.state != 'Z' || !proc_stat_is_dead(&stat))
		return false;
	const char *last = strrchr(text, ' ');
	if (last == NULL || sscanf(last, "%d", &status) != 1)
		return false;
	if (geteuid() != 0 && (lstat(path, &owner) < 0 || owner.st_uid != geteuid()))
		return false;
	*out = proc_exit_from_wait(status);
	return true;
}

struct proc_exit proc_exit_from_wait(int wait_status)
{
	if (WIFSIGNALED(wait_status))
		return (struct proc_exit){.known = true,
			.status = 128 + WTERMSIG(wait_status),
			.signo = WTERMSIG(wait_status)};
	return (struct proc_exit){.known = true, .status = WEXITSTATUS(wait_status)};
}

/* Its files are still attached to it. A process has at least one file open, or else it is called
 * ended too early. */
static bool has_files(pid_t pid)
{
	char path[64];
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (dir == NULL)
		return false;
	while (!found && (entry = readdir(dir)) != NULL)
		found = entry->d_name[0] != '.';
	closedir(dir);
	return found;
}

/* As in the kernel's sched.h; field 9 of /proc/PID/stat shows them. */
enum {
	PF_EXITING = 0x4,
	PF_SIGNALED = 0x400, /* a signal ends it; it may have to dump its core before */
	PF_FORKNOEXEC = 0x40
};

/* False when it is gone. */
static bool read_flags(pid_t pid, struct proc_stat *stat, unsigned *flags)
{
	char text[512];

	return read_proc(pid, "stat", text, sizeof text) > 0 && proc_stat_parse(text, stat) &&
	       sscanf(strrchr(text, ')') + 1, " %*c %*d %*d %*d %*d %*d %u", flags) == 1;
}

bool proc_has_executed(struct proc_id id)
{
	struct proc_stat stat;
	unsigned flags;

	return read_flags(id.pid, &stat, &flags) && proc_same(stat.id, id) &&
	       (flags & PF_FORKNOEXEC) == 0;
}

static enum proc_end end_of_thread(pid_t tid, unsigned flags)
{
	if ((flags & (PF_EXITING | PF_SIGNALED)) == 0)
		return PROC_RUNS;
	return has_files(tid) ? PROC_ENDS : PROC_ENDED;
}

/* The files of a process are open as long as one of its threads has them. */
static enum proc_end end_of_last_thread(pid_t pid)
{
	enum proc_end last = PROC_ENDED;
	const struct dirent *entry;
	struct proc_stat stat;
	char path[64];
	unsigned flags;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *task = opendir(path);
	while (task != NULL && last != PROC_RUNS && (entry = readdir(task)) != NULL) {
		pid_t tid = atoi(entry->d_name);
		if (tid <= 0 || tid == pid || !read_flags(tid, &stat, &flags))
			continue;
		enum proc_end end = end_of_thread(tid, flags);
		last = end < last ? end : last;
	}
	if (task != NULL)
		closedir(task);
	return last;
}

pid_t proc_thread_with_files(pid_t pid)
{
	const struct dirent *entry;
	struct proc_stat stat;
	pid_t found = pid;
	char path[64];

	if (!proc_stat_read(pid, &stat) || stat.state != 'Z' || proc_stat_is_dead(&stat))
		return pid;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *task = opendir(path);
	while (task != NULL && found == pid && (entry = readdir(task)) != NULL) {
		pid_t tid = atoi(entry->d_name);
		if (tid > 0 && has_files(tid))
			found = tid;
	}
	if (task != NULL)
		closedir(task);
	return found;
}

enum proc_end proc_end_of(struct proc_id id)
{
	struct proc_stat stat;
	unsigned flags;

	if (!read_flags(id.pid, &stat, &flags) || !proc_same(stat.id, id))
		return PROC_ENDED;
	enum proc_end end = end_of_thread(id.pid, flags);
	return end == PROC_ENDED && stat.threads > 1 ? end_of_last_thread(id.pid) : end;
}

/* As a link names it. */
static bool read_network(pid_t pid, char name[static NAMESPACE_MAX])
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
	ssize_t n = readlink(path, name, NAMESPACE_MAX - 1);
	if (n < 0)
		return false;
	name[n] = '\0';
	return true;
}

bool proc_shares_network(pid_t pid)
{
	static char ours[NAMESPACE_MAX];
	char theirs[NAMESPACE_MAX];

	if (ours[0] == '\0' && !read_network(getpid(), ours))
		return true;
	return !read_network(pid, theirs) || strcmp(ours, theirs) == 0;
}

bool proc_each_socket(
	pid_t pid, unsigned max, void (*found)(void *arg, pid_t pid, uint32_t inode), void *arg)
{
	static const char prefix[] = "socket:[";
	char path[64], target[64];
	struct dirent *entry;
	bool complete = true;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)proc_thread_with_files(pid));
	DIR *dir = opendir(path);
	if (dir == NULL)
		return errno == ENOENT;
	while (complete && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
		complete = max-- > 0 && (n >= 0 || errno != EACCES);
		if (!complete || n <= (ssize_t)sizeof prefix ||
			strncmp(target, prefix, sizeof prefix - 1) != 0)
			continue;
		target[n] = '\0';
		found(arg, pid, (uint32_t)strtoul(target + sizeof prefix - 1, NULL, 10));
	}
	closedir(dir);
	return complete;
}

char *proc_environ(pid_t pid, const char *name)
{
	char path[64];
	struct buf env = BUF_INIT;
	size_t len = strlen(name);
	char *value = NULL;

	snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
	fdio_read_file(path, ENVIRON_MAX, &env);
	for (size_t at = 0; at < env.len && value == NULL; at += strlen(env.data + at) + 1)
		if (strncmp(env.data + at, name, len) == 0 && env.data[at + len] == '=')
			value = xstrdup(env.data + at + len + 1);
	buf_release(&env);
	return value;
}

uint64_t proc_memory(pid_t pid)
{
	char text[128];
	unsigned long long total, resident;

	if (read_proc(pid, "statm", text, sizeof text) <= 0 ||
		sscanf(text, "%llu %llu", &total, &resident) != 2)
		return 0;
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}
