/* Tests of spawn: which commands are executed as they are, and which need a shell. */
#include "spawn.h"

#include "tap.h"

static void test_needs_shell(void)
{
	static const char *const direct[] = {"node server.js", "  sleep   10 ",
		"/usr/bin/x -a --b c,d:e@f+g", "a/b.c_d-e", "exit-code 1", "cdx", "setter x"};
	static const char *const shell[] = {"a | b", "a && b", "a; b", "echo $PORT", "echo `x`",
		"a > b", "a < b", "echo 'x'", "echo \"x\"", "echo a\\ b", "ls *.c", "ls ?",
		"ls [a]", "# x", "cd ~", "A=1 b", "echo 100%", "! x", "{ x; }", "(x)",
		"exec node x", "cd x", " . ./x", "export X", ":", "umask", "ulimit -n", "set -e"};
	char name[80];

	for (size_t i = 0; i < sizeof direct / sizeof *direct; i++) {
		snprintf(name, sizeof name, "`%s` is executed directly", direct[i]);
		ok(!spawn_needs_shell(direct[i]), name);
	}
	for (size_t i = 0; i < sizeof shell / sizeof *shell; i++) {
		snprintf(name, sizeof name, "`%s` needs a shell", shell[i]);
		ok(spawn_needs_shell(shell[i]), name);
	}
	ok(spawn_needs_shell("a\nb"), "two lines need a shell");
}

int main(void)
{
	test_needs_shell();
	return tap_done();
}
