/*
 * Tests of spawn: what a launched process finds around it, and how a launch that fails is told. The
 * commands look at themselves and write what they see to the FIFO.
 */
#include "spawn.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "children.h"
#include "fdio.h"
#include "tap.h"

static char dir[] = "/tmp/test_spawn.XXXXXX";
static int run_dir;
static int fifo = -1; /* the reader's end */
static struct strlist env;

static struct spawn order_for(const char *command)
{
	return (struct spawn){.command = command,
		.env = &env,
		.workdir = "/",
		.umask = 022,
		.run_dir = run_dir,
		.fifo = "web.1.1.out",
		.record = "web.1.1.id"};
}

/* A new FIFO and no record. */
static void prepare(void)
{
	fdio_close(&fifo);
	unlinkat(run_dir, "web.1.1.id", 0);
	unlinkat(run_dir, "web.1.1.out", 0);
	if (mkfifoat(run_dir, "web.1.1.out", 0600) < 0)
		bail_out("no FIFO");
	fifo = openat(run_dir, "web.1.1.out", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Launches and waits for the report. Returns the pid; failure is zero when the command was
 * executed. */
static pid_t start(const struct spawn *order, struct spawn_failure *failure)
{
	struct spawn_failure none = {0};
	struct cause cause;
	int report;
	pid_t pid = spawn_start(order, &report, &cause);

	*failure = none;
	if (pid < 0)
		bail_out(cause.text);
	struct pollfd ready = {.fd = report, .events = POLLIN};
	while (poll(&ready, 1, -1) < 0 && errno == EINTR)
		;
	ssize_t n = read(report, failure, sizeof *failure);
	if (n != 0 && n != (ssize_t)sizeof *failure)
		bail_out("the report is neither empty nor whole");
	close(report);
	return pid;
}

/* What has come out of the FIFO. Good until the next call. */
static const char *output(void)
{
	static char text[8192];
	ssize_t n = read(fifo, text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Runs it to its end and returns what it wrote. */
static const char *run(const struct spawn *order)
{
	struct spawn_failure failure;

	prepare();
	pid_t pid = start(order, &failure);
	int status = end_child(pid, 0);
	if (failure.error != 0)
		printf("# not executed: %s\n", strerror(failure.error));
	if (status != 0)
		printf("# status %d\n", status);
	return output();
}

static const char *run_command(const char *command)
{
	struct spawn order = order_for(command);

	return run(&order);
}

/* ---- commands ---- */

static void test_command(void)
{
	is_str(run_command("/bin/echo  a   b\tc "), "a b c\n",
		"blanks and tabs part the arguments");
	is_str(run_command("echo found"), "found\n",
		"a program is found by the PATH that it is given");
	is_str(run_command("echo \"a   b\" | tr a x"), "x   b\n", "a shell does what shells do");
	is_str(run_command("echo $GREETING"), "hello world\n",
		"with the environment that is given");
	is_str(run_command("echo out; echo error >&2"), "out\nerror\n",
		"standard output and standard error come out of the FIFO in their order");

	struct proc_stat stat;
	struct spawn_failure failure;
	prepare();
	struct spawn order = order_for("cat /proc/self/stat");
	pid_t pid = start(&order, &failure);
	end_child(pid, 0);
	ok(proc_stat_parse(output(), &stat) && stat.id.pid == pid,
		"a direct command is the launched process itself");
	is_str(stat.name, "cat", "without a shell around it");
	is_int(stat.session, pid, "it leads a session of its own");
	is_int(stat.ppid, getpid(), "its parent is who launched it");
	prepare();
	order = order_for("ps -o pgid= -p $$");
	pid = start(&order, &failure);
	end_child(pid, 0);
	is_int(atoi(output()), pid, "and a process group of its own");

	struct cause cause = {""};
	int report = -1;
	order = order_for(" \t ");
	is_int(spawn_start(&order, &report, &cause), -1, "a command of blanks is refused");
	is_str(cause.text, "the command is empty", "with a sentence");
}

/* ---- surroundings ---- */

static void test_descriptors(void)
{
	char path[64];
	int ours[8];

	snprintf(path, sizeof path, "%s/web.1.1.out\n", dir);
	is_str(run_command("readlink /proc/self/fd/0"), "/dev/null\n", "its input is /dev/null");
	is_str(run_command("readlink /proc/self/fd/1"), path, "its output is the FIFO");
	is_str(run_command("readlink /proc/self/fd/2"), path, "its errors go there, too");
	for (int i = 0; i < 8; i++)
		ours[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	is_str(run_command("ls /proc/self/fd"), "0\n1\n2\n200\n3\n",
		"it has nothing else than the lock (3 is the list itself)");
	for (int i = 0; i < 8; i++)
		close(ours[i]);
	snprintf(path, sizeof path, "%s/web.1.1.id\n", dir);
	is_str(run_command("readlink /proc/self/fd/200"), path, "the lock is the record file");
	ok(strstr(run_command("cat /proc/self/fdinfo/1"), "flags:\t0100002\n") != NULL ||
			strstr(run_command("cat /proc/self/fdinfo/1"), "flags:\t02\n") != NULL,
		"the FIFO is open for reading and writing, so it never lacks a reader");
}

static void test_signals(void)
{
	sigset_t blocked, before;
	const int ignored[] = {SIGTERM, SIGPIPE, SIGHUP, SIGUSR2, SIGCHLD};
	void (*handlers[5])(int);

	sigfillset(&blocked);
	sigdelset(&blocked, SIGALRM);
	sigprocmask(SIG_SETMASK, &blocked, &before);
	for (int i = 0; i < 5; i++)
		handlers[i] = signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	const char *status = run_command("/bin/cat /proc/self/status");
	ok(strstr(status, "SigBlk:\t0000000000000000\n") != NULL, "no signal is blocked");
	ok(strstr(status, "SigIgn:\t0000000000000000\n") != NULL, "no signal is ignored");
	ok(strstr(status, "SigCgt:\t0000000000000000\n") != NULL, "no signal is caught");
	sigset_t after;
	sigprocmask(SIG_SETMASK, &before, &after);
	ok(sigismember(&after, SIGTERM) && sigismember(&after, SIGCHLD) &&
			!sigismember(&after, SIGALRM),
		"our own mask is what it was");
	for (int i = 0; i < 5; i++)
		signal(ignored[i], handlers[i]);
}

static void test_environment(void)
{
	struct strlist none = STRLIST_INIT;
	struct spawn order = order_for("/usr/bin/env");

	setenv("TEST_SPAWN_OURS", "secret", 1);
	is_str(run(&order),
		"PATH=/usr/local/bin:/usr/bin:/bin\nGREETING=hello world\nEMPTY=\nLINES=a\nb\n",
		"the environment is exactly as given, with our own left out");
	order.env = &none;
	is_str(run(&order), "", "an empty environment is possible");
	order = order_for("pwd");
	order.workdir = "/usr";
	is_str(run(&order), "/usr\n", "it begins in its directory");
	order = order_for("umask");
	order.umask = 0137;
	is_str(run(&order), "0137\n", "with its umask");
}

static void test_limits(void)
{
	struct rlimit saved, low = {.rlim_cur = 64};

	getrlimit(RLIMIT_NOFILE, &saved);
	low.rlim_max = saved.rlim_max;
	setrlimit(RLIMIT_NOFILE, &low);
	spawn_raise_descriptors();
	struct rlimit raised;
	getrlimit(RLIMIT_NOFILE, &raised);
	ok(raised.rlim_cur == saved.rlim_max,
		"our limit of open files is raised as far as it goes");
	is_str(run_command("ulimit -n"), "64\n",
		"a child has the limit that was there before, though its lock is beyond");
	setrlimit(RLIMIT_NOFILE, &saved);
	spawn_raise_descriptors();
}

/* A limit that cannot be raised, so it is set in a child. */
static void test_hard_limit(void)
{
	const struct rlimit low = {.rlim_cur = 100, .rlim_max = 100};
	struct spawn order = order_for("ls /proc/self/fd");
	struct spawn_failure failure;
	char text[CAUSE_MAX];

	prepare();
	pid_t pid = fork_child();
	if (pid == 0) {
		setrlimit(RLIMIT_NOFILE, &low);
		spawn_raise_descriptors();
		int status = end_child(start(&order, &failure), 0);
		spawn_failure_text(&failure, order.workdir, text, sizeof text);
		if (failure.error != 0)
			printf("# %s\n", text);
		_exit(status != 0);
	}
	is_int(end_child(pid, 0), 0, "where few descriptors are allowed a program is executed");
	is_str(output(), "0\n1\n2\n3\n50\n", "and has the lock in the middle of them");
}

static void test_user(void)
{
	struct spawn order = order_for("/usr/bin/id -u");
	struct spawn_failure failure;
	char text[CAUSE_MAX];

	order.switch_user = order.switch_group = true;
	order.uid = order.gid = 65533;
	if (geteuid() == 0) {
		is_str(run(&order), "65533\n", "another user is taken on");
		order.command = "/usr/bin/id -G";
		is_str(run(&order), "65533\n", "with no group of ours");
		return;
	}
	prepare();
	end_child(start(&order, &failure), 0);
	spawn_failure_text(&failure, "/", text, sizeof text);
	is_str(text, "its group cannot be set: Operation not permitted",
		"who is not root cannot launch as somebody else, and is told");
}

/* ---- record ---- */

static void test_record(void)
{
	struct spawn order = order_for("sleep 100 & sleep 100 & wait");
	struct spawn_failure failure;
	struct spawn_record recorded;
	struct proc_id id;

	prepare();
	pid_t pid = start(&order, &failure);
	ok(spawn_read_record(run_dir, order.record, &recorded),
		"when it is executed, it has a record");
	ok(recorded.executed, "which says so");
	ok(proc_identify(pid, &id) && proc_same(id, recorded.id), "the record is its identity");
	ok(fdio_is_locked_at(run_dir, order.record), "the record is locked");
	struct stat st;
	ok(fstatat(run_dir, order.record, &st, 0) == 0 && (st.st_mode & 0777) == 0600,
		"and nobody else's business");
	char children[64];
	snprintf(children, sizeof children, "/proc/%d/task/%d/children", pid, pid);
	struct buf text = BUF_INIT;
	int first = 0, second = 0;
	if (!wait_until((buf_reset(&text), fdio_read_file(children, 256, &text) == 0) &&
			text.len > 0 && sscanf(text.data, "%d %d", &first, &second) == 2))
		bail_out("the shell has no two children");
	buf_release(&text);
	end_child(pid, SIGKILL);
	ok(fdio_is_locked_at(run_dir, order.record),
		"it stays locked when the main process has ended");
	kill(first, SIGKILL);
	ok(fdio_is_locked_at(run_dir, order.record), "and when the first of two others has ended");
	kill(second, SIGKILL);
	ok(wait_until(!fdio_is_locked_at(run_dir, order.record)),
		"not longer than the last of them");
	ok(spawn_read_record(run_dir, order.record, &recorded) && proc_same(id, recorded.id),
		"the record itself stays");
}

/* The supervisor may be dead when its child has to tell it. */
static void test_failed_record(void)
{
	struct spawn order = order_for("/no/such/program");
	struct spawn_record recorded;
	struct cause cause;
	int report;

	prepare();
	pid_t pid = spawn_start(&order, &report, &cause);
	close(report);
	int status = end_child(pid, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 127,
		"who cannot tell why it was not executed ends like who can");
	ok(spawn_read_record(run_dir, order.record, &recorded) && recorded.failed &&
			recorded.failure.error == ENOENT,
		"and has left the reason in its record");
}

static void test_torn_record(void)
{
	static const char *const torn[] = {"", "12", "12 34", "12 34x\n", "x 34\n", "12\n",
		"0 34\n", "-12 34\n",
		"12 34567890123456789012345678901234567890123456789012345678901234567890\n"};
	struct spawn_record read;
	char name[120];

	for (size_t i = 0; i < sizeof torn / sizeof *torn; i++) {
		snprintf(name, sizeof name, "a record with \"%.*s\" is torn",
			(int)strcspn(torn[i], "\n"), torn[i]);
		fdio_replace_at(run_dir, "torn", torn[i], strlen(torn[i]));
		ok(!spawn_read_record(run_dir, "torn", &read), name);
	}
	unlinkat(run_dir, "torn", 0);
	ok(!spawn_read_record(run_dir, "torn", &read), "one that is missing is no record");
	fdio_replace_at(run_dir, "torn", "12 34\n", 6);
	ok(spawn_read_record(run_dir, "torn", &read) && read.id.pid == 12 &&
			read.id.start_ticks == 34,
		"a whole one is");
	ok(!read.executed, "of a child that has not got to execute anything");
	static const char failed[] = "12 34\nexecuted\nfailed 5 2\n";
	fdio_replace_at(run_dir, "torn", failed, strlen(failed));
	ok(spawn_read_record(run_dir, "torn", &read) && read.executed && read.failed &&
			read.failure.stage == 5 && read.failure.error == ENOENT,
		"one of a child that could not says why");
	fdio_replace_at(run_dir, "torn", failed, strlen(failed) - 1);
	ok(spawn_read_record(run_dir, "torn", &read) && read.executed && !read.failed,
		"unless that line is torn");
	fdio_replace_at(run_dir, "torn", "12 34\nexec", 10);
	ok(spawn_read_record(run_dir, "torn", &read) && !read.executed,
		"nor has one whose second line is torn");
	unlinkat(run_dir, "torn", 0);
}

/* ---- failures ---- */

static void check_failure(const struct spawn *order, const char *expected, const char *name)
{
	struct spawn_failure failure;
	char text[CAUSE_MAX];
	pid_t pid = start(order, &failure);
	int status = end_child(pid, 0);

	spawn_failure_text(&failure, order->workdir, text, sizeof text);
	is_str(text, expected, name);
	is_int(WEXITSTATUS(status), 127, "its child ends with 127, as in a shell");
	is_str(output(), "", "and writes nothing");
}

static void write_script(const char *first_line)
{
	int fd = openat(run_dir, "lost-script", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	fdio_write_all(fd, first_line, strlen(first_line));
	close(fd);
}

static void test_lost_interpreter(void)
{
	char script[64], path[80];

	write_script("#! /no/such/interpreter -x\n");
	prepare();
	snprintf(script, sizeof script, "/proc/self/fd/%d/lost-script", run_dir);
	struct spawn order = order_for(script);
	check_failure(&order,
		"the program cannot be executed: its interpreter /no/such/interpreter: No such "
		"file or directory",
		"a script without its interpreter is told apart from one that is not there");
	prepare();
	write_script("#!/no/\033]0;evil\a\xff_\302\2332J\n");
	check_failure(&order,
		"the program cannot be executed: its interpreter /no/?]0;evil??_??2J: No such "
		"file or directory",
		"the name of an interpreter is told as text");
	write_script("#! /no/such/interpreter -x\n");
	prepare();
	snprintf(path, sizeof path, "PATH=/nowhere:/proc/self/fd/%d:/bin", run_dir);
	struct strlist found_in = STRLIST_INIT;
	strlist_add(&found_in, path);
	order.command = "lost-script x";
	order.env = &found_in;
	check_failure(&order,
		"the program cannot be executed: its interpreter /no/such/interpreter: No such "
		"file or directory",
		"so is one of the PATH");
	strlist_release(&found_in);
	unlinkat(run_dir, "lost-script", 0);
}

static void test_failures(void)
{
	struct spawn order = order_for("/nowhere/x");

	prepare();
	check_failure(&order, "the program cannot be executed: No such file or directory",
		"a program that does not exist is told");
	prepare();
	order.command = "no-such-program-anywhere -x";
	check_failure(&order, "the program cannot be executed: No such file or directory",
		"one that is not in the PATH too");
	prepare();
	order.command = "/usr";
	check_failure(&order, "the program cannot be executed: Permission denied",
		"one that is a directory too");
	prepare();
	order = order_for("/bin/true");
	order.workdir = "/nowhere";
	check_failure(&order,
		"the working directory cannot be entered: /nowhere: No such file or directory",
		"a missing directory is told by its name");
	prepare();
	order = order_for("/bin/true");
	order.fifo = "missing";
	check_failure(&order, "its output FIFO cannot be opened: No such file or directory",
		"a missing FIFO is told");
	prepare();
	order = order_for("/bin/true");
	int lock = fdio_lock_at(run_dir, order.record);
	check_failure(&order,
		"its record cannot be written and locked: Resource temporarily unavailable",
		"a record that another holds is told, and nothing is run twice");
	close(lock);
	const struct spawn_failure strange = {.stage = 99, .error = EIO};
	char text[CAUSE_MAX];
	spawn_failure_text(&strange, "/", text, sizeof text);
	is_str(text, "an unknown step failed: Input/output error",
		"an unknown failure has a text, too");
}

/* Descriptors that somebody left open for this test are not spawn's business. */
static void close_inherited(void)
{
	DIR *fds = opendir("/proc/self/fd");
	const struct dirent *entry;

	while ((entry = readdir(fds)) != NULL)
		if (atoi(entry->d_name) > STDERR_FILENO)
			fcntl(atoi(entry->d_name), F_SETFD, FD_CLOEXEC);
	closedir(fds);
}

int main(void)
{
	limit_patience();
	close_inherited();
	if (mkdtemp(dir) == NULL)
		bail_out("no temporary directory");
	run_dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	strlist_add(&env, "PATH=/usr/local/bin:/usr/bin:/bin");
	strlist_add(&env, "GREETING=hello world");
	strlist_add(&env, "EMPTY=");
	strlist_add(&env, "LINES=a\nb");
	test_command();
	test_descriptors();
	test_signals();
	test_environment();
	if (!is_under_valgrind()) {
		test_limits();
		test_hard_limit();
	}
	test_user();
	test_record();
	test_failed_record();
	test_torn_record();
	test_lost_interpreter();
	test_failures();
	unlinkat(run_dir, "web.1.1.id", 0);
	unlinkat(run_dir, "web.1.1.out", 0);
	close(run_dir);
	fdio_close(&fifo);
	rmdir(dir);
	strlist_release(&env);
	return tap_done();
}
