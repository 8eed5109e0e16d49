/*
 * probe: finds out when an instance is ready, by the way that its type is configured.
 *
 * - port: the kernel lists a listener on its port. Seen from outside, without a connection.
 * - http: then GET ready_path is answered with 200-399, by the address on which that one listens;
 *   where several do, by one of them.
 * - notify: it sends READY=1 to its own socket, as sd_notify(3) does.
 *
 * While instances boot, one shared look at the kernel's list serves all of them; when none boots
 * nothing runs.
 */
#ifndef GRACECTL_PROBE_H
#define GRACECTL_PROBE_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "app.h"
#include "config.h"
#include "instancefile.h"
#include "timers.h"

struct probe {
	struct app *app;
	const struct process_config *config;
	const char *dyno;
	uint16_t port;
	nsec_t began;	   /* monotonic */
	struct timer look; /* the next look */
	ev_io io;	   /* the HTTP connection or the notify socket */
	int fd;		   /* of io, -1: none */
	uint32_t asked;	   /* the listener that was asked last, by its inode, 0: none */
	char answer[16];   /* the beginning of the HTTP answer */
	size_t answer_len;
	char notify[INSTANCEFILE_NAME]; /* name of the notify socket below the run directory, "" for
					   none */
	uint64_t held; /* the key under which the guard holds that socket too, 0: it does not */
	bool (*owns)(void *owner, uint32_t inode); /* does this listener belong to the instance? */
	void (*ready)(void *owner);
	void *owner;
	bool foreign_told; /* somebody else listens on its port, and that was said */
};

/*
 * Prepares it. For notify it creates the socket, before the launch; or takes the one that a dead
 * supervisor has created, with what came meanwhile: the guard has handed it on. Returns 0, or -1
 * with a sentence.
 */
int probe_prepare(struct probe *probe, struct app *app, const struct process_config *config,
	const char *dyno, uint64_t launch, struct cause *cause);

/* Begins, after the launch. ready is called once at most. */
void probe_start(struct probe *probe, uint16_t port, bool (*owns)(void *owner, uint32_t inode),
	void (*ready)(void *owner), void *owner);

/* Ends it, at any time, more than once if need be. */
void probe_stop(struct probe *probe);

/* Of an instance that has ended while nobody supervised it: nobody needs to hold its socket. Looks
 * at every descriptor of ours. */
void probe_forget(struct app *app, const char *dyno, uint64_t launch);

/* Lets go of it, so that the next supervisor can go on with it: the socket stays, and is held by
 * the guard. */
void probe_release(struct probe *probe);

#endif
