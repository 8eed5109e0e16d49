/* Tests of door: a run directory that was removed and cannot be made anew. */
#include "door.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "children.h"
#include "tap.h"
#include "warnings.h"
#include "xmalloc.h"

static struct app app;
static struct door door;

/* As the timer has it look. */
static void look(void)
{
	ev_timer_stop(app.loop, &door.look);
	ev_invoke(app.loop, &door.look, EV_TIMER);
}

static void renewed(void *arg)
{
	(void)arg;
}

static const struct door_ops ops = {.renewed = renewed};

static void open_door(const char *dir, struct config *config)
{
	struct cause cause;

	*config = (struct config){.name = (char *)"shop",
		.run_dir = xasprintf("%s/run", dir),
		.state_dir = xasprintf("%s/state", dir)};
	if (app_open(&app, ev_loop_new(EVFLAG_AUTO), config, &cause) < 0 ||
		door_open(&door, &app, &ops, NULL, &cause) < 0)
		bail_out(cause.text);
}

/* Its place is taken by a file, so not even root can make it. */
static void put_file_there(const char *run_dir)
{
	unlink(door.path);
	rmdir(run_dir);
	close(open(run_dir, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
}

static void test_trouble(const char *run_dir)
{
	struct warnings warnings = warnings_begin();

	put_file_there(run_dir);
	look();
	ok(warnings_tell(&warnings, "/run is not a directory"),
		"it is told why the directory cannot be made");
	look();
	ok(!warnings_come(&warnings), "and not once more");
	unlink(run_dir);
	if (symlink("missing", run_dir) < 0)
		bail_out("no symbolic link");
	look();
	ok(warnings_tell(&warnings, "cannot look at"), "but another reason is");
	unlink(run_dir);
	look();
	ok(!warnings_come(&warnings) && access(door.path, F_OK) == 0,
		"when it can be made the socket is there again");
	put_file_there(run_dir);
	look();
	ok(warnings_tell(&warnings, "/run is not a directory"), "the next trouble is told again");
	unlink(run_dir);
	warnings_end(&warnings);
}

static void close_door(struct config *config)
{
	struct ev_loop *loop = app.loop;

	door_close(&door);
	app_close(&app);
	ev_loop_destroy(loop);
	free(config->run_dir);
	free(config->state_dir);
}

int main(void)
{
	char dir[] = "/tmp/gracectl-test-door-XXXXXX";
	struct config config;

	limit_patience();
	if (mkdtemp(dir) == NULL)
		bail_out("no directory");
	open_door(dir, &config);
	test_trouble(config.run_dir);
	close_door(&config);
	char *command = xasprintf("rm -r %s", dir);
	int status = system(command);
	free(command);
	return status != 0 ? status : tap_done();
}
