/* app: see the header. */
#include "app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crowd.h"
#include "fdio.h"
#include "lockfile.h"
#include "log.h"
#include "xmalloc.h"

/* Variables that speak of the supervisor and not of the application. */
static const char *const private_env[] = {
	"PORT=",
	"DYNO=",
	"NOTIFY_SOCKET=",
	"LISTEN_FDS=",
	"LISTEN_PID=",
	"LISTEN_FDNAMES=",
	"INVOCATION_ID=",
	"JOURNAL_STREAM=",
	"MAINPID=",
	"WATCHDOG_USEC=",
	"WATCHDOG_PID=",
	"GRACECTL_INSTANCE=",
	"_=",
};

static bool is_private(const char *entry)
{
	for (size_t i = 0; i < sizeof private_env / sizeof *private_env; i++)
		if (strncmp(entry, private_env[i], strlen(private_env[i])) == 0)
			return true;
	return false;
}

static void turn_cb(struct ev_loop *loop, ev_check *watcher, int revents)
{
	struct app *app = watcher->data;

	(void)loop;
	(void)revents;
	app->turn_began = app->stale_before = clock_mono();
	app->turn_waited = 0;
}

static int open_dir(const char *path, struct cause *cause)
{
	if (fdio_make_dirs(path, cause) < 0)
		return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? cause_errno(cause, "cannot open the directory %s", path) : fd;
}

static int open_dirs(struct app *app, struct cause *cause)
{
	char *log = xasprintf("%s/log", app->config->state_dir);

	app->run_dir = open_dir(app->config->run_dir, cause);
	if (app->run_dir >= 0)
		app->state_dir = open_dir(app->config->state_dir, cause);
	if (app->state_dir >= 0)
		app->log_dir = open_dir(log, cause);
	free(log);
	return app->log_dir < 0 ? -1 : 0;
}

static void collect_env(struct app *app)
{
	for (char **entry = environ; *entry != NULL; entry++)
		if (!is_private(*entry))
			strlist_add(&app->env, *entry);
	for (size_t i = 0; i < app->config->env.count; i++) {
		char *copy = xstrdup(app->config->env.items[i]);
		char *equals = strchr(copy, '=');
		*equals = '\0';
		strlist_setenv(&app->env, copy, equals + 1);
		free(copy);
	}
}

int app_open(
	struct app *app, struct ev_loop *loop, const struct config *config, struct cause *cause)
{
	*app = (struct app){.loop = loop,
		.config = config,
		.run_dir = -1,
		.state_dir = -1,
		.log_dir = -1,
		.lock = -1,
		.news = {.fd = -1}};
	guardqueue_init(&app->guard, loop);
	app_add_reaper(app, getpid());
	TAILQ_INIT(&app->observers);
	collect_env(app);
	ev_check_init(&app->turn, turn_cb);
	app->turn.data = app;
	ev_set_priority(&app->turn, EV_MAXPRI);
	ev_check_start(loop, &app->turn);
	ev_unref(loop);
	if (netwatch_open(&app->net) < 0)
		log_warn("the kernel does not tell about sockets: %s; readiness is probed by "
			 "connecting",
			strerror(errno));
	if (open_dirs(app, cause) < 0)
		return -1;
	app->journal = journal_open(config->state_dir, cause);
	return app->journal == NULL ? -1 : 0;
}

void app_close(struct app *app)
{
	ev_ref(app->loop);
	ev_check_stop(app->loop, &app->turn);
	if (app->journal != NULL)
		journal_close(app->journal);
	told_release(&app->told);
	netwatch_close(&app->net);
	netsock_release(&app->sockets);
	crowd_release(app->crowd);
	proctree_release(&app->tree);
	holders_release(&app->holders);
	strlist_release(&app->env);
	guardqueue_close(&app->guard);
	fdio_close(&app->run_dir);
	fdio_close(&app->state_dir);
	fdio_close(&app->log_dir);
}

/* What could not be written is gone from the journal; that it is gone is not. */
static void tell_lost(struct app *app)
{
	uint64_t lost = app->events_lost;

	app->events_lost = 0;
	app_note(app, NULL, 0, "The journal can be written again; %llu events are missing",
		(unsigned long long)lost);
}

void app_publish(struct app *app, struct event *event)
{
	struct cause cause;

	if (app->is_ousted || told_before(&app->told, event))
		return;
	bool lost = journal_write(app->journal, event, &cause) < 0;
	if (lost) {
		if (app->events_lost++ == 0)
			log_warn("events are lost until this is mended: %s", cause.text);
	} else if (app->events_lost > 0) {
		tell_lost(app);
	}
	if (app->listener != NULL)
		app->listener(app->listener_arg, event, lost ? &cause : NULL);
}

/* The new directory takes the number of the old one, so everybody who holds it goes on with the new
 * one. 1: it was made; 0: it was there; -1: it is missing, cause says why. */
