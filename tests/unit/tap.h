/*
 * tap: the few lines that a unit test needs. A test program calls checks and ends
 * with `return tap_done();`. Output is TAP, so that bats' neighbours can count it.
 * A failing check prints where it stands, what was expected and what was found.
 */
#ifndef GRACECTL_TAP_H
#define GRACECTL_TAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int tap_count;
static int tap_failed;

static inline bool tap_result(bool ok, const char *name, const char *file, int line)
{
	tap_count++;
	printf("%sok %d - %s\n", ok ? "" : "not ", tap_count, name);
	if (!ok) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	return ok;
}

static inline void tap_int(
	int64_t got, int64_t expected, const char *name, const char *file, int line)
{
	if (!tap_result(got == expected, name, file, line))
		printf("#   expected %lld\n#   got      %lld\n", (long long)expected,
			(long long)got);
}

static inline void tap_str(
	const char *got, const char *expected, const char *name, const char *file, int line)
{
	bool same = got != NULL && expected != NULL ? strcmp(got, expected) == 0 : got == expected;

	if (!tap_result(same, name, file, line))
		printf("#   expected \"%s\"\n#   got      \"%s\"\n", expected ? expected : "(null)",
			got ? got : "(null)");
}

/* The name of a check is a sentence that can be false. */
#define ok(condition, name) tap_result((condition), (name), __FILE__, __LINE__)
#define is_int(got, expected, name) tap_int((got), (expected), (name), __FILE__, __LINE__)
#define is_str(got, expected, name) tap_str((got), (expected), (name), __FILE__, __LINE__)

static inline int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed == 0 ? 0 : 1;
}

#endif
