/* spawn: see the header. */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "utf8.h"
#include "xmalloc.h"

enum {
	RECORD_MAX = 64
};

enum stage {
	STAGE_OUTPUT,
	STAGE_RECORD,
	STAGE_GROUP,
	STAGE_USER,
	STAGE_WORKDIR,
	STAGE_EXEC,
};

static const char *const stage_texts[] = {
	[STAGE_OUTPUT] = "its output FIFO cannot be opened",
	[STAGE_RECORD] = "its record cannot be written and locked",
	[STAGE_GROUP] = "its group cannot be set",
	[STAGE_USER] = "its user cannot be set",
	[STAGE_WORKDIR] = "the working directory cannot be entered",
	[STAGE_EXEC] = "the program cannot be executed",
};

static struct rlimit descriptors; /* as we were given them; rlim_max 0: not raised */

void spawn_raise_descriptors(void)
{
	struct rlimit raised;

	if (getrlimit(RLIMIT_NOFILE, &descriptors) < 0)
		return;
	raised = descriptors;
	raised.rlim_cur = raised.rlim_max;
	setrlimit(RLIMIT_NOFILE, &raised);
}

/* Words that only a shell knows, when they come first. */
static const char *const shell_words[] = {
	".",
	":",
	"cd",
	"command",
	"eval",
	"exec",
	"exit",
	"export",
	"read",
	"set",
	"source",
	"trap",
	"ulimit",
	"umask",
	"unset",
	"wait",
};

void spawn_restore_descriptors(void)
{
	if (descriptors.rlim_max > 0)
		setrlimit(RLIMIT_NOFILE, &descriptors);
}

static bool is_word(const char *word, size_t len, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(words[i]) == len && strncmp(word, words[i], len) == 0)
			return true;
	return false;
}

bool spawn_needs_shell(const char *command)
{
	const char *first = command + strspn(command, " \t");
	size_t len = strcspn(first, " \t");

	if (is_word(first, len, shell_words, sizeof shell_words / sizeof *shell_words))
		return true;
	return strpbrk(command, "|&;<>()$`\\\"'*?[]#~=%!{}\n") != NULL;
}

/*
 * True when the shell is needed only to put in variables, quotes or file names. Then it replaces
 * itself by the program, which gets the signals and whose exit status is that of the dyno; by
 * itself Debian's shell would stay between the two.
 */
static bool is_one_program(const char *command)
{
	static const char *const keywords[] = {
		"!",
		"[",
		"[[",
		"alias",
		"break",
		"case",
		"command",
		"continue",
		"do",
		"done",
		"echo",
		"elif",
		"else",
		"esac",
		"false",
		"fi",
		"for",
		"function",
		"if",
		"in",
		"local",
		"printf",
		"read",
		"readonly",
		"return",
		"select",
		"shift",
		"test",
		"then",
		"time",
		"times",
		"true",
		"type",
		"until",
		"wait",
		"while",
		"{",
	};
	const char *first = command + strspn(command, " \t");
	size_t len = strcspn(first, " \t");

	if (strpbrk(command, "|&;()`\n") != NULL || memchr(first, '=', len) != NULL ||
		is_word(first, len, shell_words, sizeof shell_words / sizeof *shell_words))
		return false;
	for (const char *brace = strchr(command, '{'); brace != NULL;
		brace = strchr(brace + 1, '{'))
		if (brace == command || brace[-1] != '$')
			return false;
	return !is_word(first, len, keywords, sizeof keywords / sizeof *keywords);
}

/* The arguments to execute, ending with NULL. */
static void make_argv(const char *command, struct strlist *argv)
{
	if (spawn_needs_shell(command)) {
		strlist_add(argv, "/bin/sh");
		strlist_add(argv, "-c");
		strlist_addf(argv, "%s%s", is_one_program(command) ? "exec " : "", command);
		return;
	}
	for (const char *at = command + strspn(command, " \t"); *at != '\0';
		at += strspn(at, " \t")) {
		size_t len = strcspn(at, " \t");
		strlist_take(argv, xstrndup(at, len));
		at += len;
	}
}

/* The second line of a record: our supervisor was alive, so the program is executed. */
static const char going_on[] = "executed\n";

/* How a child tells that it could not execute its command; record: -1 before it has one. */
struct teller {
	int report;
	int record;
};

