/* config-types: see the header. */
#include "config-types.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config-env.h"
#include "xmalloc.h"

const char *const ready_names[] = {"none", "port", "http", "notify", NULL};
const char *const order_names[] = {"overlap", "stop-first", "start-first", NULL};
const char *const stop_to_names[] = {"all", "main", NULL};

static_assert(
	sizeof(enum stop_to) == sizeof(unsigned) && sizeof(enum restart_order) == sizeof(unsigned),
	"parse_enum() writes an enumeration as an unsigned int");

static void *field_of(const struct config_option *option, void *object)
{
	return (char *)object + option->offset;
}

static const void *value_of(const struct config_option *option, const void *object)
{
	return (const char *)object + option->offset;
}

static void replace_string(char **field, const char *text)
{
	free(*field);
	*field = text != NULL ? xstrdup(text) : NULL;
}

/*
 * Texts, words and paths
 */

static int parse_text(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	if (setting->value[0] == '\0')
		return cause_set(cause, "\"\" is empty; write %s", option->syntax);
	replace_string(field_of(option, object), setting->value);
	return 0;
}

static void print_text(const struct config_option *option, const void *object, FILE *out)
{
	const char *const *text = value_of(option, object);

	if (*text != NULL)
		fprintf(out, "%s = %s\n", option->key, *text);
}

const struct option_type type_text = {parse_text, print_text};

/* Paths are made absolute when all sections have been read, see config-paths.h. */
static int parse_path(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	if (strlen(setting->value) >= PATH_MAX)
		return cause_set(cause, "\"%.40s...\" is too long a path; %d bytes are allowed",
			setting->value, PATH_MAX - 1);
	if (strncmp(setting->value, "~/", 2) == 0)
		return cause_set(cause,
			"\"%.80s\": \"~\" has no meaning here; write the directory in full",
			setting->value);
	return parse_text(option, setting, object, cause);
}

const struct option_type type_path = {parse_path, print_text};

static int parse_app_name(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	if (!app_name_is_valid(setting->value))
		return cause_set(cause,
			"\"%.80s\" is not the name of an application; it has 1 to %d letters, "
			"digits, \"-\", \"_\" or \".\" and begins with a letter or digit",
			setting->value, PROCESS_NAME_MAX);
	return parse_text(option, setting, object, cause);
}

const struct option_type type_app_name = {parse_app_name, print_text};

/* Writes "a, b or c". */
static void list_words(const char *const *words, char *text, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; words[i] != NULL && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%s",
			i == 0		       ? ""
			: words[i + 1] != NULL ? ", "
					       : " or ",
			words[i]);
}

static int parse_enum(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	char words[80];

	for (int i = 0; option->words[i] != NULL; i++)
		if (strcmp(option->words[i], setting->value) == 0) {
			/* Enumerations are unsigned int in the ABI that we build for. */
			*(unsigned *)field_of(option, object) = (unsigned)i;
			return 0;
		}
	list_words(option->words, words, sizeof words);
	return cause_set(cause, "\"%.80s\" is not %s", setting->value, words);
}

static void print_enum(const struct config_option *option, const void *object, FILE *out)
{
	const unsigned *value = value_of(option, object);

	fprintf(out, "%s = %s\n", option->key, option->words[*value]);
}

const struct option_type type_enum = {parse_enum, print_enum};

/*
 * Numbers, sizes, durations
 */

/* Reads digits of a base and nothing else. Returns the end of the number, or NULL. */
static const char *read_number(const char *text, int base, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	unsigned long long value = strtoull(text, &end, base);
	if (errno != 0)
		return NULL;
	*out = value;
	return end;
}

static bool in_range(const struct config_option *option, uint64_t value)
{
	return (option->zero && value == 0) ||
	       (value >= (uint64_t)option->min && value <= (uint64_t)option->max);
}

static int parse_count(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	uint64_t value;
	const char *end = read_number(setting->value, 10, &value);

	if (end == NULL || *end != '\0' || !in_range(option, value))
		return cause_set(cause,
			"\"%.80s\" is not a whole number from %" PRId64 " to %" PRId64,
			setting->value, option->min, option->max);
	*(unsigned *)field_of(option, object) = (unsigned)value;
	return 0;
}

static void print_count(const struct config_option *option, const void *object, FILE *out)
{
	fprintf(out, "%s = %u\n", option->key, *(const unsigned *)value_of(option, object));
}

const struct option_type type_count = {parse_count, print_count};

