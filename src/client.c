/* client: see the header. */
#include "client-parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doc.h"
#include "fdio.h"
#include "instancefile.h"
#include "lockfile.h"
#include "strlist.h"
#include "xmalloc.h"

/* How long a guard may take to start the next supervisor while somebody wants to speak to it. */
#define REACH_TIMEOUT (20 * NSEC_PER_SEC)
enum {
	SEND_TIMEOUT_S = 5
};

static volatile sig_atomic_t interrupted;
static nsec_t limit; /* monotonic, of every wait for a supervisor to come; 0: none */

static void interrupt_cb(int signo)
{
	(void)signo;
	interrupted = 1;
}

/* They are let in only while we wait, so that none comes between a look at `interrupted` and the
 * wait. */
static void catch_signal(int signo)
{
	struct sigaction action = {.sa_handler = interrupt_cb};
	sigset_t set;

	sigaction(signo, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void client_catch_interrupts(void)
{
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
}

void client_catch_hangup(void)
{
	struct sigaction before;

	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
		catch_signal(SIGHUP);
}

int client_wait_for(struct pollfd *items, nfds_t count, nsec_t deadline)
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
	client_wait_for(NULL, 0, clock_mono() + milliseconds * NSEC_PER_MSEC);
	return interrupted;
}

bool client_interrupted(void)
{
	return interrupted;
}

void client_limit(nsec_t deadline)
{
	limit = deadline;
}

bool client_is_late(void)
{
	return limit != 0 && clock_mono() >= limit;
}

nsec_t client_until(nsec_t wait)
{
	nsec_t end = clock_mono() + wait;

	return limit != 0 && limit < end ? limit : end;
}

/*
 * Who listens must be root or ourselves, for we tell him what is ours and believe what he says.
 * Root operates the applications of users too, whose supervisors run as these: it speaks to whoever
 * listens where their configuration says, tells him no more than what it wants of him, and believes
 * him only what concerns that application.
 */
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
	if (look.held && look.run_dir.len > 0 && strcmp(other, config->run_dir) != 0) {
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
	client->unheard = sent < out.len;
	buf_release(&out);
	return client->unheard ? -1 : 0;
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
	int ready = client_wait_for(&item, 1, deadline);

	if (interrupted)
		return CLIENT_INTERRUPTED;
	if (ready == 0)
		return CLIENT_DEADLINE;
	if (ready < 0)
		return errno == EINTR ? CLIENT_MESSAGE : CLIENT_CLOSED;
	ssize_t n = recv(client->fd, buf_reserve(&client->in, CHUNK), CHUNK, 0);
	/* As the kernel tells of a socket that is closed with something in it; unix(7). */
	client->unheard = n < 0 && errno == ECONNRESET;
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
		client_wait_for(items, 2, deadline);
}

void client_close(struct client *client)
{
	fdio_close(&client->fd);
	buf_release(&client->in);
}

/* ---- what others have left ---- */

/* An instance lives as long as somebody holds the lock on its record. */
static bool has_orphans(const struct config *config)
{
	struct instancefile_parts name;
	DIR *dir = opendir(config->run_dir);
	struct dirent *entry;
	bool found = false;

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
		found = instancefile_parse(entry->d_name, &name) &&
			name.which == INSTANCEFILE_RECORD &&
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

int client_open_process(const struct client *client, int64_t supervisor, int64_t pid)
{
	struct ucred peer;
	socklen_t len = sizeof peer;

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 ||
		peer.pid != supervisor)
		return -1;
	return (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
}

bool client_await_end(const struct config *config, int guard, nsec_t deadline)
{
	struct pollfd item = {.fd = guard, .events = POLLIN};
	bool ended = false;

	/* Should the guard have died meanwhile, somebody else has taken its place to the end. */
	while (guard >= 0 && client_wait_for(&item, 1, deadline) < 0 && errno == EINTR &&
		!interrupted)
		;
	while (!interrupted && clock_mono() < deadline &&
		!(ended = what_is_left(config) != LEFT_HELD || another_answers(config, deadline)))
		client_pause(CLIENT_LOOK_AGAIN_MS);
	return ended;
}

bool client_nothing_left(const struct config *config)
{
	return what_is_left(config) == LEFT_NOTHING;
}

/* In place of a guard and a supervisor that have both died. */
static int launch_next(const struct config *config, const char *app, struct cause *cause)
{
	const struct client_daemon next = {.config = config, .app = app, .adopt = true};

	if (config->path == NULL)
		return cause_set(cause,
			"it has no configuration any more, and %s/config.ini is gone, too; "
			"name one with -c FILE",
			config->run_dir);
	return client_launch(&next, cause);
}

int client_reach(
	struct client *client, const struct config *config, const char *app, struct cause *cause)
{
	nsec_t deadline = client_until(REACH_TIMEOUT);
	int error;

	*cause = (struct cause){0};
	do {
		if (client_connect(client, config) == 0)
			return 0;
		error = errno;
		enum left left = what_is_left(config);
		/* Of the dead nobody listens, whatever has become of their directory. */
		if (left == LEFT_NOTHING || (left == LEFT_HELD && !nobody_listens(error)))
			break;
		if (left == LEFT_UNFINISHED && launch_next(config, app, cause) < 0)
			break;
		client_pause(CLIENT_LOOK_AGAIN_MS);
	} while (clock_mono() < deadline && !interrupted);
	errno = error;
	return -1;
}
