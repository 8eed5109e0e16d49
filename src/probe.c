/* probe: see the header. */
#include "probe.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dial.h"
#include "fdio.h"
#include "guardlink.h"
#include "log.h"
#include "xmalloc.h"

#define LOOK_MIN (2 * NSEC_PER_MSEC)
#define LOOK_MAX (100 * NSEC_PER_MSEC)
#define HTTP_TIMEOUT (5 * NSEC_PER_SEC)
#define HTTP_REQUEST                                                                               \
	"GET %s HTTP/1.1\r\nHost: localhost:%u\r\nUser-Agent: gracectl\r\nConnection: "            \
	"close\r\n\r\n"

/* With the longest path and the longest port. */
enum {
	REQUEST_SIZE = sizeof HTTP_REQUEST + READY_PATH_MAX + sizeof "65535"
};

/* The older the boot, the rarer the look: a sixteenth of its age, from 2 ms to 100 ms. */
static void look_later(struct probe *probe)
{
	nsec_t pause = (clock_mono() - probe->began) / 16;

	if (pause < LOOK_MIN)
		pause = LOOK_MIN;
	if (pause > LOOK_MAX)
		pause = LOOK_MAX;
	timer_set(probe->app->loop, &probe->look, clock_mono() + pause);
}

static void close_io(struct probe *probe)
{
	if (probe->fd < 0)
		return;
	ev_io_stop(probe->app->loop, &probe->io);
	fdio_close(&probe->fd);
}

void probe_release(struct probe *probe)
{
	if (probe->app == NULL)
		return;
	timer_stop(probe->app->loop, &probe->look);
	close_io(probe);
}

void probe_stop(struct probe *probe)
{
	if (probe->app == NULL)
		return;
	probe_release(probe);
	if (probe->notify[0] != '\0')
		unlinkat(probe->app->run_dir, probe->notify, 0);
	probe->notify[0] = '\0';
	guardqueue_drop(&probe->app->guard, probe->held);
	probe->held = 0;
}

static void done(struct probe *probe)
{
	probe_stop(probe);
	probe->ready(probe->owner);
}

static void watch_fd(struct probe *probe, void (*cb)(struct ev_loop *, ev_io *, int), int events)
{
	ev_io_init(&probe->io, cb, probe->fd, events);
	probe->io.data = probe;
	ev_io_start(probe->app->loop, &probe->io);
}

/* "HTTP/1.1 204" is enough to know. */
static void http_answer_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	enum {
		STATUS_END = 12
	};
	struct probe *probe = watcher->data;

	(void)loop;
	(void)revents;
	ssize_t n = recv(
		probe->fd, probe->answer + probe->answer_len, STATUS_END - probe->answer_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		probe->answer_len += (size_t)n;
	if (n > 0 && probe->answer_len < STATUS_END)
		return;
	close_io(probe);
	probe->answer[probe->answer_len] = '\0';
	int status = probe->answer_len == STATUS_END && strncmp(probe->answer, "HTTP/1.", 7) == 0
			     ? atoi(probe->answer + 9)
			     : 0;
	if (status >= 200 && status < 400)
		done(probe);
	else
		look_later(probe);
}

static void http_connected_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct probe *probe = watcher->data;
	char request[REQUEST_SIZE];

	(void)revents;
	int len = snprintf(
		request, sizeof request, HTTP_REQUEST, probe->config->ready_path, probe->port);
	if (send(probe->fd, request, (size_t)len, MSG_NOSIGNAL) != len) {
		close_io(probe);
		look_later(probe);
		return;
	}
	ev_io_stop(loop, &probe->io);
	probe->answer_len = 0;
	watch_fd(probe, http_answer_cb, EV_READ);
}

static void http_begin(struct probe *probe, const struct dial *dial)
{
	bool is_made;

	probe->fd = dial_connect(dial, &is_made);
	if (probe->fd < 0) {
		look_later(probe);
		return;
	}
	watch_fd(probe, http_connected_cb, EV_WRITE);
	timer_set(probe->app->loop, &probe->look, clock_mono() + HTTP_TIMEOUT);
}

/* Where the kernel tells nothing, a connect() that is accepted at once must do. */
static bool answers_connect(const struct dial *dial)
{
	bool is_made = false;
	int fd = dial_connect(dial, &is_made);

	fdio_close(&fd);
	return is_made;
}

static void tell_foreign(struct probe *probe)
{
	if (probe->foreign_told)
		return;
	app_note(probe->app, probe->dyno, 0,
		"Port %u is taken by a process that does not belong to %s", probe->port,
		probe->dyno);
	probe->foreign_told = true;
}

/* The next listener on its port that is its own. */
static const struct netsock *next_own(const struct probe *probe, const struct netsock *after)
{
	const struct netwatch *net = &probe->app->net;
	const struct netsock *listener = netwatch_find(net, probe->port, after);

	while (listener != NULL && !probe->owns(probe->owner, listener->inode))
		listener = netwatch_find(net, probe->port, listener);
	return listener;
}

/* Of several, on one address each, every look asks another one: only one of them may be for that.
 */
