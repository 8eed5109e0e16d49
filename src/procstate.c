/* procstate: see the header. */
#include "procstate.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"
#include "procstatus.h"
#include "utf8.h"

bool procstate_has(uint64_t set, int signo)
{
	return signo >= 1 && signo <= 64 && (set >> (signo - 1) & 1) != 0;
}

bool procstate_is_dead(const struct procstate *state)
{
	return proc_state_is_dead(state->state);
}

bool procstate_is_held(const struct procstate *state)
{
	return state->state == 'D' || state->state == 'T' || state->state == 't';
}

static struct procstate state_of(const struct procstatus *status)
{
	struct procstate state = {.state = status->state,
		.thread = status->thread,
		.tracer = status->tracer,
		.threads = status->threads,
		.has_signals = status->has_signals,
		.ignored = status->ignored,
		.caught = status->caught,
		.blocked = status->blocked,
		.pending = status->pending};

	snprintf(state.command, sizeof state.command, "[%s]", status->name);
	return state;
}

/* One read of a file below an open directory of /proc; false when there is nothing. */
static bool read_at(int dir, const char *file, char *out, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, out, size - 1);
	close(fd);
	out[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* ---- threads ---- */

/* A thread in D explains more than any other; the first one of a process may have ended before the
 * others. */
static void take_thread(struct procstate *state, const struct procstatus *thread)
{
	bool tells_more = thread->state == 'D' && state->state != 'D';

	if (proc_state_is_dead(thread->state))
		return;
	state->has_signals &= thread->has_signals;
	state->blocked &= thread->blocked;
	state->pending |= thread->pending;
	if (!tells_more && !procstate_is_dead(state))
		return;
	state->state = thread->state;
	state->thread = thread->thread;
}

/* Returns false when not all were looked at. */
static bool look_at_threads(int dir, pid_t pid, struct procstate *state)
{
	struct procstatus thread;
	struct dirent *entry;
	char file[64];
	unsigned seen = 0;

	int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *task = fd >= 0 ? fdopendir(fd) : NULL;
	if (task == NULL)
		return false;
	while ((entry = readdir(task)) != NULL && seen <= PROCSTATE_THREADS) {
		pid_t tid = atoi(entry->d_name);
		if (tid <= 0 || tid == pid || ++seen > PROCSTATE_THREADS)
			continue;
		snprintf(file, sizeof file, "%d/status", (int)tid);
		if (procstatus_read_at(dirfd(task), file, &thread))
			take_thread(state, &thread);
	}
	closedir(task);
	if (seen > PROCSTATE_THREADS)
		state->blocked = 0;
	return seen <= PROCSTATE_THREADS;
}

/* ---- where it sleeps ---- */

/* Without what the compiler has appended to the name of the function. */
static void find_channel(int dir, struct procstate *state)
{
	char file[64], text[PROCSTATE_CHANNEL * 4];

	snprintf(file, sizeof file, "task/%d/wchan", (int)state->thread);
	if (read_at(dir, file, text, sizeof text) && strcmp(text, "0") != 0)
		snprintf(state->channel, sizeof state->channel, "%.*s", (int)strcspn(text, ".\n"),
			text);
}

/* Whether it is so for one of the threads of a process. At most PROCSTATE_THREADS are asked;
 * whether it is so for one of the others is what others says. */
static bool is_any_thread(pid_t pid, bool (*is)(int task, const char *tid, const void *arg),
	const void *arg, bool others)
{
	char path[64];
	const struct dirent *entry;
	unsigned seen = 0;
	bool found = false;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *task = opendir(path);
	if (task == NULL)
		return false;
	while (!found && (entry = readdir(task)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		found = seen++ < PROCSTATE_THREADS ? is(dirfd(task), entry->d_name, arg) : others;
		if (seen > PROCSTATE_THREADS)
			break;
	}
	closedir(task);
	return found;
}

static bool read_of_thread(int task, const char *tid, const char *file, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "%.20s/%s", tid, file);
	return read_at(task, path, out, size);
}

static bool sleeps_in(int task, const char *tid, const void *channel)
{
	char text[PROCSTATE_CHANNEL * 4];

	return read_of_thread(task, tid, "wchan", text, sizeof text) &&
	       strncmp(text, channel, strlen(channel)) == 0;
}

bool procstate_sleeps_in(pid_t pid, const char *channel)
{
	return is_any_thread(pid, sleeps_in, channel, false);
}

/* False when the kernel does not tell, or it does not sleep. */
static bool read_channel(int task, const char *tid, char *out, size_t size)
{
	return read_of_thread(task, tid, "wchan", out, size) && strcmp(out, "0") != 0;
}

static bool is_asleep(int task, const char *tid)
{
	struct procstatus thread;
	char file[64];

	snprintf(file, sizeof file, "%.20s/status", tid);
	return procstatus_read_at(task, file, &thread) && thread.state == 'S';
}

/* It may have fallen asleep just now. */
static bool may_await(int task, const char *tid, const void *unused)
{
	char channel[PROCSTATE_CHANNEL * 4];

	(void)unused;
	if (read_channel(task, tid, channel, sizeof channel) ||
		(is_asleep(task, tid) && read_channel(task, tid, channel, sizeof channel)))
		return strstr(channel, "sigtimedwait") != NULL;
	return is_asleep(task, tid);
}

bool procstate_may_await(pid_t pid)
{
	return is_any_thread(pid, may_await, NULL, true);
}

/* ---- the command line ---- */

static bool goes_on(char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Where to cut so that no character is cut in two; what is no text at all is cut anywhere. */
static size_t cut_at(const char *text, size_t len)
{
	size_t at = len;

	while (len - at < 3 && goes_on(text[at]))
		at--;
	return goes_on(text[at]) ? len : at;
}

/* Blanks between the arguments; what a terminal would obey is escaped. */
static void take_command(struct procstate *state, char *text, size_t len)
{
	struct buf safe = BUF_INIT;

	while (len > 0 && text[len - 1] == '\0')
		len--;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0' || text[i] == '\n' || text[i] == '\t')
			text[i] = ' ';
	bool cut = len > PROCSTATE_COMMAND;
	utf8_append_safe(&safe, text, cut ? cut_at(text, PROCSTATE_COMMAND) : len);
	if (safe.len > 0)
		snprintf(
			state->command, sizeof state->command, "%s%s", safe.data, cut ? "..." : "");
	buf_release(&safe);
}

static void read_command(int dir, struct procstate *state)
{
	char text[PROCSTATE_COMMAND + 8];
	int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	ssize_t n = read(fd, text, sizeof text);
	close(fd);
	if (n > 0)
		take_command(state, text, (size_t)n);
}

bool procstate_read(pid_t pid, struct procstate *out)
{
	struct procstatus status;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return false;
	bool there = procstatus_read_at(dir, "status", &status);
	if (there) {
		*out = state_of(&status);
		bool all = out->threads == 1 || look_at_threads(dir, pid, out);
		if (out->state == 'S' || out->state == 'D')
			find_channel(dir, out);
		if (all && out->state != 'D')
			read_command(dir, out);
	}
	close(dir);
	return there;
}

/* ---- words ---- */

static const struct {
	char state;
	const char *word;
} words[] = {
	{'R', "running"},
	{'S', "sleeping"},
	{'D', "uninterruptible"},
	{'T', "stopped"},
	{'t', "traced"},
	{'Z', "zombie"},
	{'X', "ended"},
	{'I', "idle"},
};

const char *procstate_word(const struct procstate *state)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (words[i].state == state->state)
			return words[i].word;
	return "in an unknown state";
}

/* What the names of the kernel's functions mean, by a part of them; the first that fits. */
static const struct {
	const char *part;
	const char *meaning;
} meanings[] = {
	{"freez", "frozen by its cgroup"},
	{"poll", "waits for events"},
	{"select", "waits for events"},
	{"futex", "waits for another thread"},
	{"do_wait", "waits for a child"},
	{"pipe_read", "reads from a pipe"},
	{"wait_for_partner", "waits for the other end of a pipe"},
	{"pipe_write", "writes into a full pipe"},
	{"nanosleep", "waits for a timer"},
	{"accept", "waits for a connection"},
	{"wait_for_connect", "waits for a connection"},
	{"sigsuspend", "waits for a signal"},
	{"sigtimedwait", "waits for a signal"},
	{"pause", "waits for a signal"},
	{"signalfd", "waits for a signal"},
	{"flock", "waits for a file lock"},
	{"locks_", "waits for a file lock"},
	{"nfs", "waits for a file server"},
	{"rpc", "waits for a file server"},
	{"wait_data", "waits for data"},
	{"wait_woken", "waits for data"},
	{"tty_read", "reads from a terminal"},
};

static void add_channel(const struct procstate *state, struct buf *out)
{
	if (state->channel[0] == '\0')
		return;
	buf_addf(out, " in %s", state->channel);
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
		if (strstr(state->channel, meanings[i].part) != NULL) {
			buf_addf(out, " (%s)", meanings[i].meaning);
			return;
		}
}

void procstate_describe(const struct procstate *state, pid_t pid, struct buf *out)
{
	switch (state->state) {
	case 'D':
		buf_adds(out, "in uninterruptible wait (D)");
		break;
	case 'T':
		buf_adds(out, "stopped (SIGSTOP): does nothing until SIGCONT");
		break;
	case 't':
		buf_addf(out, "held by a debugger (pid %d)", (int)state->tracer);
		break;
	default:
		buf_adds(out, procstate_word(state));
	}
	add_channel(state, out);
	if (state->thread != pid && state->thread != 0)
		buf_addf(out, ", thread %d", (int)state->thread);
}
