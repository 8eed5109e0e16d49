/* buf: see the header. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xmalloc.h"

enum {
	BUF_FIRST = 64
};

char *buf_reserve(struct buf *buf, size_t extra)
{
	size_t need = buf->len + extra + 1;

	if (need > buf->cap) {
		size_t cap = buf->cap > 0 ? buf->cap : BUF_FIRST;
		while (cap < need)
			cap *= 2;
		buf->data = xreallocarray(buf->data, cap, 1);
		buf->cap = cap;
	}
	return buf->data + buf->len;
}

void buf_append(struct buf *buf, const void *bytes, size_t len)
{
	char *end = buf_reserve(buf, len);

	if (len > 0)
		memcpy(end, bytes, len);
	end[len] = '\0';
	buf->len += len;
}

void buf_adds(struct buf *buf, const char *s)
{
	buf_append(buf, s, strlen(s));
}

void buf_addc(struct buf *buf, char c)
{
	buf_append(buf, &c, 1);
}

void buf_addf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *s = xvasprintf(fmt, ap);
	va_end(ap);
	buf_adds(buf, s);
	free(s);
}

void buf_consume(struct buf *buf, size_t count)
{
	if (count == 0)
		return;
	memmove(buf->data, buf->data + count, buf->len - count);
	buf->len -= count;
	buf->data[buf->len] = '\0';
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = BUF_INIT;
}

char *buf_detach(struct buf *buf)
{
	buf_append(buf, "", 0);
	char *data = buf->data;
	*buf = BUF_INIT;
	return data;
}
