/*
 * mklog: makes a state directory with logs from a script on stdin, for tests of `gracectl logs` and
 * `events`.
 *
 * usage: mklog STATE_DIR [PIECE_SIZE]
 *
 *   TIME out DYNO LAUNCH TEXT              one batch of output; \n, \r, \t, \\ and \xHH in TEXT are
 * what they are in C TIME event DYNO LAUNCH KIND KEY=VALUE|KEY=VALUE...     DYNO "-": an event
 * without dyno
 *
 * TIME is as for --since, or "now".
 */
#include <stdio.h>

#include "buf.h"
#include "logrig.h"

static void fail(const char *what, const char *which)
{
	fprintf(stderr, "mklog: %s: %s\n", what, which);
	exit(1);
}

static nsec_t read_time(const char *text)
{
	struct cause cause;
	nsec_t wall;

	if (strcmp(text, "now") == 0)
		return clock_wall();
	if (time_parse(text, clock_wall(), &wall, &cause) < 0)
		fail("time", cause.text);
	return wall;
}

static void unescape(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		unsigned code;
		if (*text != '\\') {
			buf_addc(out, *text);
		} else if (*++text == 'x' && sscanf(text + 1, "%2x", &code) == 1) {
			buf_addc(out, (char)code);
			text += 2;
		} else {
			buf_addc(out, *text == 'n'   ? '\n'
				      : *text == 'r' ? '\r'
				      : *text == 't' ? '\t'
						     : *text);
		}
	}
}

static void write_output(
	struct logrig *rig, nsec_t wall, const char *dyno, uint64_t launch, const char *text)
{
	struct buf out = BUF_INIT;

	unescape(text, &out);
	logrig_output_bytes(rig, dyno, launch, wall, out.data, out.len);
	buf_release(&out);
}

static void write_event(
	struct logrig *rig, nsec_t wall, const char *dyno, uint64_t launch, char *rest)
{
	struct cause cause;
	struct event event;
	char *name = strsep(&rest, " ");
	int kind = event_kind_find(name);
	struct journal *journal = journal_open(rig->dir, &cause);

	if (kind < 0)
		fail("unknown kind", name);
	if (journal == NULL)
		fail("journal", cause.text);
	event_begin(
		&event, (enum event_kind)kind, wall, strcmp(dyno, "-") == 0 ? NULL : dyno, launch);
	for (char *key; (key = strsep(&rest, "|")) != NULL;) {
		char *end, *value = strchr(key, '=');
		if (value == NULL)
			fail("no value", key);
		*value++ = '\0';
		long long number = strtoll(value, &end, 10);
		if (*value != '\0' && *end == '\0')
			event_int(&event, key, number);
		else
			event_str(&event, key, value);
	}
	if (journal_write(journal, &event, &cause) < 0)
		fail("journal", cause.text);
	event_release(&event);
	journal_close(journal);
}

static void obey(struct logrig *rig, char *line)
{
	const char *time = strsep(&line, " "), *what = strsep(&line, " ");
	const char *dyno = strsep(&line, " "), *launch = strsep(&line, " ");

	if (line == NULL)
		fail("too short", time);
	if (strcmp(what, "out") == 0)
		write_output(rig, read_time(time), dyno, strtoull(launch, NULL, 10), line);
	else
		write_event(rig, read_time(time), dyno, strtoull(launch, NULL, 10), line);
}

int main(int argc, char **argv)
{
	struct logrig rig = {.piece = argc > 2 ? strtoull(argv[2], NULL, 10) : 1 << 20};
	struct cause cause;
	char path[256], *line = NULL;
	size_t room = 0;

	if (argc < 2 || strlen(argv[1]) >= sizeof rig.dir)
		fail("usage", "mklog STATE_DIR [PIECE_SIZE] (the path has less than 200 bytes)");
	strcpy(rig.dir, argv[1]);
	snprintf(path, sizeof path, "%s/log", rig.dir);
	if (fdio_make_dirs(path, &cause) < 0)
		fail("directory", cause.text);
	rig.log_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (line[0] != '\0' && line[0] != '#')
			obey(&rig, line);
	}
	free(line);
	close(rig.log_dir);
	return 0;
}
