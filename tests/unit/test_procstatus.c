/*
 * Tests of procstatus: the fields of a status file, however long it is, and those that are not
 * there.
 */
#include "procstatus.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>

#include "buf.h"
#include "children.h"
#include "fdio.h"
#include "tap.h"

static const char head[] =
	"Name:\tna me)\nUmask:\t0022\nState:\tD (disk sleep)\nTgid:\t7\nPid:\t8\n"
	"PPid:\t1\nTracerPid:\t99\nFDSize:\t256\n";
static const char tail[] = "Threads:\t12\n"
			   "SigPnd:\t0000000000000001\nShdPnd:\t0000000000004000\n"
			   "SigBlk:\t0000000000004000\nSigIgn:\t8000000000001000\n"
			   "SigCgt:\t0000000000000002\n";

static uint64_t set_of(int signo)
{
	return UINT64_C(1) << (signo - 1);
}

static void test_parse(void)
{
	struct procstatus status;
	char text[sizeof head + sizeof tail];

	snprintf(text, sizeof text, "%s%s", head, tail);
	ok(procstatus_parse(text, &status), "a status file is understood");
	is_int(status.state, 'D', "the state is read");
	is_str(status.name, "na me)", "a name may hold anything");
	is_int(status.thread, 8, "the number of the thread is read");
	is_int(status.tracer, 99, "the debugger is read");
	is_int(status.fd_size, 256, "the room for descriptors is read");
	is_int(status.threads, 12, "the number of threads is read");
	ok(status.has_signals, "the signals are there");
	is_int((int64_t)status.pending, (int64_t)(set_of(SIGHUP) | set_of(SIGTERM)),
		"signals wait for the thread or for the process");
	is_int((int64_t)status.blocked, (int64_t)set_of(SIGTERM), "blocked signals are read");
	is_int((int64_t)status.ignored, (int64_t)(set_of(SIGPIPE) | set_of(64)),
		"the last signal is read too");
	is_int((int64_t)status.caught, (int64_t)set_of(SIGINT), "caught signals are read");
}

static void test_not_told(void)
{
	struct procstatus status;

	ok(!procstatus_parse("", &status), "an empty file is no status");
	ok(procstatus_parse("Name:\tx\nState:\tS (sleeping)\nPid:\t8\n", &status),
		"a status file may have few lines");
	ok(!status.has_signals, "signals that are not told are not taken for none");
	is_int(status.threads, 0, "that the number of threads is not told is seen");
	is_int(status.fd_size, UINT_MAX, "and the room for descriptors");
	ok(procstatus_parse("Name:\tx\nState:\tS (sleeping)\nPid:\t8\n"
			    "SigPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n",
		   &status) &&
			!status.has_signals,
		"some of the sets are not enough");
}

/* Reads a file of that size, which is filled up with groups. */
static bool read_with_size(int dir, size_t size, struct procstatus *status)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "%sGroups:\t", head);
	while (text.len + sizeof tail < size)
		buf_addc(&text, text.len % 8 == 0 ? ' ' : '7');
	buf_addf(&text, "\n%s", tail);
	if (text.len != size || fdio_replace_at(dir, "status", text.data, text.len) < 0)
		bail_out("no file of that size");
	buf_release(&text);
	return procstatus_read_at(dir, "status", status);
}

/* More than the groups of any process take, and than is read at once. */
static void test_sizes(void)
{
	static const size_t sizes[] = {
		4094, 4095, 4096, 4097, 8192, 65536 + 4095, 65536 * 11 + 2000};
	char path[] = "/tmp/test_procstatus.XXXXXX", name[80];
	struct procstatus status;

	if (mkdtemp(path) == NULL)
		bail_out("no temporary directory");
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		snprintf(name, sizeof name, "the signals behind the groups of %zu bytes are found",
			sizes[i]);
		ok(read_with_size(dir, sizes[i], &status) && status.has_signals &&
				status.caught == set_of(SIGINT),
			name);
	}
	ok(!read_with_size(dir, 2 * 1024 * 1024, &status), "what has no end is no status");
	unlinkat(dir, "status", 0);
	ok(!procstatus_read_at(dir, "status", &status), "what is not there is none");
	close(dir);
	rmdir(path);
}

static void test_process(void)
{
	struct procstatus status;

	pid_t pid = fork_child();
	if (pid == 0) {
		signal(SIGUSR1, SIG_IGN);
		join_many_groups();
		raise(SIGSTOP);
	}
	ok(wait_until(procstatus_read(pid, &status) && status.state == 'T'),
		"the state of a process is read");
	ok(status.thread == pid && status.threads == 1, "and whose it is");
	ok(status.has_signals && (status.ignored & set_of(SIGUSR1)) != 0,
		"and what it ignores, in however many groups it is");
	end_child(pid, SIGKILL);
	ok(!procstatus_read(pid, &status), "after its end there is nothing to read");
}

int main(void)
{
	limit_patience();
	test_parse();
	test_not_told();
	test_sizes();
	test_process();
	return tap_done();
}
