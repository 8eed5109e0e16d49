/* say: see the header. */
#include "say.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

enum {
	WAITING_MAX = 16 * 1024,
	LAST_MS = 1000
};

struct voice {
	int fd;
	FILE *stream;	      /* its lock guards the next four */
	struct ev_loop *loop; /* NULL after say_end() */
	size_t len;
	char waiting[WAITING_MAX];
	unsigned dropped; /* lines behind those that wait */
	ev_io io;	  /* of the loop's thread: while something waits */
};

static struct voice voices[] = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}};
static ev_async something_waits;

enum {
	VOICES = sizeof voices / sizeof *voices
};

/* A pipe that can be written to has room for this much. */
static bool write_piece(struct voice *voice)
{
	struct pollfd reader = {.fd = voice->fd, .events = POLLOUT};
	size_t len = voice->len < PIPE_BUF ? voice->len : PIPE_BUF;

	if (len == 0 || poll(&reader, 1, 0) <= 0)
		return false;
	ssize_t n = write(voice->fd, voice->waiting, len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* Who can be told that it cannot be written? It is as good as said. */
	size_t done = n < 0 ? voice->len : (size_t)n;
	voice->len -= done;
	memmove(voice->waiting, voice->waiting + done, voice->len);
	return true;
}

static void write_waiting(struct voice *voice)
{
	while (write_piece(voice))
		;
	if (voice->len > 0 || voice->dropped == 0)
		return;
	voice->len = (size_t)snprintf(voice->waiting, sizeof voice->waiting,
		"demo-server: %u lines that nobody has read in time are lost\n", voice->dropped);
	voice->dropped = 0;
	write_piece(voice);
}

/* What a stream writes; it is locked. */
static ssize_t write_cb(void *cookie, const char *bytes, size_t len)
{
	struct voice *voice = cookie;

	if (voice->dropped > 0 || len > sizeof voice->waiting - voice->len) {
		voice->dropped++;
	} else {
		memcpy(voice->waiting + voice->len, bytes, len);
		voice->len += len;
	}
	write_waiting(voice);
	if (voice->len > 0 && voice->loop != NULL)
		ev_async_send(voice->loop, &something_waits);
	return (ssize_t)len;
}

static void io_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
	struct voice *voice = watcher->data;
	(void)revents;

	flockfile(voice->stream);
	write_waiting(voice);
	if (voice->len == 0)
		ev_io_stop(loop, watcher);
	funlockfile(voice->stream);
}

static void async_cb(struct ev_loop *loop, ev_async *watcher, int revents)
{
	(void)watcher;
	(void)revents;
	for (size_t i = 0; i < VOICES; i++)
		ev_io_start(loop, &voices[i].io);
}

/* Line by line, so that what is dropped is a line. */
static FILE *stream_of(struct voice *voice)
{
	FILE *stream = fopencookie(voice, "w", (cookie_io_functions_t){.write = write_cb});

	if (stream == NULL)
		abort(); /* out of memory, as in xmalloc */
	setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	return stream;
}

void say_init(struct ev_loop *loop)
{
	ev_async_init(&something_waits, async_cb);
	ev_async_start(loop, &something_waits);
	for (size_t i = 0; i < VOICES; i++) {
		ev_io_init(&voices[i].io, io_cb, voices[i].fd, EV_WRITE);
		voices[i].io.data = &voices[i];
		voices[i].loop = loop;
		voices[i].stream = stream_of(&voices[i]);
	}
	stdout = voices[0].stream;
	stderr = voices[1].stream;
}

/* Writes until nothing waits, or that time has come. */
static void write_until(struct voice *voice, nsec_t end)
{
	flockfile(voice->stream);
	voice->loop = NULL;
	write_waiting(voice);
	while (voice->len > 0 && clock_mono() < end) {
		struct pollfd reader = {.fd = voice->fd, .events = POLLOUT};
		poll(&reader, 1, (int)((end - clock_mono()) / NSEC_PER_MSEC) + 1);
		write_waiting(voice);
	}
	funlockfile(voice->stream);
}

void say_end(void)
{
	nsec_t end = clock_mono() + LAST_MS * NSEC_PER_MSEC;

	for (size_t i = 0; i < VOICES; i++) {
		if (voices[i].stream == NULL)
			continue;
		fflush(voices[i].stream);
		write_until(&voices[i], end);
	}
}
