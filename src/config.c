/*
 * config: see the header. The parts, in the order in which a file passes them:
 *
 *     config-ini.c, config-procfile.c    text to sections and settings (config-source.h)
 *     config-options.c                   settings to values
 *     config-paths.c                     names and directories
 *     config-env.c                       the .env file
 *     config-check.c                     what must fit together, and must exist
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "buf.h"
#include "config-check.h"
#include "config-env.h"
#include "config-options.h"
#include "config-paths.h"
#include "config-source.h"
#include "fdio.h"
#include "suggest.h"
#include "xmalloc.h"

enum {
	CONFIG_FILE_MAX = 1 << 20
};

/* Reads a regular file: a FIFO or a device would keep us waiting, or never end. */
static int read_whole(const char *path, struct buf *out)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	return fdio_read_file(path, CONFIG_FILE_MAX, out);
}

static const char *why_unreadable(void)
{
	return errno == EFBIG	 ? "it is larger than 1 MiB"
	       : errno == EINVAL ? "it is not a regular file"
				 : strerror(errno);
}

/*
 * The application
 */

static void resolve(char **path, const char *base)
{
	if (*path == NULL)
		return;
	char *absolute = path_absolute(base, *path);
	free(*path);
	*path = absolute;
}

static void set_name(struct config *config, const char *app, struct config_problems *problems)
{
	config->own_name = config->name;
	config->name = NULL;
	if (app != NULL) {
		config->name = app_name_from(app);
		if (!app_name_is_valid(app))
			problems_add(problems, config->path, 0, false,
				"-a \"%.80s\" is not the name of an application; it has 1 to %d "
				"letters, digits, \"-\", \"_\" or \".\"",
				app, PROCESS_NAME_MAX);
	}
	if (config->name == NULL)
		config->name = config->own_name != NULL
				       ? xstrdup(config->own_name)
				       : app_name_from(strrchr(config->root, '/') + 1);
}

static void build_app(struct source *source, const char *app, struct config *config)
{
	const struct section *section = source_find_section(source, SECTION_APP, NULL);
	char *directory = path_directory(source->path);

	options_initialize(IN_APP, config);
	if (section != NULL)
		section_apply(source, section, config);
	if (config->root == NULL)
		config->root = xstrdup(directory);
	resolve(&config->root, directory);
	resolve(&config->env_file, config->root);
	resolve(&config->state_dir, config->root);
	resolve(&config->run_dir, config->root);
	set_name(config, app, source->problems);
	paths_set_defaults(config);
	free(directory);
}

static void read_env_file(struct source *source, struct config *config)
{
	bool given = config->env_file != NULL;
	const struct setting *setting =
		section_find(source_find_section(source, SECTION_APP, NULL), "env_file");
	struct buf text = BUF_INIT;

	if (!given)
		config->env_file = path_absolute(config->root, ".env");
	if (read_whole(config->env_file, &text) == 0)
		env_read(config->env_file, text.data, text.len, &config->env, source->problems);
	else if (given || errno != ENOENT)
		source_error(source, setting != NULL ? setting->line : 0,
			"key `env_file`: \"%.80s\" cannot be read (%s); name a file with lines "
			"KEY=value",
			config->env_file, why_unreadable());
	buf_release(&text);
}

/*
 * The processes
 */

static void process_release(struct process_config *process)
{
	free(process->name);
	free(process->command);
	free(process->workdir);
	free(process->user);
	free(process->user_name);
	free(process->home);
	free(process->group);
	free(process->ready_path);
	free(process->restart_at_text);
	strlist_release(&process->env);
}

/* The defaults that depend on other settings, where nobody has set them. */
static void complete_process(
	struct source *source, struct config *config, struct process_config *process)
{
	const char *name = process->name;

	if (source_find_setting(source, name, "port") == NULL && strcmp(name, "web") == 0)
		process->port_kind = PORT_AUTO;
	if (source_find_setting(source, name, "ready") == NULL)
		process->ready = process->port_kind != PORT_NONE ? READY_PORT : READY_NONE;
	if (source_find_setting(source, name, "restart_order") == NULL &&
		process->port_kind == PORT_FIXED)
		process->order = ORDER_STOP_FIRST;
	if (process->workdir == NULL)
		process->workdir = xstrdup(config->root);
	resolve(&process->workdir, config->root);
}

static void build_process(struct source *source, const struct section *own, struct config *config)
{
	const struct section *defaults = source_find_section(source, SECTION_DEFAULTS, NULL);
	struct source quiet = {.path = source->path};
	struct process_config *process = &config->process[config->process_count++];

	*process = (struct process_config){.name = xstrdup(own->name), .line = own->line};
	options_initialize(IN_PROCESS, process);
	if (defaults != NULL)
		section_apply(&quiet, defaults, process);
	section_apply(source, own, process);
	complete_process(source, config, process);
}

