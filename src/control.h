/*
 * control: the socket on which the supervisor is spoken to.
 *
 * RUN_DIR/control.sock, mode 0600; besides, the kernel says who is at the other end, and only our
 * own user and root are heard. A request that takes time is parked, not polled: it waits for the
 * dynos it concerns and is answered when the last of them has got there.
 */
#ifndef GRACECTL_CONTROL_H
#define GRACECTL_CONTROL_H

#include "cause.h"
#include "supervisor.h"

struct control;

/* Listens. Returns NULL with a sentence on failure. The supervisor must hold its lock: a socket
 * left by a dead one is replaced. */
struct control *control_open(struct supervisor *supervisor, struct cause *cause);
void control_close(struct control *control);

#endif
