/* config-check: see the header. */
#include "config-check.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "config-command.h"
#include "config-paths.h"
#include "fdio.h"
#include "xmalloc.h"

int check_line(const struct check *check, const char *key)
{
	const struct setting *setting =
		source_find_setting(check->source, check->process->name, key);

	return setting != NULL ? setting->line : check->process->line;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * The application
 */

static int app_line(const struct source *source, const char *key)
{
	const struct setting *setting =
		section_find(source_find_section(source, SECTION_APP, NULL), key);

	return setting != NULL ? setting->line : 0;
}

/* A line of the ini file cannot hold every path that a file system can. */
static void check_writable(struct source *source, const char *key, const char *path)
{
	size_t len = strlen(path);
	bool plain = len > 0 && !isspace((unsigned char)path[len - 1]);

	for (const char *at = path; *at != '\0'; at++)
		plain = plain && !iscntrl((unsigned char)*at);
	if (!plain)
		source_error(source, app_line(source, key),
			"key `%s`: \"%.80s\" has control characters or ends with a blank; name "
			"another directory",
			key, path);
}

static void check_run_dir(struct source *source, const struct config *config)
{
	const struct section *app = source_find_section(source, SECTION_APP, NULL);
	struct cause cause;

	if (run_dir_check(config->run_dir, section_find(app, "run_dir") != NULL, &cause) < 0)
		source_error(source, app_line(source, "run_dir"), "key `run_dir`: %s", cause.text);
}

static void check_app(struct source *source, const struct config *config)
{
	check_writable(source, "root", config->root);
	check_writable(source, "state_dir", config->state_dir);
	check_writable(source, "run_dir", config->run_dir);
	if (!is_directory(config->root))
		source_error(source, app_line(source, "root"),
			"key `root`: \"%.200s\" is not a directory; name the directory of the "
			"application",
			config->root);
	check_run_dir(source, config);
	if (config->process_count == 0)
		source_error(source, 0,
			"there is no process to run; add a section [process web] with "
			"\"command = ...\" (or a line \"web: ...\" to a Procfile)");
}

/* True for a file of the time zone database. */
static bool timezone_exists(const char *name)
{
	const char *given = getenv("TZDIR");
	char *path = xasprintf("%s/%s", given != NULL ? given : "/usr/share/zoneinfo", name);
	struct buf text = BUF_INIT;
	struct stat st;
	bool found = stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
		     fdio_read_file(path, 1 << 20, &text) == 0 && text.len > 4 &&
		     memcmp(text.data, "TZif", 4) == 0;

	buf_release(&text);
	free(path);
	return found;
}

static void check_timezone(struct source *source, const struct config *config)
{
	const char *name = config->timezone;

	if (name == NULL || strcmp(name, "UTC") == 0)
		return;
	if (name[0] == '/' || strstr(name, "..") != NULL || !timezone_exists(name))
		source_error(source, app_line(source, "timezone"),
			"key `timezone`: \"%.80s\" is not a time zone of this machine; name one "
			"such as Europe/Berlin or UTC (see timedatectl list-timezones)",
			name);
}

/*
 * Users and groups
 */

/* The number in a text of digits, or -1. */
static long number_of(const char *text)
{
	if (*text == '\0' || strlen(text) > 9 || strspn(text, "0123456789") != strlen(text))
		return -1;
	return atol(text);
}

static const struct passwd *find_user(const char *name)
{
	const struct passwd *entry = getpwnam(name);

	return entry == NULL && number_of(name) >= 0 ? getpwuid((uid_t)number_of(name)) : entry;
}

static const struct group *find_group(const char *name)
{
	const struct group *entry = getgrnam(name);

	return entry == NULL && number_of(name) >= 0 ? getgrgid((gid_t)number_of(name)) : entry;
}

static void check_user(const struct check *check)
{
	struct process_config *process = check->process;
	const struct passwd *entry = process->user != NULL ? find_user(process->user) : NULL;

	if (process->user == NULL)
		return;
	if (entry == NULL) {
		source_error(check->source, check_line(check, "user"),
			"key `user`: \"%.80s\" is not a user of this machine; name one of "
			"/etc/passwd",
			process->user);
		process->uid = (uid_t)-1; /* and by no means root */
		return;
	}
	process->uid = entry->pw_uid;
	process->gid = entry->pw_gid;
	process->user_name = xstrdup(entry->pw_name);
	process->home = xstrdup(entry->pw_dir);
	if (geteuid() != 0 && process->uid != geteuid())
		source_error(check->source, check_line(check, "user"),
			"key `user`: \"%.80s\" is another user, which only root may start "
			"processes as; leave it out, or run gracectl as root",
			process->user);
}

static void check_group(const struct check *check)
{
	struct process_config *process = check->process;
	const struct group *entry = process->group != NULL ? find_group(process->group) : NULL;

	if (process->group == NULL)
		return;
	if (entry == NULL) {
		source_error(check->source, check_line(check, "group"),
			"key `group`: \"%.80s\" is not a group of this machine; name one of "
			"/etc/group",
			process->group);
		process->gid = (gid_t)-1;
		return;
	}
	process->gid = entry->gr_gid;
	if (geteuid() != 0 && process->gid != getegid())
		source_error(check->source, check_line(check, "group"),
			"key `group`: \"%.80s\" is another group, which only root may start "
			"processes in; leave it out, or run gracectl as root",
			process->group);
}

/*
 * Settings that must fit together
 */

static void check_port(const struct check *check)
{
	const struct process_config *process = check->process;

	if (process->port_kind != PORT_FIXED)
		return;
	if (process->scale > 0 && process->port + process->scale - 1 > UINT16_MAX)
		source_error(check->source, check_line(check, "port"),
			"key `port`: \"%u\" with scale = %u in [process %s] goes beyond 65535; "
			"begin lower",
			process->port, process->scale, process->name);
	if (process->order != ORDER_STOP_FIRST)
		source_error(check->source, check_line(check, "restart_order"),
			"key `restart_order`: \"%s\" does not go with the fixed port %u of "
			"[process %s], which two instances cannot have at once; write stop-first "
			"there, or port = auto",
			order_names[process->order], process->port, process->name);
}

static void check_port_twice(const struct check *check, const struct process_config *other)
{
	const struct process_config *process = check->process;
	struct check earlier = {check->source, check->config, (struct process_config *)other};

	if (other->port_kind != PORT_FIXED || process->port_kind != PORT_FIXED)
		return;
	if (process->port >= other->port + other->scale ||
		other->port >= process->port + process->scale)
		return;
	source_error(check->source, check_line(check, "port"),
		"key `port`: \"%u\" (scale %u) of [process %s] is used twice: [process %s] has %u "
		"(scale %u) in line %d; give each its own",
		process->port, process->scale, process->name, other->name, other->port,
		other->scale, check_line(&earlier, "port"));
}

static void check_ready(const struct check *check)
{
	const struct process_config *process = check->process;
	bool http = process->ready == READY_HTTP;

	if (process->port_kind != PORT_NONE || (!http && process->ready != READY_PORT))
		return;
	source_error(check->source, check_line(check, "ready"),
		"key `ready`: \"%s%s%s\" needs a port, and [process %s] has none; write port = "
		"auto or "
		"ready = none there",
		ready_names[process->ready], http ? ":" : "", http ? process->ready_path : "",
		process->name);
}

/* RUN_DIR/web.1.7.notify is a socket too; the number of the launch grows. */
static void check_notify(const struct check *check)
{
	const struct process_config *process = check->process;
	int len = snprintf(NULL, 0, "%s/%s.%u.1000000.notify", check->config->run_dir,
		process->name, process->scale);

	if (process->ready == READY_NOTIFY && len > SOCKET_PATH_MAX)
		source_error(check->source, check_line(check, "ready"),
			"key `ready`: \"notify\" needs a socket in run_dir, and its path would "
			"have "
			"%d bytes for [process %s], of which %d are allowed; name a shorter "
			"run_dir, or shorten the name of the process",
			len, process->name, SOCKET_PATH_MAX);
}

static void check_logs(const struct check *check)
{
	const struct process_config *process = check->process;

	if (process->log_segment > process->log_keep)
		source_error(check->source, check_line(check, "log_segment"),
			"key `log_segment`: %llu bytes in [process %s] are more than the %llu of "
			"log_keep; make it smaller, or log_keep larger",
			(unsigned long long)process->log_segment, process->name,
			(unsigned long long)process->log_keep);
}

static void check_workdir(const struct check *check)
{
	const char *workdir = check->process->workdir;

	/* A bad root has been told already. */
	if (strcmp(workdir, check->config->root) != 0 && !is_directory(workdir))
		source_error(check->source, check_line(check, "workdir"),
			"key `workdir`: \"%.200s\" is not a directory; name one that exists",
			workdir);
}

static void check_process(const struct check *check)
{
	check_workdir(check);
	check_user(check);
	check_group(check);
	check_command(check);
	check_port(check);
	check_ready(check);
	check_notify(check);
	check_logs(check);
}

/* Both in one section would say the first wait twice. */
static void check_stop_once(struct source *source, const struct section *section)
{
	const struct setting *stop = section_find(section, "stop");
	const struct setting *timeout = section_find(section, "stop_timeout");
	char title[SECTION_TEXT];

	if (stop != NULL && timeout != NULL)
		source_error(source, timeout->line,
			"key `stop_timeout`: \"%.80s\" stands in %s beside `stop` (line %d), which "
			"has the waits already; keep one of them",
			timeout->value, section_format(section, title), stop->line);
}

void config_check(struct source *source, struct config *config)
{
	check_app(source, config);
	check_timezone(source, config);
	for (size_t i = 0; i < source->count; i++)
		if (source->sections[i].kind != SECTION_UNKNOWN)
			check_stop_once(source, &source->sections[i]);
	for (size_t i = 0; i < config->process_count; i++) {
		struct check check = {source, config, &config->process[i]};

		check_process(&check);
		for (size_t j = 0; j < i; j++)
			check_port_twice(&check, &config->process[j]);
	}
}
