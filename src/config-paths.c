/* config-paths: see the header. */
#include "config-paths.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "xmalloc.h"

#ifndef GRACECTL_ETC
#define GRACECTL_ETC "/etc/gracectl"
#endif

/*
 * Paths
 */

static char *current_directory(void)
{
	char *cwd = getcwd(NULL, 0);

	return cwd != NULL ? cwd : xstrdup("/");
}

/* Appends the parts of a path to out, which is "" or an absolute path; true when one was "..". */
static bool add_parts(struct buf *out, const char *path)
{
	bool above = false;

	while (*path != '\0') {
		size_t len = strcspn(path, "/");

		if (len > 0 && !(len == 1 && path[0] == '.')) {
			buf_addc(out, '/');
			buf_append(out, path, len);
		}
		above = above || (len == 2 && strncmp(path, "..", 2) == 0);
		path += len + (path[len] == '/');
	}
	return above;
}

char *path_absolute(const char *base, const char *path)
{
	struct buf joined = BUF_INIT;
	bool above = false;

	if (*path != '/') {
		char *start = base != NULL ? xstrdup(base) : current_directory();
		above = add_parts(&joined, start);
		free(start);
	}
	above = add_parts(&joined, path) || above;
	if (joined.len == 0)
		buf_addc(&joined, '/');
	char *resolved = above ? realpath(joined.data, NULL) : NULL;
	if (resolved == NULL)
		return buf_detach(&joined);
	buf_release(&joined);
	return resolved;
}

char *path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return xstrdup("/");
	return xstrndup(path, (size_t)(slash - path));
}

/*
 * Names and directories of an application
 */

static bool is_name_letter(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

bool process_name_is_valid(const char *name)
{
	size_t len = 0;

	while (is_name_letter(name[len]))
		len++;
	return len > 0 && len <= PROCESS_NAME_MAX && name[len] == '\0';
}

bool app_name_is_valid(const char *name)
{
	size_t len = 0;

	while (is_name_letter(name[len]) || name[len] == '.')
		len++;
	return len <= PROCESS_NAME_MAX && name[len] == '\0' && isalnum((unsigned char)name[0]);
}

char *app_name_from(const char *text)
{
	char *name = xstrndup(*text != '\0' ? text : "app", PROCESS_NAME_MAX);

	for (char *at = name; *at != '\0'; at++)
		if (!is_name_letter(*at) && *at != '.')
			*at = '-';
	if (!isalnum((unsigned char)name[0]))
		name[0] = 'x';
	return name;
}

/* A directory from the environment; only an absolute path counts, as the XDG specification demands.
 */
static const char *env_directory(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] == '/' ? value : NULL;
}

static char *state_home(void)
{
	const char *given = env_directory("XDG_STATE_HOME");
	const char *home = env_directory("HOME");

	if (geteuid() == 0)
		return xstrdup("/var/lib");
	if (given != NULL)
		return xstrdup(given);
	if (home == NULL) {
		const struct passwd *entry = getpwuid(geteuid());
		home = entry != NULL ? entry->pw_dir : "/";
	}
	return xasprintf("%s/.local/state", home);
}

void paths_set_defaults(struct config *config)
{
	const char *runtime = env_directory("XDG_RUNTIME_DIR");

	if (config->state_dir == NULL) {
		char *home = state_home();
		config->state_dir = xasprintf("%s/gracectl/%s", home, config->name);
		free(home);
	}
	if (config->run_dir != NULL)
		return;
	if (geteuid() == 0)
		config->run_dir = xasprintf("/run/gracectl/%s", config->name);
	else if (runtime != NULL)
		config->run_dir = xasprintf("%s/gracectl/%s", runtime, config->name);
	else
		config->run_dir =
			xasprintf("/tmp/gracectl-%u/%s", (unsigned)geteuid(), config->name);
}

/* The other one, gracectl.ini, is for who names none. */
static bool is_named_file(const char *name)
{
	return app_name_is_valid(name) && strcmp(name, "gracectl") != 0;
}

