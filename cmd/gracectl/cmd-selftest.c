/*
 * selftest: the user's own proof, on the own machine, in less than a minute, that nothing is lost
 * when gracectl is killed.
 *
 * Starts a private application in a temporary directory: two dynos that print numbered lines as
 * fast as a shell can, and one that sleeps. Then supervisor, guard or both are killed with SIGKILL
 * again and again. At the end everything is stopped, and what is on disk is compared with what must
 * be there. The real application of the machine is not touched.
 *
 * Who interrupts it is not left with a private application that fills the disk: that is stopped and
 * removed all the same.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "client.h"
#include "doc.h"
#include "event.h"
#include "fdio.h"
#include "journal.h"
#include "pieces.h"
#include "port.h"
#include "proc.h"
#include "xmalloc.h"

enum {
	KILLS = 25,
	WRITERS = 2,
	EXPECTED_STATUS = 7,
	LINE_MAX_BYTES = 64,
	REPORT_MAX = 1024,
	PAUSE_MAX_MS = 120,
	LOOK_AGAIN_MS = 10
};

#define ANSWER_TIMEOUT (15 * NSEC_PER_SEC)

/* Supervisor and guard have the directory of their selftest under this name in the environment. */
#define MARK "GRACECTL_SELFTEST"

/* Its name is that of its directory: another selftest may run at the same time. */
static const char config_text[] = "[app]\n"
				  "state_dir = state\n"
				  "run_dir = run\n"
				  "[defaults]\n"
				  "stop = TERM/10/KILL/5\n"
				  "log_segment = 1M\n"
				  "log_keep = 4G\n"
				  "[process writer]\n"
				  "command = trap 'echo end $i; exit 7' TERM; i=0; while :; do "
				  "i=$((i+1)); echo line $i; done\n"
				  "scale = 2\n"
				  "[process sleeper]\n"
				  "command = sleep 600\n";

struct selftest {
	char dir[64]; /* longer ones leave no room for a socket, see run_dir_check() */
	char *config_path;
	struct config config;
	bool json;
	unsigned failures;
	unsigned supervisor_kills, guard_kills;
	nsec_t longest; /* until a supervisor answered after a kill */
	uint64_t lines;
};

static void print_json(bool good, const char *text)
{
	bson_t doc = BSON_INITIALIZER;
	struct buf out = BUF_INIT;

	BSON_APPEND_BOOL(&doc, "ok", good);
	BSON_APPEND_UTF8(&doc, "text", text);
	if (doc_add_json(&out, &doc))
		puts(out.data);
	buf_release(&out);
	bson_destroy(&doc);
}

