/* cause: see the header. */
#include "cause.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int cause_set(struct cause *cause, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cause->text, sizeof cause->text, fmt, ap);
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
	if (len >= 0 && len < CAUSE_MAX)
		snprintf(cause->text + len, sizeof cause->text - len, ": %s", strerror(saved));
	errno = saved;
	return -1;
}
