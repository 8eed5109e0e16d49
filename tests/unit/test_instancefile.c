/* Tests of instancefile: what is written is read, and nothing else. */
#include "instancefile.h"

#include "tap.h"

static void test_names(void)
{
	static const char *const names[INSTANCEFILES] = {
		[INSTANCEFILE_OUTPUT] = "web.1.7.out",
		[INSTANCEFILE_RECORD] = "web.1.7.id",
		[INSTANCEFILE_NOTIFY] = "web.1.7.notify",
	};
	struct instancefile_parts parts;
	char name[INSTANCEFILE_NAME];

	for (int i = 0; i < INSTANCEFILES; i++) {
		is_str(instancefile_name(name, "web.1", 7, (enum instancefile)i), names[i],
			"a name has dyno, launch and what it is");
		ok(instancefile_parse(name, &parts), "it can be read");
		is_str(parts.dyno, "web.1", "the dyno is found");
		is_int((int64_t)parts.launch, 7, "so is the launch");
		is_int(parts.which, i, "and what it is");
	}
	instancefile_name(name, "a-b_c.12", UINT64_MAX, INSTANCEFILE_RECORD);
	ok(instancefile_parse(name, &parts) && parts.launch == UINT64_MAX,
		"the last launch of all is one");
}

static void test_others(void)
{
	static const char *const others[] = {"", ".", "..", "web.1.7", "web.1.7.", "web.1.7.log",
		"web.1.7.out.new", "web.1..out", "web.1.x.out", "web.1.7x.out", "web.1.07.out",
		"web.1.-7.out", "web.1.0.out", "web.7.out", ".7.out", ".1.7.out", "7.out", "out",
		"control.sock", "web.1.18446744073709551616.id"};
	struct instancefile_parts parts;
	char name[2 * INSTANCEFILE_NAME];

	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		snprintf(name, sizeof name, "\"%s\" is none", others[i]);
		ok(!instancefile_parse(others[i], &parts), name);
	}
	memset(name, 'x', sizeof name);
	snprintf(name + INSTANCEFILE_NAME, INSTANCEFILE_NAME, ".1.7.out");
	ok(!instancefile_parse(name, &parts), "nor is one that is too long");
}

int main(void)
{
	test_names();
	test_others();
	return tap_done();
}
