/* Unit tests of log: a stderr that nobody reads holds nobody up. */
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "tap.h"

enum {
	LINES = 5000,
	TEXT_SIZE = 1 << 20
};

static char text[TEXT_SIZE];
static int ends[2];

static const char *read_all(void)
{
	ssize_t n = read(ends[0], text, sizeof text - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static unsigned count_lines(const char *at)
{
	unsigned count = 0;

	for (; (at = strchr(at, '\n')) != NULL; at++)
		count++;
	return count;
}

int main(void)
{
	char expected[64];

	if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return 1;
	alarm(20);
	log_warn("one");
	ok(strstr(read_all(), " warning: one\n") != NULL, "a line is written");
	for (int i = 0; i < LINES; i++)
		log_warn("line %d", i);
	unsigned written = count_lines(read_all());
	ok(written > 0 && written < LINES, "what a full pipe does not take is not waited for");
	ok(text[strlen(text) - 1] == '\n', "no line is written by half");
	log_warn("two");
	snprintf(
		expected, sizeof expected, "%u lines could not be written here\n", LINES - written);
	ok(strstr(read_all(), expected) != NULL, "how many are missing is told when there is room");
	ok(strstr(text, " warning: two\n") != NULL, "and the log goes on");
	log_warn("three");
	is_int(count_lines(read_all()), 1, "without telling it again");
	return tap_done();
}