void config_apps(struct strlist *names)
{
	char *home = state_home();
	char *states = xasprintf("%s/gracectl", home);

	fdio_list(GRACECTL_ETC, ".ini", is_named_file, names);
	fdio_list(states, "", app_name_is_valid, names);
	strlist_sort_unique(names);
	free(states);
	free(home);
}

int run_dir_check(const char *run_dir, bool given, struct cause *cause)
{
	size_t len = strlen(run_dir);

	if (len <= RUN_DIR_MAX)
		return 0;
	return cause_set(cause,
		"%s\"%.200s\" has %zu bytes, at most %d are allowed for the path of a socket; %s",
		given ? "" : "its default ", run_dir, len, RUN_DIR_MAX,
		given ? "name a shorter directory"
		      : "set it, or give the application a shorter name");
}

void config_for_app(const char *app, struct config *out)
{
	*out = (struct config){.name = app_name_from(app)};
	paths_set_defaults(out);
}

void config_set_run_dir(struct config *config, const char *run_dir)
{
	free(config->run_dir);
	config->run_dir = xstrdup(run_dir);
}

/* Who has set neither key nor variable does not know the directory that was chosen for him. */
static int make_dir(const char *path, const char *use, const char *key, const char *variable,
	struct cause *cause)
{
	bool is_root = geteuid() == 0;
	struct cause why;

	if (fdio_make_dirs(path, &why) == 0)
		return 0;
	return cause_set(cause, "there is no place for %s: %.300s; set %s%s%s to another directory",
		use, why.text, key, is_root ? "" : " or ", is_root ? "" : variable);
}

int config_make_run_dir(const struct config *config, struct cause *cause)
{
	return make_dir(config->run_dir, "the control socket", "run_dir", "XDG_RUNTIME_DIR", cause);
}

int config_make_state_dir(const struct config *config, struct cause *cause)
{
	return make_dir(config->state_dir, "logs and state", "state_dir", "XDG_STATE_HOME", cause);
}

/*
 * Where the file is
 */

/* A symbolic link that leads nowhere stands there too: whoever made it means something by it. */
static bool is_there(const char *path)
{
	struct stat st;

	return *path != '\0' && (lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR));
}

static char *take(const char *path, const char *source, struct cause *cause)
{
	struct stat st;
	bool is_link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);

	if (stat(path, &st) < 0)
		cause_errno(cause, "the configuration %s (%s)%s", path, source,
			is_link ? " is a symbolic link that leads to no file" : "");
	else if (S_ISDIR(st.st_mode))
		cause_set(cause,
			"the configuration %s (%s) is a directory; name the file gracectl.ini or "
			"Procfile in it",
			path, source);
	else
		return path_absolute(NULL, path);
	errno = EINVAL;
	return NULL;
}

char *config_find(const char *given, const char *app, struct cause *cause)
{
	const char *from_env = getenv("GRACECTL_CONFIG");
	char app_file[sizeof GRACECTL_ETC + PROCESS_NAME_MAX + 8] = "";

	if (given != NULL)
		return take(given, "-c", cause);
	if (from_env != NULL && *from_env != '\0')
		return take(from_env, "$GRACECTL_CONFIG", cause);
	if (app != NULL && app_name_is_valid(app))
		snprintf(app_file, sizeof app_file, "%s/%s.ini", GRACECTL_ETC, app);
	const char *const places[] = {
		app_file, "gracectl.ini", "Procfile", GRACECTL_ETC "/gracectl.ini"};
	char *cwd = current_directory();
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
		if (is_there(places[i])) {
			char *found = take(
				places[i], places[i][0] == '/' ? "of the machine" : cwd, cause);
			free(cwd);
			return found;
		}
	cause_set(cause,
		"there is no gracectl.ini and no Procfile in %.200s, and no %s%s" GRACECTL_ETC
		"/gracectl.ini; name the file with -c FILE, or write one: see gracectl.ini(5)",
		cwd, app_file, app_file[0] != '\0' ? " or " : "");
	free(cwd);
	errno = ENOENT;
	return NULL;
}