static int renew_dir(int dir, const char *path, struct cause *cause)
{
	struct stat st;

	if (fstat(dir, &st) < 0 || st.st_nlink > 0)
		return 0;
	int fresh = open_dir(path, cause);
	if (fresh < 0)
		return -1;
	int result = dup3(fresh, dir, O_CLOEXEC) < 0
			     ? cause_errno(cause, "cannot go over to %s", path)
			     : 1;
	close(fresh);
	return result;
}

static bool try_renew(int dir, const char *path)
{
	struct cause cause;
	int result = renew_dir(dir, path, &cause);

	if (result < 0)
		log_debug("%s", cause.text);
	return result > 0;
}

static void tell_renewed(struct app *app, const char *path)
{
	app_note(app, NULL, 0, "The directory %s had been removed; it was made anew", path);
}

bool app_is_ours(const struct app *app)
{
	return app->lock < 0 || lockfile_is_there(app->lock, app->state_dir);
}

/* Who finds it missing may be starting another supervisor, so it comes first. */
static bool hold_lock(struct app *app)
{
	const char *dir = app->config->state_dir;
	struct cause cause;

	if (app_is_ours(app))
		return true;
	if (app->is_ousted || fdio_make_dirs(dir, &cause) < 0 ||
		lockfile_renew(app->lock, dir, app->config->run_dir) < 0)
		return false;
	guardqueue_tell(&app->guard, GUARDLINK_LOCK, app->lock);
	app_note(app, NULL, 0, "The lock %s/lock had been removed; it was made anew", dir);
	return true;
}

bool app_renew_dirs(struct app *app)
{
	if (!hold_lock(app))
		return false;
	char *log = xasprintf("%s/log", app->config->state_dir);
	bool state = try_renew(app->state_dir, app->config->state_dir);
	bool logs = try_renew(app->log_dir, log);

	free(log);
	app->state_is_new |= state;
	if (state)
		tell_renewed(app, app->config->state_dir);
	return state || logs;
}

int app_renew_run_dir(struct app *app, struct cause *cause)
{
	int result = renew_dir(app->run_dir, app->config->run_dir, cause);

	if (result <= 0)
		return result;
	guardqueue_tell(&app->guard, GUARDLINK_RUN_DIR, app->run_dir);
	tell_renewed(app, app->config->run_dir);
	return 1;
}

void app_keep(struct app *app, const char *name, const char *text, size_t size)
{
	if (!app->is_ousted && fdio_replace_at(app->run_dir, name, text, size) < 0)
		log_warn("%s/%s cannot be written for the next supervisor: %s",
			app->config->run_dir, name, strerror(errno));
}

void app_note(struct app *app, const char *dyno, uint64_t launch, const char *fmt, ...)
{
	struct event event;
	va_list ap;

	va_start(ap, fmt);
	char *text = xvasprintf(fmt, ap);
	va_end(ap);
	event_begin(&event, EVENT_NOTE, clock_wall(), dyno, launch);
	event_str(&event, "text", text);
	app_publish(app, &event);
	event_release(&event);
	free(text);
}

void app_tree_expire(struct app *app)
{
	app->stale_before = clock_mono();
}

/* Said once until it is whole again. */
static void take_tree(struct app *app)
{
	bool is_whole = proctree_take(&app->tree) == 0;

	if (!is_whole && !app->is_blind)
		log_warn("the processes in /proc cannot all be seen: %s", strerror(errno));
	app->is_blind = !is_whole;
}

struct proctree *app_tree(struct app *app)
{
	if (app->tree.taken == 0 || app->tree.taken < app->stale_before) {
		take_tree(app);
		if (app->claim != NULL)
			app->claim(app->claim_arg, &app->tree);
	}
	return &app->tree;
}

bool app_has_sockets(const struct app *app)
{
	const struct netsock_table *table = &app->sockets;

	return table->is_whole && table->taken >= app->turn_began && table->taken > app->news.lost;
}

const struct netsock_table *app_sockets(struct app *app)
{
	if (!app_has_sockets(app) && netsock_dump(app->net.fd, &app->sockets) < 0)
		return NULL;
	return &app->sockets;
}

const struct netsock_table *app_listening(struct app *app)
{
	struct netsock_table *table = &app->net.table;

	if ((table->taken == 0 || table->taken < app->turn_began) && netwatch_look(&app->net) < 0) {
		table->taken = 0;
		return NULL;
	}
	return table;
}

void app_add_reaper(struct app *app, pid_t pid)
{
	enum {
		LAST = sizeof app->reapers / sizeof *app->reapers - 1
	};

	for (size_t i = 0; i < LAST; i++) {
		if (app->reapers[i] == pid)
			return;
		if (app->reapers[i] == 0) {
			app->reapers[i] = pid;
			return;
		}
	}
}
