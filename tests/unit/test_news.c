/* Which lines the changes of a database server make, and when it counts as reachable. */
#include "../../cmd/demo-server/news.h"

#include <stdlib.h>
#include <unistd.h>

#include "tap.h"

static struct news news;

/* What is printed while the loop turns once, standard output and error output alike. */
static const char *turn(void)
{
	static char text[1000];
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);

	if (file == NULL || out < 0 || err < 0)
		abort();
	fflush(stdout);
	dup2(fileno(file), STDOUT_FILENO);
	dup2(fileno(file), STDERR_FILENO);
	ev_run(EV_DEFAULT, EVRUN_NOWAIT);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	rewind(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

static const char *why_not(void)
{
	static struct cause cause;

	return news_is_reachable(&news, &cause) ? "reachable" : cause.text;
}

static void is_silent(const char *name)
{
	is_str(turn(), "", name);
}

static void at_first(void)
{
	news_init(&news, EV_DEFAULT);
	is_silent("at first there is no news");
	is_str(why_not(), "the database is not reachable: not connected", "and no database");
}

static void failures(void)
{
	news_set_failure(&news, "refused");
	is_str(turn(), "error in Database (MongoDB) connections: refused\n", "a failure is told");
	is_str(why_not(), "the database is not reachable: refused", "to who asks, too");
	news_set_failure(&news, "refused");
	is_silent("the next one is no news");
	news_set_failure(&news, "timed out");
	is_silent("nor is one with another reason");
	is_str(why_not(), "the database is not reachable: timed out",
		"but who asks gets the latest");
}

static void changes(void)
{
	news_set_reachable(&news, true);
	is_str(turn(), "Connected to Database (MongoDB)\n", "that it is there is told");
	is_str(why_not(), "reachable", "it is reachable then");
	news_set_reachable(&news, true);
	is_silent("that it still is, is no news");
	news_set_failure(&news, "of another member");
	is_silent("nor is another server's failure, while one takes writes");
	is_str(why_not(), "reachable", "and it is still reachable");
	news_set_reachable(&news, true);
	is_silent("nothing is told later either");
	news_set_failure(&news, "reset");
	news_set_reachable(&news, false);
	is_str(turn(),
		"error in Database (MongoDB) connections: reset\nDatabase connection "
		"disconnected\n",
		"a loss is told with its reason");
	news_set_reachable(&news, true);
	news_set_reachable(&news, false);
	is_silent("a change that is undone before the loop turns is none");
	news_set_reachable(&news, true);
	is_str(turn(), "Connected to Database (MongoDB)\n", "it is there again");
	news_set_reachable(&news, false);
	is_str(turn(), "Database connection disconnected\n", "a loss without a reason yet");
	is_str(why_not(), "the database is not reachable: not connected", "has none to tell");
	news_set_failure(&news, "refused");
	is_str(turn(), "error in Database (MongoDB) connections: refused\n", "it comes later");
}

static void the_end(void)
{
	news_end(&news);
	news_set_reachable(&news, true);
	is_silent("after the end nothing is told");
	news_release(&news);
}

int main(void)
{
	at_first();
	failures();
	changes();
	the_end();
	return tap_done();
}
