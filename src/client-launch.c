/* client-launch: see client-parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client-parts.h"
#include "strlist.h"
#include "xmalloc.h"

/* How long a supervisor may take until it listens. */
#define LAUNCH_TIMEOUT (20 * NSEC_PER_SEC)

/* What the supervisor's own log may have when the next one is started. */
enum {
	LOG_MAX = 4 * 1024 * 1024
};

static _Noreturn void become_daemon(const struct client_daemon *daemon, int ready, int log)
{
	struct strlist argv = STRLIST_INIT;
	int null = open("/dev/null", O_RDONLY);

	strlist_add(&argv, "gracectl");
	strlist_add(&argv, "-c");
	strlist_add(&argv, daemon->config->path);
	if (daemon->app != NULL) {
		strlist_add(&argv, "-a");
		strlist_add(&argv, daemon->app);
	}
	strlist_add(&argv, "daemon");
	if (daemon->adopt)
		strlist_add(&argv, "--adopt");
	strlist_addf(&argv, "--ready-fd=%d", ready);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	fcntl(ready, F_SETFD, 0);
	dup2(null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	execv("/proc/self/exe", argv.items);
	dprintf(ready, "cannot execute gracectl again: %s", strerror(errno));
	_exit(1);
}

/* A large log is kept until the next one is large, too. When it cannot be renamed, it grows on. */
static void put_aside(const char *path)
{
	struct stat st;
	char *old = xasprintf("%s.old", path);

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > LOG_MAX)
		rename(path, old);
	free(old);
}

static int open_log(const struct config *config, struct cause *cause)
{
	char *path = xasprintf("%s/supervisor.log", config->state_dir);
	int fd = -1;

	if (config_make_state_dir(config, cause) == 0) {
		put_aside(path);
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			cause_errno(cause, "cannot open %s", path);
	}
	free(path);
	return fd;
}

/* Reads the line that the new supervisor says of itself: "ok", or why not. */
static int hear_readiness(int ready, struct buf *said)
{
	enum {
		CHUNK = 512
	};
	nsec_t deadline = client_until(LAUNCH_TIMEOUT);

	for (;;) {
		struct pollfd item = {.fd = ready, .events = POLLIN};
		int n = client_wait_for(&item, 1, deadline);
		if (n < 0 && errno == EINTR && !client_interrupted())
			continue;
		if (n <= 0)
			return -1;
		ssize_t got = read(ready, buf_reserve(said, CHUNK), CHUNK);
		if (got <= 0)
			return 0;
		said->len += (size_t)got;
		said->data[said->len] = '\0';
		if (strchr(said->data, '\n') != NULL) {
			said->data[strcspn(said->data, "\n")] = '\0';
			return 0;
		}
	}
}

enum launch {
	LAUNCHED,
	RUNNING,
	SILENT,
	FAILED
};

enum {
	SILENCES_MAX = 3
};

static enum launch judge(
	const struct config *config, int heard, const struct buf *said, struct cause *cause)
{
	if (said->len > 0 && strcmp(said->data, "ok") == 0)
		return LAUNCHED;
	if (said->len > 0 && strcmp(said->data, "running") == 0)
		return RUNNING;
	if (said->len > 0) {
		cause_set(cause, "%s", said->data);
		return FAILED;
	}
	cause_set(cause, "the supervisor %s; see %s/supervisor.log",
		heard >= 0	       ? "ended before it was ready"
		: client_interrupted() ? "was not ready yet when this was interrupted"
				       : "did not get ready in time",
		config->state_dir);
	return heard < 0 ? FAILED : SILENT;
}

static enum launch launch(const struct client_daemon *daemon, struct cause *cause)
{
	struct buf said = BUF_INIT;
	int ends[2], status;
	int log = open_log(daemon->config, cause);

	if (log < 0)
		return FAILED;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		cause_errno(cause, "no pipe to the supervisor");
		close(log);
		return FAILED;
	}
	pid_t pid = fork();
	if (pid == 0)
		become_daemon(daemon, ends[1], log);
	close(ends[1]);
	close(log);
	int heard = pid > 0 ? hear_readiness(ends[0], &said) : -1;
	close(ends[0]);
	enum launch result = judge(daemon->config, heard, &said, cause);
	if (pid < 0)
		cause_errno(cause, "no process for the supervisor");
	else
		waitpid(pid, &status, WNOHANG);
	buf_release(&said);
	return result;
}

/* Somebody else's supervisor may hold the lock: one that will listen in a moment, or one that is
 * about to end. */
int client_launch(const struct client_daemon *daemon, struct cause *cause)
{
	const struct config *config = daemon->config;
	nsec_t deadline = client_until(LAUNCH_TIMEOUT);
	struct client client;
	int silences = 0;

	while (clock_mono() < deadline && !client_interrupted()) {
		if (client_connect(&client, config) == 0) {
			client_close(&client);
			return 0;
		}
		enum launch result = launch(daemon, cause);
		/* One that ended without a word was killed; then its guard, or we, start the next.
		 */
		if (result == SILENT && silences++ < SILENCES_MAX)
			result = RUNNING;
		if (result != RUNNING)
			return result == LAUNCHED ? 0 : -1;
		client_pause(CLIENT_LOOK_AGAIN_MS);
	}
	return cause_set(cause,
		"%sanother supervisor of %s holds %s/lock %s; see %s/supervisor.log",
		client_interrupted() ? "interrupted: " : "", config->name, config->state_dir,
		client_interrupted() ? "and does not listen yet" : "but does not listen",
		config->state_dir);
}

int client_launch_supervisor(const struct config *config, const char *app, struct cause *cause)
{
	const struct client_daemon daemon = {.config = config, .app = app};

	return client_launch(&daemon, cause);
}
