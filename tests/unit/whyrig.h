/*
 * whyrig: children that do something, made to be the process of an instance, and what is said of
 * them when it is asked what holds their stop up.
 */
#ifndef GRACECTL_TESTS_WHYRIG_H
#define GRACECTL_TESTS_WHYRIG_H

#include <fcntl.h>
#include <stdlib.h>

#include "children.h"
#include "ladder.h"
#include "tap.h"
#include "why.h"

static struct app app;
static struct process_config config;
static struct instance instance;
static struct tree tree;
static struct why why;

static inline bool has(const char *text, const char *part)
{
	if (strstr(text, part) != NULL)
		return true;
	printf("# \"%s\" does not stand in \"%s\"\n", part, text);
	return false;
}

/* ---- children ---- */

/* What a child does before it tells that it is ready, and after. */
struct act {
	void (*prepare)(void);
	void (*live)(void);
};

/* Forks a session of its own; returns when it has prepared itself. */
static inline pid_t begin(struct act act)
{
	int ready[2];
	char byte;

	if (pipe2(ready, O_CLOEXEC) < 0)
		bail_out("no pipe");
	pid_t pid = fork_child();
	if (pid == 0) {
		setsid();
		if (act.prepare != NULL)
			act.prepare();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		if (act.live != NULL)
			act.live();
		wait_forever();
	}
	close(ready[1]);
	read_exactly(ready[0], &byte, 1);
	close(ready[0]);
	return pid;
}

/* Makes the instance one that is that process, on the first rung of a ladder, or before it. */
static inline void adopt(pid_t pid, bool stopping, const char *ladder)
{
	struct cause cause;

	memset(&instance, 0, sizeof instance);
	if (ladder_parse(ladder, &config.stop, &cause) < 0)
		bail_out(cause.text);
	instance.config = &config;
	snprintf(instance.dyno, sizeof instance.dyno, "web.1");
	instance_restore(&instance, stopping ? INSTANCE_STOPPING : INSTANCE_UP);
	instance.rung = stopping;
	instance.stop_began = clock_mono();
	tree_release(&tree);
	tree = (struct tree){.app = &app, .mark = strdup("shop/web.1/1")};
	if (!proc_identify(pid, &tree.main))
		bail_out("the child is gone");
	instance.main = tree.main;
}

static inline void look(const uint16_t *ports, size_t port_count)
{
	app_tree_expire(&app);
	app.turn_began = clock_mono();
	why_look(&why, &app, &tree, &instance, ports, port_count);
}

/* What is said of the n-th process; good until the next call. */
static inline const char *said_of(unsigned n)
{
	static struct buf text;

	buf_reset(&text);
	buf_adds(&text, "");
	if (n < why.shown)
		why_describe(&why.processes[n], &text);
	return text.len > 0 ? text.data : "";
}

static inline const char *said(void)
{
	look(NULL, 0);
	return said_of(0);
}

static inline void begin_rig(void)
{
	limit_patience();
	if (netwatch_open(&app.net) < 0)
		bail_out("no view of the sockets");
	TAILQ_INIT(&app.observers);
}

static inline int end_rig(void)
{
	tree_release(&tree);
	proctree_release(&app.tree);
	netsock_release(&app.sockets);
	netwatch_close(&app.net);
	return tap_done();
}

#endif
