/* options-ini: see the header. */
#include "options-ini.h"

#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdio.h"
#include "xmalloc.h"

static const char section_name[] = "demo-server";

struct ini_reader_state {
	const char *path;
	const char *at; /* what is not yet read of the text */
	int line;	/* of the last line that was read */
	bool failed;	/* the cause is filled */
	ini_setting_fn *take;
	void *arg;
	struct cause *cause;
};

static void fail(struct ini_reader_state *state, const char *what)
{
	if (!state->failed)
		cause_set(state->cause, "%s:%d: %s", state->path, state->line, what);
	state->failed = true;
}

/* inih's way to ask for a line, without its end. It does not tell its handler the line's number. */
static char *next_line_cb(char *to, int size, void *stream)
{
	struct ini_reader_state *state = stream;
	size_t len = strcspn(state->at, "\n");

	if (*state->at == '\0' || state->failed)
		return NULL;
	state->line++;
	if (len > INI_LINE_LENGTH_MAX) {
		fail(state, "the line is too long; at most 4096 characters are taken");
		return NULL;
	}
	snprintf(to, (size_t)size, "%.*s", (int)len, state->at);
	state->at += len + (state->at[len] == '\n');
	return to;
}

static int setting_cb(void *user, const char *section, const char *key, const char *value)
{
	struct ini_reader_state *state = user;

	if (strcmp(section, section_name) != 0) {
		fail(state, section[0] == '\0'
				    ? "the settings must stand below the line [demo-server]"
				    : "the section is unknown; there is only [demo-server]");
		return 0;
	}
	char *where = xasprintf("%s:%d", state->path, state->line);
	state->failed = state->take(state->arg, where, key, value, state->cause) < 0;
	free(where);
	return !state->failed;
}

static int parse(struct ini_reader_state *state)
{
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_initial_alloc = ini_max_line = INI_LINE_LENGTH_MAX + 2;
	int result = ini_parse_stream(next_line_cb, state, setting_cb, state);
	if (result > 0)
		fail(state, "the line is neither a section nor KEY = VALUE");
	else if (result < 0)
		fail(state, "there is not enough memory to read on");
	return state->failed ? -1 : 0;
}

int ini_load(const char *path, ini_setting_fn *take, void *arg, struct cause *cause)
{
	struct buf text = BUF_INIT;
	struct ini_reader_state state = {
		.path = path,
		.take = take,
		.arg = arg,
		.cause = cause,
	};
	int result;

	buf_adds(&text, "");
	if (fdio_read_file(path, INI_FILE_MAX, &text) < 0)
		result = cause_errno(cause, "cannot read %s", path);
	else if (memchr(text.data, '\0', text.len) != NULL)
		result = cause_set(cause, "%s is not a text file", path);
	else {
		state.at = text.data;
		result = parse(&state);
	}
	buf_release(&text);
	return result;
}