/* Who would hear of it may be dead. */
static _Noreturn void tell(const struct teller *teller, const struct spawn_failure *failure)
{
	signal(SIGPIPE, SIG_IGN);
	if (teller->record >= 0)
		dprintf(teller->record, "failed %d %d\n", failure->stage, failure->error);
	fdio_write_all(teller->report, failure, sizeof *failure);
	_exit(127);
}

static _Noreturn void fail(const struct teller *teller, enum stage stage)
{
	const struct spawn_failure failure = {.stage = (int)stage, .error = errno};

	tell(teller, &failure);
}

bool spawn_lacks_interpreter(const char *path, char out[static SPAWN_INTERPRETER])
{
	char line[SPAWN_INTERPRETER];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);

	fdio_close(&fd);
	if (n < 2 || memcmp(line, "#!", 2) != 0)
		return false;
	line[n] = '\0';
	char *name = line + 2 + strspn(line + 2, " \t");
	name[strcspn(name, " \t\n")] = '\0';
	snprintf(out, SPAWN_INTERPRETER, "%s", name);
	return name[0] != '\0' && access(name, F_OK) < 0 && errno == ENOENT;
}

/* The program is looked for as execvp() has looked for it. */
static void find_interpreter(const char *program, char out[static SPAWN_INTERPRETER])
{
	const char *at = strchr(program, '/') == NULL ? getenv("PATH") : NULL;
	bool found = at == NULL && spawn_lacks_interpreter(program, out);
	char path[PATH_MAX];

	while (at != NULL && !found) {
		size_t len = strcspn(at, ":");
		snprintf(path, sizeof path, "%.*s/%s", len > 0 ? (int)len : 1, len > 0 ? at : ".",
			program);
		found = spawn_lacks_interpreter(path, out);
		at = at[len] == ':' ? at + len + 1 : NULL;
	}
	if (!found)
		out[0] = '\0';
}

static _Noreturn void fail_exec(const struct teller *teller, const char *program)
{
	struct spawn_failure failure = {.stage = STAGE_EXEC, .error = errno};

	if (failure.error == ENOENT)
		find_interpreter(program, failure.interpreter);
	tell(teller, &failure);
}

/*
 * The C library keeps two signals for itself and does not let them be set; somebody may have had
 * them ignored all the same, and that is inherited.
 */
static void reset_reserved_signals(void)
{
	const struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = {.handler = SIG_DFL};

	for (int signo = 32; signo <= 33; signo++)
		syscall(SYS_rt_sigaction, signo, &action, NULL, sizeof action.mask);
}

static void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &action, NULL);
	reset_reserved_signals();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A copy that the program keeps. */