static int parse_umask(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	uint64_t value;
	const char *end = read_number(setting->value, 8, &value);

	if (end == NULL || *end != '\0' || !in_range(option, value))
		return cause_set(cause,
			"\"%.80s\" is not an octal number from 000 to 777; write for example 022",
			setting->value);
	*(mode_t *)field_of(option, object) = (mode_t)value;
	return 0;
}

static void print_umask(const struct config_option *option, const void *object, FILE *out)
{
	fprintf(out, "%s = %03o\n", option->key,
		(unsigned)*(const mode_t *)value_of(option, object));
}

const struct option_type type_umask = {parse_umask, print_umask};

static const char size_units[] = "kMGT";

enum {
	SIZE_TEXT = 24
};

static const char *size_format(uint64_t bytes, char text[static SIZE_TEXT])
{
	int unit = -1;

	while (bytes > 0 && bytes % 1024 == 0 && size_units[unit + 1] != '\0') {
		bytes /= 1024;
		unit++;
	}
	int len = snprintf(text, SIZE_TEXT, "%" PRIu64, bytes);
	if (unit >= 0)
		snprintf(text + len, SIZE_TEXT - (size_t)len, "%c", size_units[unit]);
	return text;
}

/* The power of two that a unit stands for, in either case; 0 when it is none. */
static int unit_shift(char letter)
{
	for (int i = 0; size_units[i] != '\0'; i++)
		if (toupper((unsigned char)letter) == toupper((unsigned char)size_units[i]))
			return 10 * (i + 1);
	return 0;
}

static int parse_size(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	uint64_t value;
	const char *end = read_number(setting->value, 10, &value);
	int shift = end != NULL ? unit_shift(*end) : 0;
	char min[SIZE_TEXT], max[SIZE_TEXT];

	if (shift > 0)
		end++;
	if (end == NULL || *end != '\0')
		return cause_set(cause,
			"\"%.80s\" is not a size; write bytes, or a number with k, M, G or T, such "
			"as 64M",
			setting->value);
	if (value > UINT64_MAX >> shift || !in_range(option, value << shift))
		return cause_set(cause, "\"%.80s\" is out of range; %s to %s are allowed",
			setting->value, size_format((uint64_t)option->min, min),
			size_format((uint64_t)option->max, max));
	*(uint64_t *)field_of(option, object) = value << shift;
	return 0;
}

static void print_size(const struct config_option *option, const void *object, FILE *out)
{
	char text[SIZE_TEXT];

	fprintf(out, "%s = %s\n", option->key,
		size_format(*(const uint64_t *)value_of(option, object), text));
}

const struct option_type type_size = {parse_size, print_size};

static int read_duration(
	const struct config_option *option, const char *text, nsec_t *out, struct cause *cause)
{
	char min[DURATION_TEXT], max[DURATION_TEXT];

	if (duration_parse(text, out, cause) < 0)
		return -1;
	if (!in_range(option, (uint64_t)*out))
		return cause_set(cause, "\"%.80s\" is out of range; %s%s to %s are allowed", text,
			option->zero ? "0 (never) or " : "", duration_format(option->min, min),
			duration_format(option->max, max));
	return 0;
}

static int parse_duration(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	nsec_t value;

	if (read_duration(option, setting->value, &value, cause) < 0)
		return -1;
	*(nsec_t *)field_of(option, object) = value;
	return 0;
}

static void print_duration(const struct config_option *option, const void *object, FILE *out)
{
	char text[DURATION_TEXT];

	fprintf(out, "%s = %s\n", option->key,
		duration_format(*(const nsec_t *)value_of(option, object), text));
}

const struct option_type type_duration = {parse_duration, print_duration};

/*
 * Types of a single option, which may set more than one field
 */

static int parse_env(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	const char *key = setting->key + strlen("env.");

	if (!env_key_is_valid(key))
		return cause_set(cause,
			"\"%.80s\" cannot be the name of a variable; it has letters, digits, "
			"\"_\", \".\" and \"-\" and begins with a letter or \"_\"",
			key);
	strlist_setenv(field_of(option, object), key, setting->value);
	return 0;
}

static void print_env(const struct config_option *option, const void *object, FILE *out)
{
	const struct strlist *env = value_of(option, object);

	for (size_t i = 0; i < env->count; i++) {
		int key = (int)strcspn(env->items[i], "=");

		fprintf(out, "env.%.*s = %s\n", key, env->items[i], env->items[i] + key + 1);
	}
}

const struct option_type type_env = {parse_env, print_env};

