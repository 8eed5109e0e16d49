/* procstatus: see the header. */
#include "procstatus.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "utf8.h"

enum {
	USUAL = 4096, /* nearly every file is smaller */
	PIECE = 64 * 1024,
	LONGEST = 1024 * 1024 /* 65536 groups take up to 11 bytes each */
};

/* False when there is no such line. */
static bool find(const char *text, const char *key, int base, uint64_t *out)
{
	const char *line = strstr(text, key);

	if (line != NULL)
		*out = strtoull(line + strlen(key), NULL, base);
	return line != NULL;
}

static uint64_t find_number(const char *text, const char *key, uint64_t not_told)
{
	uint64_t number = not_told;

	find(text, key, 10, &number);
	return number;
}

static bool find_signals(const char *text, struct procstatus *out)
{
	uint64_t of_process;

	if (!find(text, "\nSigPnd:", 16, &out->pending) ||
		!find(text, "\nShdPnd:", 16, &of_process) ||
		!find(text, "\nSigBlk:", 16, &out->blocked) ||
		!find(text, "\nSigIgn:", 16, &out->ignored) ||
		!find(text, "\nSigCgt:", 16, &out->caught))
		return false;
	out->pending |= of_process;
	return true;
}

bool procstatus_parse(const char *text, struct procstatus *out)
{
	const char *state = strstr(text, "\nState:");

	*out = (struct procstatus){.name = "?"};
	if (state == NULL || sscanf(state, " State: %c", &out->state) != 1)
		return false;
	sscanf(text, "Name: %63[^\n]", out->name);
	utf8_make_plain(out->name);
	out->thread = (pid_t)find_number(text, "\nPid:", 0);
	out->tracer = (pid_t)find_number(text, "\nTracerPid:", 0);
	out->threads = (unsigned)find_number(text, "\nThreads:", 0);
	out->fd_size = (unsigned)find_number(text, "\nFDSize:", UINT_MAX);
	out->has_signals = find_signals(text, out);
	return true;
}

/* head is what was read of it already. */
static bool read_long(int fd, const char *head, size_t len, struct procstatus *out)
{
	struct buf text = BUF_INIT;
	ssize_t n = 1;

	buf_append(&text, head, len);
	while (n > 0 && text.len < LONGEST) {
		n = read(fd, buf_reserve(&text, PIECE), PIECE);
		text.len += n > 0 ? (size_t)n : 0;
	}
	text.data[text.len] = '\0';
	bool ok = n == 0 && procstatus_parse(text.data, out);
	buf_release(&text);
	return ok;
}

/* The kernel makes the text at the first read, and gives of it what there is room for. */
bool procstatus_read_at(int dir, const char *file, struct procstatus *out)
{
	char text[USUAL];
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	bool ok = n < (ssize_t)sizeof text - 1 ? procstatus_parse(text, out)
					       : read_long(fd, text, (size_t)n, out);
	fdio_close(&fd);
	return ok;
}

bool procstatus_read(pid_t pid, struct procstatus *out)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	return procstatus_read_at(AT_FDCWD, path, out);
}