static int keep_open(int fd)
{
	struct rlimit limit;
	int copy = fcntl(fd, F_DUPFD, SPAWN_LOCK_FD);

	if (copy >= 0 || errno != EINVAL || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return copy;
	return fcntl(fd, F_DUPFD, (int)(limit.rlim_cur / 2));
}

/* Writes into the record who we are, and locks it. Returns its descriptor, which the program keeps.
 */
static int take_record(const struct spawn *spawn)
{
	struct proc_id self;
	char text[64];

	int fd = openat(
		spawn->run_dir, spawn->record, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || !fdio_lock(fd) || ftruncate(fd, 0) < 0 || !proc_identify(getpid(), &self))
		return -1;
	int len = snprintf(text, sizeof text, "%d %llu\n", (int)self.pid,
		(unsigned long long)self.start_ticks);
	if (write(fd, text, (size_t)len) != len)
		return -1;
	return keep_open(fd);
}

static int open_output(const struct spawn *spawn)
{
	int null = open("/dev/null", O_RDONLY);
	int fifo = openat(spawn->run_dir, spawn->fifo, O_RDWR | O_CLOEXEC);

	if (null < 0 || fifo < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(fifo, STDOUT_FILENO) < 0 ||
		dup2(fifo, STDERR_FILENO) < 0)
		return -1;
	if (null > STDERR_FILENO)
		close(null);
	return 0;
}

static void become_user(const struct spawn *spawn, const struct teller *teller)
{
	if (spawn->switch_group || spawn->switch_user) {
		int result = spawn->user != NULL ? initgroups(spawn->user, spawn->gid)
						 : setgroups(0, NULL);
		if ((result < 0 && geteuid() == 0) || setgid(spawn->gid) < 0)
			fail(teller, STAGE_GROUP);
	}
	if (spawn->switch_user && setuid(spawn->uid) < 0)
		fail(teller, STAGE_USER);
}

static _Noreturn void child(const struct spawn *spawn, char *const *argv, int report, pid_t parent)
{
	struct teller teller = {.report = report, .record = -1};

	setsid();
	reset_signals();
	if (open_output(spawn) < 0)
		fail(&teller, STAGE_OUTPUT);
	int record = take_record(spawn);
	if (record < 0)
		fail(&teller, STAGE_RECORD);
	if (getppid() != parent)
		_exit(127);
	if (write(record, going_on, strlen(going_on)) < 0)
		fail(&teller, STAGE_RECORD);
	teller.record = record;
	spawn_restore_descriptors();
	umask(spawn->umask);
	become_user(spawn, &teller);
	if (chdir(spawn->workdir) < 0)
		fail(&teller, STAGE_WORKDIR);
	environ = spawn->env->items;
	execvp(argv[0], argv);
	fail_exec(&teller, argv[0]);
}

pid_t spawn_start(const struct spawn *spawn, int *report, struct cause *cause)
{
	struct strlist argv = STRLIST_INIT;
	sigset_t all, before;
	int ends[2];

	make_argv(spawn->command, &argv);
	if (argv.count == 0)
		return cause_set(cause, "the command is empty");
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) {
		strlist_release(&argv);
		return cause_errno(cause, "no pipe for the start of `%s`", spawn->command);
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid == 0)
		child(spawn, argv.items, ends[1], self);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0) {
		cause_errno(cause, "no process for `%s`", spawn->command);
		close(ends[0]);
	} else {
		*report = ends[0];
	}
	close(ends[1]);
	strlist_release(&argv);
	return pid;
}

bool spawn_failure_is_lack(const struct spawn_failure *failure)
{
	static const int lacks[] = {EMFILE, ENFILE, ENOMEM, EAGAIN, ENOSPC, EDQUOT};

	for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++)
		if (failure->error == lacks[i])
			return true;
	return false;
}

void spawn_failure_text(
	const struct spawn_failure *failure, const char *workdir, char *out, size_t size)
{
	bool known = failure->stage >= 0 && failure->stage <= STAGE_EXEC;
	const char *stage = known ? stage_texts[failure->stage] : "an unknown step failed";
	char interpreter[SPAWN_INTERPRETER];

	snprintf(interpreter, sizeof interpreter, "%s", failure->interpreter);
	utf8_make_plain(interpreter); /* the first line of a script may hold anything */
	if (failure->stage == STAGE_WORKDIR)
		snprintf(out, size, "%s: %s: %s", stage, workdir, strerror(failure->error));
	else if (failure->stage == STAGE_EXEC && interpreter[0] != '\0')
		snprintf(out, size, "%s: its interpreter %s: %s", stage, interpreter,
			strerror(failure->error));
	else
		snprintf(out, size, "%s: %s", stage, strerror(failure->error));
}

/* What comes after the identity; a line that is not whole does not count. */
static void read_outcome(const char *text, struct spawn_record *out)
{
	struct spawn_failure failure = {0};
	int len = 0;

	out->executed = strncmp(text, going_on, strlen(going_on)) == 0;
	if (!out->executed)
		return;
	text += strlen(going_on);
	out->failed = sscanf(text, "failed %d %d%n", &failure.stage, &failure.error, &len) == 2 &&
		      text[len] == '\n';
	if (out->failed)
		out->failure = failure;
}

bool spawn_read_record(int run_dir, const char *record, struct spawn_record *out)
{
	struct buf text = BUF_INIT;
	int pid, len = 0;
	unsigned long long start;

	*out = (struct spawn_record){.id = PROC_NONE};
	bool ok = fdio_read_at(run_dir, record, RECORD_MAX, &text) == 0 && text.len > 0 &&
		  sscanf(text.data, "%d %llu%n", &pid, &start, &len) == 2 &&
		  text.data[len] == '\n' && pid > 0;
	if (ok) {
		out->id = (struct proc_id){.pid = pid, .start_ticks = start};
		read_outcome(text.data + len + 1, out);
	}
	buf_release(&text);
	return ok;
}