static const struct netsock *choose_own(const struct probe *probe)
{
	const struct netsock *first = next_own(probe, NULL), *own = first;

	if (probe->asked == 0)
		return first;
	while (own != NULL && own->inode != probe->asked)
		own = next_own(probe, own);
	if (own != NULL)
		own = next_own(probe, own);
	return own != NULL ? own : first;
}

/* Whether the kernel lists a listener on its port that is its own. */
static bool is_listed(struct probe *probe, struct dial *dial)
{
	const struct netsock *listener = choose_own(probe);

	if (listener != NULL) {
		probe->asked = listener->inode;
		*dial = dial_listener(listener);
	} else if (netwatch_find(&probe->app->net, probe->port, NULL) != NULL) {
		tell_foreign(probe);
	}
	return listener != NULL;
}

/* Sets dial: how to ask who listens. */
static bool is_listening(struct probe *probe, struct dial *dial)
{
	struct app *app = probe->app;

	if (app->net.fd >= 0 && app_listening(app) != NULL)
		return is_listed(probe, dial);
	if (app->net.fd >= 0)
		log_debug(
			"%s: the list of sockets cannot be read: %s", probe->dyno, strerror(errno));
	*dial = dial_loopback(probe->port);
	return answers_connect(dial);
}

static void look_fired(void *owner)
{
	struct probe *probe = owner;
	struct dial dial;

	close_io(probe); /* an HTTP answer that took too long */
	if (!is_listening(probe, &dial))
		look_later(probe);
	else if (probe->config->ready == READY_HTTP)
		http_begin(probe, &dial);
	else
		done(probe);
}

/* True when one of the lines of a notification is exactly that. */
static bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = text; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, line, len) == 0 && (at[len] == '\n' || at[len] == '\0'))
			return true;
	}
	return false;
}

static void notify_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct probe *probe = watcher->data;
	char text[4096];

	(void)loop;
	(void)revents;
	ssize_t n = recv(probe->fd, text, sizeof text - 1, MSG_DONTWAIT);
	if (n <= 0)
		return;
	text[n] = '\0';
	if (has_line(text, "READY=1"))
		done(probe);
}

static bool is_bound_to(int fd, const char *path)
{
	struct sockaddr_un address = {0};
	socklen_t len = sizeof address;

	return getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	       address.sun_family == AF_UNIX && len > sizeof address.sun_family &&
	       strcmp(address.sun_path, path) == 0;
}

/* A socket of that name that the guard has handed on, or -1. */
static int find_handed_on(const char *path)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	int found = -1;

	while (dir != NULL && found < 0 && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		if (fd > STDERR_FILENO && is_bound_to(fd, path))
			found = fd;
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static int create_notify(
	struct probe *probe, const struct sockaddr_un *address, struct cause *cause)
{
	unlink(address->sun_path);
	probe->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe->fd < 0 || bind(probe->fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return cause_errno(cause, "cannot create the notify socket %s", address->sun_path);
	if (probe->config->user != NULL &&
		chown(address->sun_path, probe->config->uid, (gid_t)-1) < 0)
		return cause_errno(cause, "cannot give %s to the user %s", address->sun_path,
			probe->config->user);
	return 0;
}

static int open_notify(struct probe *probe, struct cause *cause)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *dir = probe->app->config->run_dir;

	if (snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, probe->notify) >=
		(int)sizeof address.sun_path)
		return cause_set(cause,
			"the path %s/%s is too long for a socket; set a shorter run_dir", dir,
			probe->notify);
	probe->fd = find_handed_on(address.sun_path);
	if (probe->fd < 0 && create_notify(probe, &address, cause) < 0)
		return -1;
	probe->held = guardqueue_hold(&probe->app->guard, probe->fd);
	return 0;
}

int probe_prepare(struct probe *probe, struct app *app, const struct process_config *config,
	const char *dyno, uint64_t launch, struct cause *cause)
{
	*probe = (struct probe){.app = app, .config = config, .dyno = dyno, .fd = -1};
	timer_init(&probe->look, look_fired, probe);
	if (config->ready != READY_NOTIFY)
		return 0;
	instancefile_name(probe->notify, dyno, launch, INSTANCEFILE_NOTIFY);
	return open_notify(probe, cause);
}

void probe_forget(struct app *app, const char *dyno, uint64_t launch)
{
	char name[INSTANCEFILE_NAME];
	struct stat st;

	instancefile_name(name, dyno, launch, INSTANCEFILE_NOTIFY);
	char *path = xasprintf("%s/%s", app->config->run_dir, name);
	int fd = find_handed_on(path);
	if (fd >= 0 && fstat(fd, &st) == 0)
		guardqueue_drop(&app->guard, guardlink_key(&st));
	fdio_close(&fd);
	free(path);
}

void probe_start(struct probe *probe, uint16_t port, bool (*owns)(void *owner, uint32_t inode),
	void (*ready)(void *owner), void *owner)
{
	probe->port = port;
	probe->owns = owns;
	probe->ready = ready;
	probe->owner = owner;
	probe->began = clock_mono();
	if (probe->config->ready == READY_NOTIFY)
		watch_fd(probe, notify_cb, EV_READ);
	else if (probe->config->ready != READY_NONE)
		look_later(probe);
}
