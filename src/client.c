/* client: see the header. */
#include "client.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doc.h"
#include "fdio.h"
#include "lockfile.h"
#include "strlist.h"
#include "xmalloc.h"

/* How long a supervisor may take until it listens, and how often another's is looked for meanwhile.
 */
#define LAUNCH_TIMEOUT (20 * NSEC_PER_SEC)

/* How long a guard may take to start the next supervisor while somebody wants to speak to it. */
#define REACH_TIMEOUT (20 * NSEC_PER_SEC)
enum {
	LOOK_AGAIN_MS = 10,
	SEND_TIMEOUT_S = 5,
	RUN_DIR_MAX = 4096
};

static volatile sig_atomic_t interrupted;

static void interrupt_cb(int signo)
{
	(void)signo;
	interrupted = 1;
}

/* They are let in only while we wait, so that none comes between a look at `interrupted` and the
 * wait. */
void client_catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = interrupt_cb};
	sigset_t set;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* poll(2) with a deadline (monotonic, 0: without end), during which signals are heard. */
static int wait_for(struct pollfd *items, nfds_t count, nsec_t deadline)
{
	nsec_t left = deadline - clock_mono();
	struct timespec time = {0};
	sigset_t none;

	if (left > 0)
		time = (struct timespec){
			.tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC};
	sigemptyset(&none);
	return ppoll(items, count, deadline != 0 ? &time : NULL, &none);
}

bool client_pause(int milliseconds)
{
	wait_for(NULL, 0, clock_mono() + milliseconds * NSEC_PER_MSEC);
	return interrupted;
}

bool client_interrupted(void)
{
	return interrupted;
}

/* Who listens must be root or ourselves, for we tell him what is ours and believe what he says. */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == 0 || peer.uid == geteuid() || geteuid() == 0))
		return true;
	errno = EPERM;
	return false;
}

static int connect_in(struct client *client, const char *run_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = SEND_TIMEOUT_S};

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s/control.sock", run_dir) >=
		(int)sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -1;
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	if (connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		is_trusted(client->fd))
		return 0;
	int saved = errno;
	fdio_close(&client->fd);
	errno = saved;
	return -1;
}

/* The supervisor may have been started where the run directory is another one (XDG_RUNTIME_DIR);
 * its lock names it. */
int client_connect(struct client *client, const struct config *config)
{
	struct lockfile look;

	*client = (struct client){.fd = -1};
	if (connect_in(client, config->run_dir) == 0)
		return 0;
	int result = -1, saved = errno;
	lockfile_look(config->state_dir, &look);
	const char *other = look.run_dir.data;
	if (look.run_dir.len > 0 && strcmp(other, config->run_dir) != 0) {
		result = connect_in(client, other);
		saved = errno;
	}
	lockfile_release(&look);
	errno = saved;
	return result;
}

