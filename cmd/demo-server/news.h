/*
 * news: what the threads of the MongoDB driver learn of the server, told on the loop.
 *
 * The driver looks after the server every second, in threads of its own, and calls back for each
 * change it sees and for each look that fails. Here this becomes one line for each change:
 *
 *   Connected to Database (MongoDB)
 *   error in Database (MongoDB) connections: REASON
 *   Database connection disconnected
 *
 * A change that is undone before the loop turns is none.
 */
#ifndef GRACECTL_DEMO_NEWS_H
#define GRACECTL_DEMO_NEWS_H

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "cause.h"

struct news {
	pthread_mutex_t lock; /* guards heard */
	struct news_state {
		bool reachable;
		struct cause failure; /* of the latest look; "" when it has not failed */
	} heard;

	struct ev_loop *loop;
	ev_async async;		/* tells the loop that something was heard */
	struct news_state told; /* the loop's: what was heard last */
	bool error_told;	/* since the server was last reachable */
};

void news_init(struct news *news, struct ev_loop *loop);

/* No thread may call any more. */
void news_release(struct news *news);

/* Of any thread: whether there is a server that takes writes. */
void news_set_reachable(struct news *news, bool reachable);

/* Of any thread: a server could not be reached. */
void news_set_failure(struct news *news, const char *reason);

/* Of the loop's thread, as are the next ones: prints no more lines. */
void news_end(struct news *news);

/* As it was told last. */
bool news_is_reachable(const struct news *news, struct cause *why_not);

#endif
