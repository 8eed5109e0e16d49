/* log: see the header. */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

static bool debug;

static void put(const char *level, const char *fmt, va_list ap)
{
	int saved = errno;
	char time[TIME_TEXT];
	char line[1024];

	vsnprintf(line, sizeof line, fmt, ap);
	dprintf(STDERR_FILENO, "%s gracectl[%d] %s: %s\n", time_format_log(clock_wall(), time),
		(int)getpid(), level, line);
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
