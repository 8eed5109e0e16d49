/* cause: see the header. */
#include "cause.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Too long a text ends with its last whole character. */
static void end_whole(struct cause *cause, int len)
{
	if (len >= CAUSE_MAX)
		cause->text[utf8_whole(cause->text, CAUSE_MAX - 1)] = '\0';
}

int cause_set(struct cause *cause, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_whole(cause, vsnprintf(cause->text, sizeof cause->text, fmt, ap));
	va_end(ap);
	return -1;
}

int cause_errno(struct cause *cause, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	int len = vsnprintf(cause->text, sizeof cause->text, fmt, ap);
	va_end(ap);
	end_whole(cause, len);
	if (len >= 0 && len < CAUSE_MAX)
		snprintf(cause->text + len, sizeof cause->text - len, ": %s", strerror(saved));
	errno = saved;
	return -1;
}