/* The values of [defaults] are told once, and not again for each process. */
static void check_defaults(struct source *source)
{
	const struct section *defaults = source_find_section(source, SECTION_DEFAULTS, NULL);
	struct process_config scratch = {0};

	if (defaults == NULL)
		return;
	options_initialize(IN_PROCESS, &scratch);
	section_apply(source, defaults, &scratch);
	process_release(&scratch);
}

static void build_processes(struct source *source, struct config *config)
{
	check_defaults(source);
	config->process = xcalloc(source->count + 1, sizeof *config->process);
	for (size_t i = 0; i < source->count; i++)
		if (source->sections[i].kind == SECTION_PROCESS)
			build_process(source, &source->sections[i], config);
}

/*
 * All of it
 */

static bool is_procfile(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash != NULL ? slash + 1 : path, "Procfile", strlen("Procfile")) == 0;
}

void config_load_text(const char *path, const char *text, size_t len, const char *app,
	struct config *out, struct config_problems *problems)
{
	*problems = (struct config_problems){0};
	*out = (struct config){.path = path_absolute(NULL, path)};
	struct source source = {.path = out->path, .problems = problems};

	if (is_procfile(path))
		procfile_read(&source, text, len);
	else
		ini_read(&source, text, len);
	build_app(&source, app, out);
	read_env_file(&source, out);
	build_processes(&source, out);
	config_check(&source, out);
	problems_sort(problems, out->path);
	source_release(&source);
}

void config_load(
	const char *path, const char *app, struct config *out, struct config_problems *problems)
{
	struct buf text = BUF_INIT;

	if (read_whole(path, &text) == 0) {
		config_load_text(path, text.data, text.len, app, out, problems);
	} else {
		const char *why = why_unreadable();
		*problems = (struct config_problems){0};
		*out = (struct config){.path = path_absolute(NULL, path)};
		struct source nothing = {.path = out->path, .problems = problems};
		problems_add(problems, out->path, 0, false, "the file cannot be read: %s", why);
		build_app(&nothing, app, out);
	}
	buf_release(&text);
}

void config_release(struct config *config)
{
	for (size_t i = 0; i < config->process_count; i++)
		process_release(&config->process[i]);
	free(config->process);
	free(config->path);
	free(config->name);
	free(config->own_name);
	free(config->root);
	free(config->env_file);
	free(config->state_dir);
	free(config->run_dir);
	free(config->timezone);
	strlist_release(&config->env);
	*config = (struct config){0};
}

static bool has_target(const struct config *config, const char *target)
{
	char dyno[PROCESS_NAME_MAX + 16];

	for (size_t i = 0; i < config->process_count; i++) {
		const struct process_config *process = &config->process[i];
		if (strcmp(target, process->name) == 0)
			return true;
		for (unsigned n = 1; n <= process->scale; n++) {
			snprintf(dyno, sizeof dyno, "%s.%u", process->name, n);
			if (strcmp(target, dyno) == 0)
				return true;
		}
	}
	return false;
}

static void add_types(const struct config *config, struct strlist *types)
{
	for (size_t i = 0; i < config->process_count; i++)
		strlist_add(types, config->process[i].name);
}

/* "the types are: web (2), worker (1)" */
static void tell_unknown(const struct config *config, const char *unknown, struct cause *cause)
{
	struct buf types = BUF_INIT;

	for (size_t i = 0; i < config->process_count; i++)
		buf_addf(&types, "%s %s (%u)", i > 0 ? "," : "", config->process[i].name,
			config->process[i].scale);
	cause_set(cause, "there is no dyno or process type %s; the types are:%s", unknown,
		types.len > 0 ? types.data : " none");
	buf_release(&types);
}

bool config_has_targets(
	const struct config *config, const struct strlist *targets, struct cause *cause)
{
	struct strlist types = STRLIST_INIT;
	struct buf unknown = BUF_INIT;

	add_types(config, &types);
	for (size_t i = 0; i < targets->count; i++) {
		if (has_target(config, targets->items[i]))
			continue;
		buf_adds(&unknown, unknown.len > 0 ? ", " : "");
		suggest_add_target(
			&unknown, targets->items[i], (const char *const *)types.items, types.count);
	}
	bool all = unknown.len == 0;
	if (!all)
		tell_unknown(config, unknown.data, cause);
	strlist_release(&types);
	buf_release(&unknown);
	return all;
}

/* The default .env may be missing, but a file that is named must exist: so it is named only then.
 */
static bool env_file_is_default(const struct config *config)
{
	char *usual = path_absolute(config->root, ".env");
	bool same = strcmp(usual, config->env_file) == 0;

	free(usual);
	return same;
}

void config_print(const struct config *config, FILE *out)
{
	struct config shown = *config;

	if (env_file_is_default(config))
		shown.env_file = NULL;
	fprintf(out, "# The configuration of %s, from %s\n[app]\n", config->name, config->path);
	options_print(IN_APP, &shown, out);
	for (size_t i = 0; i < config->process_count; i++) {
		fprintf(out, "\n[process %s]\n", config->process[i].name);
		options_print(IN_PROCESS, &config->process[i], out);
	}
}
