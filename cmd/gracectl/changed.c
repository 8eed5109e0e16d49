/* changed: see the header. */
#include "changed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fdio.h"
#include "supervisor.h"
#include "xmalloc.h"

#define GOES_ON "the supervisor goes on with what it was started with"
#define TAKE_UP "`gracectl stop` and then `gracectl start` take up the file as it is now"

enum {
	KEPT_MAX = 4 * 1024 * 1024
};

static bool is_after(struct timespec time, struct timespec other)
{
	return time.tv_sec > other.tv_sec ||
	       (time.tv_sec == other.tv_sec && time.tv_nsec > other.tv_nsec);
}

/* A file that is moved there keeps its time of modification; and a link may lead to another file
 * now. */
static bool is_newer(const char *path, const struct stat *than)
{
	struct stat st, link;

	return path != NULL && stat(path, &st) == 0 && lstat(path, &link) == 0 &&
	       (is_after(st.st_ctim, than->st_mtim) || is_after(link.st_ctim, than->st_mtim));
}

/* The first line only names the file. */
static const char *settings_of(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL ? end + 1 : text;
}

static bool is_same(const struct config *config, const char *kept)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return true;
	config_print(config, out);
	bool same = fclose(out) != 0 || strcmp(settings_of(text), settings_of(kept)) == 0;
	free(text);
	return same;
}

/* The default follows from the environment, and is no change of the file. */
static void forget_default_run_dir(struct config *now, const struct config *config)
{
	struct config plain;

	config_for_app(now->name, &plain);
	if (strcmp(now->run_dir, plain.run_dir) == 0)
		config_set_run_dir(now, config->run_dir);
	config_release(&plain);
}

static void tell_difference(const struct cli *cli, const struct config *config, const char *kept)
{
	struct config_problems problems;
	struct config now;

	config_load(config->path, cli->app, &now, &problems);
	forget_default_run_dir(&now, config);
	if (problems.errors > 0)
		cli_error("warning: %s has %zu mistake%s now, see `gracectl check`; " GOES_ON,
			config->path, problems.errors, problems.errors == 1 ? "" : "s");
	else if (!is_same(&now, kept))
		cli_error("warning: %s has changed, but " GOES_ON "; " TAKE_UP, config->path);
	config_problems_release(&problems);
	config_release(&now);
}

/* The file is read only when it is newer than what the supervisor has kept. Values of the .env are
 * not kept, as they may be secrets. */
void changed_tell(const struct cli *cli, const struct config *config)
{
	char *path = xasprintf("%s/%s", config->run_dir, supervisor_kept);
	char *door = xasprintf("%s/control.sock", config->run_dir);
	struct buf kept = BUF_INIT;
	struct stat st, began;

	if (config->path != NULL && stat(path, &st) == 0) {
		if (is_newer(config->path, &st) && fdio_read_file(path, KEPT_MAX, &kept) == 0 &&
			kept.len > 0)
			tell_difference(cli, config, kept.data);
		/* Each supervisor reads it anew. */
		if (stat(door, &began) == 0 && is_newer(config->env_file, &began))
			cli_error("warning: %s is newer than the supervisor, which goes on with "
				  "the values that it has read; " TAKE_UP,
				config->env_file);
	}
	buf_release(&kept);
	free(door);
	free(path);
}

void changed_tell_target(const struct cli *cli, const struct config *config, const char *target)
{
	if (target[0] != '\0' && cli_file_has(cli, config, target))
		cli_error("%s has it, but " GOES_ON "; " TAKE_UP, config->path);
}
