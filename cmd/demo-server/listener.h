/*
 * listener: the listening socket, which the program owns itself.
 *
 * libmicrohttpd is given connections one by one instead of the socket, because a
 * graceful stop needs what only the socket's owner can do: accept everything that
 * the kernel has already completed, and only then close. Closing first would reset
 * every connection that waits in the backlog.
 */
#ifndef GRACECTL_DEMO_LISTENER_H
#define GRACECTL_DEMO_LISTENER_H

#include <stdbool.h>
#include <sys/socket.h>

#include "cause.h"

struct ev_loop;
struct listener;

/* The queue of completed connections that nobody has accepted yet. */
enum {
	LISTENER_BACKLOG = 511
};

/* A new connection: the descriptor is the callee's. */
typedef void listener_accept_fn(void *arg, int fd, const struct sockaddr *peer, socklen_t len);

/*
 * Listens on all IPv4 addresses; port 0 lets the kernel choose. Returns NULL with a sentence
 * when the port cannot be had.
 */
struct listener *listener_open(struct ev_loop *loop, int port, listener_accept_fn *accept_fn,
	void *arg, struct cause *cause);

/* The port it listens on. */
int listener_port(const struct listener *listener);

/* Leaves new connections in the backlog, or takes them again. */
void listener_pause(struct listener *listener, bool pause);

/*
 * Begins to close: nobody can begin to connect any more, everything that is in the backlog is
 * accepted, and so are the handshakes that are on their way, for some milliseconds. Then the
 * socket closes and new clients are refused. Who comes in those milliseconds is neither: its
 * kernel asks again after a second, as for a packet that was lost, and only then is it refused.
 *
 * Where there is no descriptor for one that waits, the socket stays until there is.
 */
void listener_close(struct listener *listener);

/* Closes it whoever still waits. Their number is what listener_waiting() has said before. */
void listener_give_up(struct listener *listener);

/* How many wait in the backlog of a listener that is closing; 0 of one that is not, or closed. */
unsigned listener_waiting(const struct listener *listener);

bool listener_is_closed(const struct listener *listener);

/* Frees it; closes it without accepting if that was not done. NULL does nothing. */
void listener_free(struct listener *listener);

#endif
