/*
 * buf: a byte buffer that grows at its end.
 *
 * data is always followed by a NUL that is not counted in len, so a buffer of
 * text can be used as a string at any time. The buffer owns data.
 */
#ifndef GRACECTL_BUF_H
#define GRACECTL_BUF_H

#include <stddef.h>

struct buf {
	char *data; /* never NULL after the first append; owned */
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
};

#define BUF_INIT ((struct buf){0})

void buf_append(struct buf *buf, const void *bytes, size_t len);
void buf_adds(struct buf *buf, const char *s);
void buf_addc(struct buf *buf, char c);
void buf_addf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for at least extra more bytes and returns where they go; the caller adds to len. */
char *buf_reserve(struct buf *buf, size_t extra);

/* Drops count bytes from the front. */
void buf_consume(struct buf *buf, size_t count);

/* Empties it, keeps the memory. */
void buf_reset(struct buf *buf);

/* Frees the memory and leaves it as BUF_INIT. */
void buf_release(struct buf *buf);

/* Hands the text to the caller, who frees it, and leaves the buffer as BUF_INIT. */
char *buf_detach(struct buf *buf);

#endif
