/* log: see the header. */
#include "log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

/* A pipe that has room at all takes a line of this length at once. */
enum {
	TEXT_MAX = 1024,
	LINE_MAX_BYTES = TEXT_MAX + 256
};
_Static_assert(LINE_MAX_BYTES < PIPE_BUF, "a line must be written whole");

static bool debug;
static unsigned long lost; /* lines, since one could be written last */

/* Whoever reads this may have stopped reading, and the dynos do not wait for that. */
static bool has_room(void)
{
	struct pollfd stderr_poll = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&stderr_poll, 1, 0) != 0;
}

static bool write_line(const char *level, const char *text)
{
	char time[TIME_TEXT], line[LINE_MAX_BYTES];

	if (!has_room())
		return false;
	int len = snprintf(line, sizeof line, "%s gracectl[%d] %s: %s\n",
		time_format_log(clock_wall(), time), (int)getpid(), level, text);
	ssize_t n = write(STDERR_FILENO, line, (size_t)len);
	(void)n; /* there is nowhere to tell it */
	return true;
}

static void tell_lost(void)
{
	char text[64];

	snprintf(text, sizeof text, "%lu lines could not be written here", lost);
	if (write_line("warning", text))
		lost = 0;
}

static void put(const char *level, const char *fmt, va_list ap)
{
	int saved = errno;
	char text[TEXT_MAX];

	vsnprintf(text, sizeof text, fmt, ap);
	if (lost > 0)
		tell_lost();
	if (lost > 0 || !write_line(level, text))
		lost++;
	errno = saved;
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("warning", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put("info", fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!debug)
		return;
	va_start(ap, fmt);
	put("debug", fmt, ap);
	va_end(ap);
}

void log_set_debug(bool on)
{
	debug = on;
}

bool log_is_debug(void)
{
	return debug;
}