/* One line of the report. */
static void report(struct selftest *test, bool good, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void report(struct selftest *test, bool good, const char *fmt, ...)
{
	char text[REPORT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (test->json)
		print_json(good, text);
	else
		printf("%s %s\n", good ? "  ok    " : "  FAILED", text);
	fflush(stdout);
	test->failures += !good;
}

/* ---- running our own commands ---- */

static int run_command(const struct selftest *test, const char *command)
{
	char *argv[] = {(char *)"gracectl", (char *)"-c", test->config_path, (char *)command,
		(char *)"-q", NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		setsid(); /* Ctrl-C interrupts us, and what we run is seen through */
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Signals are let in only while something waits. */
static bool interrupted(void)
{
	return client_pause(0);
}

/* ---- killing ---- */

/* The process of that pid, or PROC_NONE when it is none of this selftest's. */
static struct proc_id own_process(const struct selftest *test, pid_t pid)
{
	struct proc_id id = PROC_NONE;
	bool found = pid > 1 && proc_identify(pid, &id);
	char *mark = found ? proc_environ(pid, MARK) : NULL;
	bool own = mark != NULL && strcmp(mark, test->dir) == 0;

	free(mark);
	return own ? id : PROC_NONE;
}

/* Supervisor and guard, from their own answer. Returns false when there is none, or when one of
 * them has died since. */
static bool ask_who_runs(const struct selftest *test, nsec_t deadline, struct proc_id *supervisor,
	struct proc_id *guard)
{
	struct wire_request request = {.cmd = "ping", .targets = STRLIST_INIT};
	struct client client;
	struct cause cause;
	bson_t message;

	*supervisor = *guard = PROC_NONE;
	if (client_reach(&client, &test->config, NULL, &cause) < 0)
		return false;
	if (client_send(&client, &request) == 0 &&
		client_next(&client, deadline, &message) == CLIENT_MESSAGE) {
		*supervisor = own_process(test, (pid_t)doc_int(&message, "pid"));
		*guard = own_process(test, (pid_t)doc_int(&message, "guard"));
	}
	client_close(&client);
	return supervisor->pid > 0 && guard->pid > 0;
}

/* The same, but waits until both are there. Returns false when that did not come in time, or when
 * interrupted. */
static bool who_runs(const struct selftest *test, struct proc_id *supervisor, struct proc_id *guard)
{
	nsec_t deadline = clock_mono() + ANSWER_TIMEOUT;

	do {
		if (ask_who_runs(test, deadline, supervisor, guard))
			return true;
	} while (!client_pause(LOOK_AGAIN_MS) && clock_mono() < deadline);
	return false;
}

static void kill_one_of_three(struct selftest *test)
{
	struct proc_id supervisor, guard;
	unsigned choice = (unsigned)(random_u64() % 8);
	nsec_t began = clock_mono();

	if (!who_runs(test, &supervisor, &guard)) {
		if (!client_interrupted())
			report(test, false, "no supervisor answered within %d s",
				(int)(ANSWER_TIMEOUT / NSEC_PER_SEC));
		return;
	}
	if (clock_mono() - began > test->longest)
		test->longest = clock_mono() - began;
	/* Five of eight times the supervisor, twice the guard, once both. */
	if (choice != 5 && choice != 6)
		test->supervisor_kills += proc_signal(supervisor, SIGKILL) == 0;
	if (choice >= 5)
		test->guard_kills += proc_signal(guard, SIGKILL) == 0;
}

static void kill_many(struct selftest *test)
{
	for (int i = 0; i < KILLS && test->failures == 0; i++) {
		if (client_pause((int)(random_u64() % PAUSE_MAX_MS)))
			return;
		kill_one_of_three(test);
	}
	report(test, true,
		"the supervisor was killed %u times, its guard %u times; the longest wait for an "
		"answer was %.0f ms",
		test->supervisor_kills, test->guard_kills,
		(double)test->longest / (double)NSEC_PER_MSEC);
}

/* ---- what must be true ---- */

/* The processes of the dynos whose name begins like that. */
static unsigned count_marked(const struct selftest *test, const char *dynos)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	char *prefix = xasprintf("%s/%s", test->config.name, dynos);
	unsigned count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char *mark = proc_environ((pid_t)atoi(entry->d_name), "GRACECTL_INSTANCE");
		count += mark != NULL && strncmp(mark, prefix, strlen(prefix)) == 0;
		free(mark);
	}
	if (dir != NULL)
		closedir(dir);
	free(prefix);
	return count;
}

static void check_one_copy(struct selftest *test)
{
	struct proc_id supervisor, guard;
	bool answered = who_runs(test, &supervisor, &guard);
	unsigned writers = count_marked(test, "writer."), sleepers = count_marked(test, "sleeper.");

	if (client_interrupted())
		return;
	report(test, answered, "a supervisor answers (pid %d, guard %d)", (int)supervisor.pid,
		(int)guard.pid);
	/* The shell of the sleeper's command replaces itself, so each dyno is one process. */
	report(test, writers == WRITERS && sleepers == 1, "each dyno runs once: %u of %u processes",
		writers + sleepers, WRITERS + 1);
}

/* Reads the lines of one piece; next is the number that must come. Returns false at the first line
 * that is wrong. */
static bool check_piece(FILE *piece, uint64_t *next, bool *ended)
{
	char line[LINE_MAX_BYTES], expected[LINE_MAX_BYTES];

	while (fgets(line, sizeof line, piece) != NULL) {
		snprintf(expected, sizeof expected, "line %llu\n", (unsigned long long)*next);
		if (strcmp(line, expected) == 0) {
			(*next)++;
			continue;
		}
		/* The signal may come between the counting and the printing. */
		unsigned long long last;
		*ended = sscanf(line, "end %llu", &last) == 1 &&
			 (last == *next - 1 || last == *next);
		if (!*ended)
			return false;
	}
	return true;
}

static void check_output(struct selftest *test, const char *dyno)
{
	struct pieces pieces = PIECES_INIT;
	char name[PIECE_NAME];
	uint64_t next = 1;
	bool good = true, ended = false;
	int log_dir = -1;

	char *path = xasprintf("%s/log", test->config.state_dir);
	log_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pieces_list(log_dir, dyno, &pieces);
	for (size_t i = 0; i < pieces.count && good; i++) {
		int fd = openat(log_dir, piece_name(name, dyno, pieces.items[i], "log"),
			O_RDONLY | O_CLOEXEC);
		FILE *piece = fd >= 0 ? fdopen(fd, "r") : NULL;
		good = piece != NULL && pieces.items[i].launch == 1 &&
		       check_piece(piece, &next, &ended);
		if (piece != NULL)
			fclose(piece);
	}
	report(test, good && ended, "%s: %llu lines in %zu files, each one once and in order%s",
		dyno, (unsigned long long)next - 1, pieces.count,
		ended ? ", to the last" : "; the last is missing");
	test->lines += next - 1;
	pieces_release(&pieces);
	fdio_close(&log_dir);
	free(path);
}

/* What the journal says. */
struct journal_facts {
	uint64_t seq; /* of the last event */
	uint64_t gaps;
	unsigned launches, exits, true_exits;
};

static void hear_event(void *arg, const bson_t *event)
{
	struct journal_facts *facts = arg;
	uint64_t seq = (uint64_t)event_get_int(event, "seq");
	const char *kind = event_get_str(event, "kind"), *dyno = event_get_str(event, "dyno");

	facts->gaps += seq != facts->seq + 1;
	facts->seq = seq;
	if (kind == NULL || dyno == NULL)
		return;
	facts->launches += strcmp(kind, event_kind_name(EVENT_LAUNCH)) == 0;
	if (strcmp(kind, event_kind_name(EVENT_EXIT)) != 0)
		return;
	bool writer = strncmp(dyno, "writer.", 7) == 0;
	facts->exits++;
	facts->true_exits +=
		event_get_int(event, "status") == (writer ? EXPECTED_STATUS : 128 + SIGTERM);
}

static void check_journal(struct selftest *test)
{
	struct journal_facts facts = {0};
	int dir = open(test->config.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	journal_recent(dir, UINT64_MAX, hear_event, &facts);
	report(test, facts.gaps == 0, "the journal has %llu events without a gap",
		(unsigned long long)facts.seq);
	report(test, facts.launches == WRITERS + 1 && facts.exits == WRITERS + 1,
		"%u dynos were launched once and ended once (%u launches, %u ends)", WRITERS + 1,
		facts.launches, facts.exits);
	report(test, facts.true_exits == WRITERS + 1,
		"every exit status is the true one (%u of %u)", facts.true_exits, WRITERS + 1);
	fdio_close(&dir);
}

/* ---- the whole ---- */

static int make_dir(struct selftest *test)
{
	const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";

	if (snprintf(test->dir, sizeof test->dir, "%s/gracectl-selftest-XXXXXX", base) >=
		(int)sizeof test->dir)
		cli_error("the path of a socket in %s would be too long; set TMPDIR to a shorter "
			  "directory",
			base);
	else if (mkdtemp(test->dir) == NULL)
		cli_error("cannot make a directory in %s: %s", base, strerror(errno));
	else
		return EXIT_DONE;
	return EXIT_FAILED;
}

static int prepare(struct selftest *test)
{
	struct config_problems problems = {0};

	if (make_dir(test) != EXIT_DONE)
		return EXIT_FAILED;
	test->config_path = xasprintf("%s/gracectl.ini", test->dir);
	if (fdio_replace_at(AT_FDCWD, test->config_path, config_text, sizeof config_text - 1) < 0) {
		cli_error("cannot write %s: %s", test->config_path, strerror(errno));
		return EXIT_FAILED;
	}
	setenv(MARK, test->dir, 1);
	config_load(test->config_path, NULL, &test->config, &problems);
	config_problems_release(&problems);
	return EXIT_DONE;
}

static void remove_dir(const char *dir)
{
	char *argv[] = {(char *)"rm", (char *)"-rf", (char *)dir, NULL};
	pid_t pid = fork();

	if (pid == 0) {
		execvp("rm", argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void check_rest(struct selftest *test, int code)
{
	unsigned left = count_marked(test, "");

	report(test, code == EXIT_DONE, "`stop` ended with %d", code);
	report(test, left == 0, "no process is left (%u)", left);
	check_output(test, "writer.1");
	check_output(test, "writer.2");
	check_journal(test);
}

static void print_sum(const struct selftest *test, nsec_t began)
{
	if (!test->json)
		printf("\n%s after %.1f s\n",
			test->failures == 0 ? "Everything is as it must be" : "Something is wrong",
			(double)(clock_mono() - began) / (double)NSEC_PER_SEC);
}

/* Returns false when it was interrupted. However far it came, what was started is stopped. */
static bool examine(struct selftest *test)
{
	nsec_t began = clock_mono();

	report(test, run_command(test, "start") == EXIT_DONE,
		"a private application was started in %s", test->dir);
	kill_many(test);
	if (!interrupted())
		check_one_copy(test);
	int code = run_command(test, "stop");
	if (!interrupted()) {
		check_rest(test, code);
		print_sum(test, began);
		return true;
	}
	if (!client_nothing_left(&test->config))
		report(test, false, "something is left after `stop`, which ended with %d", code);
	return false;
}

/* What is wrong is kept, to be looked at. */
static void clean_up(const struct selftest *test)
{
	if (test->failures == 0)
		remove_dir(test->dir);
	else if (test->json)
		cli_error("what it left is in %s", test->dir);
	else
		printf("What it left is in %s\n", test->dir);
}

static int run(const struct cli *cli, int argc, char **argv)
{
	struct selftest test = {.json = cli->json};

	(void)argc;
	(void)argv;
	client_catch_interrupts();
	client_catch_hangup();
	int code = prepare(&test);
	if (code != EXIT_DONE)
		return code;
	bool complete = examine(&test);
	clean_up(&test);
	if (!complete)
		cli_error("interrupted; the private application was %s",
			test.failures == 0 ? "stopped and removed" : "stopped");
	config_release(&test.config);
	free(test.config_path);
	return complete && test.failures == 0 ? EXIT_DONE : EXIT_FAILED;
}

const struct command cmd_selftest = {
	.name = "selftest",
	.arguments = "",
	.summary = "prove on this machine that nothing is lost when gracectl is killed",
	.details = "Starts a private application, kills its supervisor and its guard many times, "
		   "and compares what is\n"
		   "on disk with what must be there. Takes a few seconds; the machine's own "
		   "applications are not touched.",
	.run = run,
};
