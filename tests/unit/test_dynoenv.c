/* Unit tests of dynoenv: what an instance finds in its environment, and how its command is shown.
 */
#include <stdlib.h>

#include "dynoenv.h"
#include "tap.h"

static void shows(const char *command, uint16_t port, const char *expected, const char *name)
{
	char *text = dynoenv_show_command(command, port);

	is_str(text, expected, name);
	free(text);
}

static void test_show(void)
{
	shows("server -p $PORT", 80, "server -p 80", "$PORT is shown as its number");
	shows("server ${PORT}0 $PORT-1", 80, "server 800 80-1", "with braces, and before a sign");
	shows("run $PORT_FILE $PORTS $PORT1", 80, "run $PORT_FILE $PORTS $PORT1",
		"other variables that begin so are left alone");
	shows("server $PORT", 0, "server $PORT", "without a port nothing is replaced");
}

static void test_user(void)
{
	struct app app = {0};
	struct strlist env = STRLIST_INIT;
	struct process_config config = {
		.user = "1000", .user_name = "nobody-of-that-name", .home = "/far/away"};

	strlist_setenv(&app.env, "HOME", "/root");
	dynoenv_make(&env, &app, &config, "web.1", "mark", 0, NULL);
	is_str(strlist_getenv(&env, "USER"), "nobody-of-that-name",
		"the user is that of the configuration");
	is_str(strlist_getenv(&env, "LOGNAME"), "nobody-of-that-name", "by both names");
	is_str(strlist_getenv(&env, "HOME"), "/far/away", "and so is the home");
	strlist_release(&env);
	strlist_release(&app.env);
}

int main(void)
{
	test_show();
	test_user();
	return tap_done();
}
