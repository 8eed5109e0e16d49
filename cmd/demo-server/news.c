/* news: see the header. */
#include "news.h"

#include <stdio.h>

static void tell(struct news *news, const struct news_state *heard)
{
	bool failed = heard->failure.text[0] != '\0';

	/* While there is a server that takes writes, the failure of another one is no news. */
	if (!heard->reachable && failed && !news->error_told)
		fprintf(stderr, "error in Database (MongoDB) connections: %s\n",
			heard->failure.text);
	if (heard->reachable != news->told.reachable)
		puts(heard->reachable ? "Connected to Database (MongoDB)"
				      : "Database connection disconnected");
	news->error_told = !heard->reachable && (failed || news->error_told);
	news->told = *heard;
}

static void async_cb(struct ev_loop *loop, ev_async *watcher, int revents)
{
	struct news *news = watcher->data;
	(void)loop;
	(void)revents;

	pthread_mutex_lock(&news->lock);
	struct news_state heard = news->heard;
	pthread_mutex_unlock(&news->lock);
	tell(news, &heard);
}

void news_init(struct news *news, struct ev_loop *loop)
{
	*news = (struct news){.loop = loop};
	pthread_mutex_init(&news->lock, NULL);
	ev_async_init(&news->async, async_cb);
	news->async.data = news;
	ev_async_start(loop, &news->async);
}

void news_release(struct news *news)
{
	news_end(news);
	pthread_mutex_destroy(&news->lock);
}

void news_set_reachable(struct news *news, bool reachable)
{
	pthread_mutex_lock(&news->lock);
	bool changed = reachable != news->heard.reachable;
	news->heard.reachable = reachable;
	if (reachable)
		cause_set(&news->heard.failure, "%s", "");
	pthread_mutex_unlock(&news->lock);
	if (changed)
		ev_async_send(news->loop, &news->async);
}

void news_set_failure(struct news *news, const char *reason)
{
	pthread_mutex_lock(&news->lock);
	cause_set(&news->heard.failure, "%s", reason);
	pthread_mutex_unlock(&news->lock);
	ev_async_send(news->loop, &news->async);
}

void news_end(struct news *news)
{
	ev_async_stop(news->loop, &news->async);
}

bool news_is_reachable(const struct news *news, struct cause *why_not)
{
	const struct news_state *told = &news->told;

	if (!told->reachable)
		cause_set(why_not, "the database is not reachable: %s",
			told->failure.text[0] != '\0' ? told->failure.text : "not connected");
	return told->reachable;
}