int client_send(struct client *client, const struct wire_request *request)
{
	struct buf out = BUF_INIT;
	size_t sent = 0;

	wire_write_request(request, &out);
	while (sent < out.len) {
		ssize_t n = send(client->fd, out.data + sent, out.len - sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	int result = sent == out.len ? 0 : -1;
	buf_release(&out);
	return result;
}

/* Takes the next message out of what was received. 1: there it is; 0: not complete; -1: nonsense.
 */
static int take_message(struct client *client, bson_t *doc)
{
	ssize_t size = wire_frame(client->in.data, client->in.len, WIRE_ANSWER_MAX);

	if (size <= 0)
		return (int)size;
	if (!bson_init_static(doc, (const uint8_t *)client->in.data, (size_t)size))
		return -1;
	client->consumed = (size_t)size;
	return 1;
}

static enum client_result receive(struct client *client, nsec_t deadline)
{
	enum {
		CHUNK = 65536
	};
	struct pollfd item = {.fd = client->fd, .events = POLLIN};
	int ready = wait_for(&item, 1, deadline);

	if (interrupted)
		return CLIENT_INTERRUPTED;
	if (ready == 0)
		return CLIENT_DEADLINE;
	if (ready < 0)
		return errno == EINTR ? CLIENT_MESSAGE : CLIENT_CLOSED;
	ssize_t n = recv(client->fd, buf_reserve(&client->in, CHUNK), CHUNK, 0);
	if (n <= 0)
		return n < 0 && errno == EINTR ? CLIENT_MESSAGE : CLIENT_CLOSED;
	client->in.len += (size_t)n;
	return CLIENT_MESSAGE;
}

enum client_result client_next(struct client *client, nsec_t deadline, bson_t *doc)
{
	buf_consume(&client->in, client->consumed);
	client->consumed = 0;
	for (;;) {
		int taken = client->in.len > 0 ? take_message(client, doc) : 0;
		if (taken != 0)
			return taken > 0 ? CLIENT_MESSAGE : CLIENT_CLOSED;
		enum client_result result = receive(client, deadline);
		if (result != CLIENT_MESSAGE)
			return result;
	}
}

void client_await(const struct client *one, const struct client *other, nsec_t deadline)
{
	struct pollfd items[] = {
		{.fd = one->fd, .events = POLLIN}, {.fd = other->fd, .events = POLLIN}};

	if (!interrupted)
		wait_for(items, 2, deadline);
}

void client_close(struct client *client)
{
	fdio_close(&client->fd);
	buf_release(&client->in);
}

/* ---- launching a supervisor ---- */

/* What is to be launched. */
struct daemon {
	const struct config *config;
	const char *app; /* -a, or NULL */
	bool adopt;	 /* in place of a guard and a supervisor that have both died */
};

static _Noreturn void become_daemon(const struct daemon *daemon, int ready, int log)
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

static int open_log(const struct config *config, struct cause *cause)
{
	char *path = xasprintf("%s/supervisor.log", config->state_dir);
	int fd = -1;

	if (config_make_state_dir(config, cause) == 0) {
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
	nsec_t deadline = clock_mono() + LAUNCH_TIMEOUT;

	for (;;) {
		struct pollfd item = {.fd = ready, .events = POLLIN};
		int n = wait_for(&item, 1, deadline);
		if (n < 0 && errno == EINTR && !interrupted)
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
		heard >= 0    ? "ended before it was ready"
		: interrupted ? "was not ready yet when this was interrupted"
			      : "did not get ready in time",
		config->state_dir);
	return heard < 0 ? FAILED : SILENT;
}

static enum launch launch(const struct daemon *daemon, struct cause *cause)
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
static int launch_until_it_runs(const struct daemon *daemon, struct cause *cause)
{
	const struct config *config = daemon->config;
	nsec_t deadline = clock_mono() + LAUNCH_TIMEOUT;
	struct client client;
	int silences = 0;

	while (clock_mono() < deadline && !interrupted) {
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
		client_pause(LOOK_AGAIN_MS);
	}
	return cause_set(cause,
		"%sanother supervisor of %s holds %s/lock %s; see %s/supervisor.log",
		interrupted ? "interrupted: " : "", config->name, config->state_dir,
		interrupted ? "and does not listen yet" : "but does not listen", config->state_dir);
}

int client_launch_supervisor(const struct config *config, const char *app, struct cause *cause)
{
	const struct daemon daemon = {.config = config, .app = app};

	return launch_until_it_runs(&daemon, cause);
}

/* ---- what others have left ---- */

/* An instance lives as long as somebody holds the lock on its record. */
static bool has_orphans(const struct config *config)
{
	static const char suffix[] = ".id";
	DIR *dir = opendir(config->run_dir);
	struct dirent *entry;
	bool found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		size_t len = strlen(entry->d_name), tail = sizeof suffix - 1;
		found = len > tail && strcmp(entry->d_name + len - tail, suffix) == 0 &&
			fdio_is_locked_at(dirfd(dir), entry->d_name);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

/* True when nobody listens: no socket, or one that a dead supervisor has left. */
static bool nobody_listens(int error)
{
	return error == ENOENT || error == ECONNREFUSED;
}

/* What the lock of the application says about it. */
enum left {
	LEFT_NOTHING,
	LEFT_HELD,	/* by a supervisor, or by a guard that is about to start one */
	LEFT_UNFINISHED /* both have died at their work */
};

static enum left what_is_left(const struct config *config)
{
	struct lockfile look;

	lockfile_look(config->state_dir, &look);
	enum left left = look.held				  ? LEFT_HELD
			 : look.unfinished || has_orphans(config) ? LEFT_UNFINISHED
								  : LEFT_NOTHING;
	lockfile_release(&look);
	return left;
}

/* Whether a supervisor answers that is not about to end: somebody has started another one. */
static bool another_answers(const struct config *config, nsec_t deadline)
{
	const struct wire_request ping = {.cmd = "ping"};
	struct client client;
	bson_t message;

	if (client_connect(&client, config) < 0)
		return false;
	bool answers = client_send(&client, &ping) == 0 &&
		       client_next(&client, deadline, &message) == CLIENT_MESSAGE &&
		       bson_has_field(&message, "ending") && !doc_bool(&message, "ending");
	client_close(&client);
	return answers;
}

bool client_await_end(const struct config *config, int guard, nsec_t deadline)
{
	struct pollfd item = {.fd = guard, .events = POLLIN};
	bool ended = false;

	/* Should the guard have died meanwhile, somebody else has taken its place to the end. */
	while (guard >= 0 && wait_for(&item, 1, deadline) < 0 && errno == EINTR && !interrupted)
		;
	while (!interrupted && clock_mono() < deadline &&
		!(ended = what_is_left(config) != LEFT_HELD || another_answers(config, deadline)))
		client_pause(LOOK_AGAIN_MS);
	return ended;
}

bool client_nothing_left(const struct config *config)
{
	return what_is_left(config) == LEFT_NOTHING;
}

int client_reach(struct client *client, const struct config *config, const char *app)
{
	const struct daemon next = {.config = config, .app = app, .adopt = true};
	nsec_t deadline = clock_mono() + REACH_TIMEOUT;
	struct cause cause;
	int error;

	do {
		if (client_connect(client, config) == 0)
			return 0;
		error = errno;
		enum left left = what_is_left(config);
		if (!nobody_listens(error) || left == LEFT_NOTHING)
			break;
		if (left == LEFT_UNFINISHED &&
			(config->path == NULL || launch_until_it_runs(&next, &cause) < 0))
			break;
		client_pause(LOOK_AGAIN_MS);
	} while (clock_mono() < deadline && !interrupted);
	errno = error;
	return -1;
}