static int parse_port(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	struct process_config *process = object;
	uint64_t value = 0;
	enum port_kind kind = PORT_FIXED;

	if (strcmp(setting->value, "auto") == 0)
		kind = PORT_AUTO;
	else if (strcmp(setting->value, "none") == 0)
		kind = PORT_NONE;
	else {
		const char *end = read_number(setting->value, 10, &value);

		if (end == NULL || *end != '\0' || !in_range(option, value))
			return cause_set(cause,
				"\"%.80s\" is not auto, none or a port from 1 to 65535",
				setting->value);
	}
	process->port_kind = kind;
	process->port = (uint16_t)value;
	return 0;
}

static void print_port(const struct config_option *option, const void *object, FILE *out)
{
	const struct process_config *process = object;

	if (process->port_kind == PORT_FIXED)
		fprintf(out, "%s = %u\n", option->key, process->port);
	else
		fprintf(out, "%s = %s\n", option->key,
			process->port_kind == PORT_AUTO ? "auto" : "none");
}

const struct option_type type_port = {parse_port, print_port};

/* True for what may stand in a request line: printable ASCII without blanks. */
static bool ready_path_is_valid(const char *path)
{
	size_t len = 0;

	while (path[len] > ' ' && path[len] < '\x7f')
		len++;
	return path[0] == '/' && path[len] == '\0' && len <= READY_PATH_MAX;
}

static int parse_ready(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	struct process_config *process = object;
	const char *text = setting->value;
	const char *path = strncmp(text, "http:", 5) == 0 ? text + 5 : NULL;
	unsigned kind = READY_NONE;

	while (option->words[kind] != NULL && strcmp(option->words[kind], text) != 0)
		kind++;
	if (path != NULL)
		kind = READY_HTTP;
	if (option->words[kind] == NULL || (kind == READY_HTTP && path == NULL) ||
		(path != NULL && !ready_path_is_valid(path)))
		return cause_set(cause,
			"\"%.80s\" is not none, port, notify or http:/PATH; write for example "
			"http:/healthz",
			text);
	process->ready = (enum ready_kind)kind;
	replace_string(&process->ready_path, path);
	return 0;
}

static void print_ready(const struct config_option *option, const void *object, FILE *out)
{
	const struct process_config *process = object;
	bool http = process->ready == READY_HTTP;

	fprintf(out, "%s = %s%s%s\n", option->key, option->words[process->ready], http ? ":" : "",
		http ? process->ready_path : "");
}

const struct option_type type_ready = {parse_ready, print_ready};

static int parse_stop(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	return ladder_parse(setting->value, field_of(option, object), cause);
}

static void print_stop(const struct config_option *option, const void *object, FILE *out)
{
	char text[LADDER_TEXT];

	fprintf(out, "%s = %s\n", option->key, ladder_format(value_of(option, object), text));
}

const struct option_type type_stop = {parse_stop, print_stop};

/* Short for another first wait of the ladder; printed as part of it. */
static int parse_stop_timeout(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	struct ladder *ladder = field_of(option, object);
	nsec_t wait;

	if (strcmp(setting->value, "forever") == 0)
		wait = LADDER_FOREVER;
	else if (read_duration(option, setting->value, &wait, cause) < 0)
		return -1;
	ladder->rung[0].wait = wait;
	return 0;
}

static void print_nothing(const struct config_option *option, const void *object, FILE *out)
{
	(void)option, (void)object, (void)out;
}

const struct option_type type_stop_timeout = {parse_stop_timeout, print_nothing};

static int parse_backoff(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	return backoff_parse(setting->value, field_of(option, object), cause);
}

static void print_backoff(const struct config_option *option, const void *object, FILE *out)
{
	char text[BACKOFF_TEXT];

	fprintf(out, "%s = %s\n", option->key, backoff_format(value_of(option, object), text));
}

const struct option_type type_backoff = {parse_backoff, print_backoff};

static int parse_restart_at(const struct config_option *option, const struct setting *setting,
	void *object, struct cause *cause)
{
	struct process_config *process = object;
	struct cron cron = {0};
	bool none = strcmp(setting->value, "none") == 0;

	(void)option;
	if (!none && cron_parse(setting->value, &cron, cause) < 0)
		return -1;
	if (!none && cron_next(&cron, clock_wall() / NSEC_PER_SEC) == -1)
		return cause_set(cause,
			"\"%.80s\" is never due within the next 8 years; write for example 30 4 * "
			"* *",
			setting->value);
	process->restart_at = cron;
	replace_string(&process->restart_at_text, none ? NULL : setting->value);
	return 0;
}

const struct option_type type_restart_at = {parse_restart_at, print_text};
