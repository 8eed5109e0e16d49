/* Tests of guardlink: what is noted of exits, and found again. */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "children.h"
#include "clock.h"
#include "guardlink.h"
#include "tap.h"

static char path[] = "/tmp/test_guardlink.XXXXXX";
static int dir;

static struct proc_id id_of(int number)
{
	return (struct proc_id){
		.pid = 1 + number % 4194304, .start_ticks = 1000000 + (uint64_t)number};
}

static void note(int number)
{
	if (guardlink_note_exit(dir, id_of(number), (number % 100) << 8) < 0)
		bail_out("an exit cannot be noted");
}

/* The status that is found, -1 for none. */
static int found(struct proc_id id)
{
	struct proc_exit exit;

	return guardlink_find_exit(dir, id, &exit) ? exit.status : -1;
}

static off_t size_of_exits(void)
{
	struct stat st;

	return fstatat(dir, "exits", &st, 0) == 0 ? st.st_size : 0;
}

static nsec_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (nsec_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void test_find(void)
{
	is_int(found(id_of(1)), -1, "without a file nothing is found");
	for (int i = 1; i <= 12; i++)
		note(i);
	is_int(found(id_of(1)), 1, "the first one is found");
	is_int(found(id_of(7)), 7, "one in the middle");
	is_int(found(id_of(12)), 12, "and the last one");
	struct proc_id other = id_of(1);
	other.start_ticks /= 10;
	is_int(found(other), -1, "the beginning of a start is not the start");
	other = id_of(12);
	other.pid = 3;
	is_int(found(other), -1, "the end of a pid is not the pid");
}

/* Notes exits until the file begins anew; returns the number of the last one. */
static int fill(int number)
{
	off_t before = 0;

	while (size_of_exits() >= before) {
		before = size_of_exits();
		note(++number);
	}
	return number;
}

static void test_large(void)
{
	enum {
		LOOKUPS = 5
	};
	int last = fill(12);

	is_int(found(id_of(last)), last % 100, "an exit that begins a file anew is found");
	is_int(found(id_of(last - 1)), (last - 1) % 100, "and so is the one before");
	is_int(found(id_of(last / 2)), last / 2 % 100, "and all that the file before had");
	for (int lines = last; lines > last / 10; lines--)
		note(lines);
	nsec_t began = cpu_time();
	for (int i = 0; i < LOOKUPS; i++)
		found(id_of(-1));
	ok(cpu_time() - began < LOOKUPS * NSEC_PER_SEC / 10,
		"to look through all of them takes less than a tenth of a second");
	last = fill(last);
	is_int(found(id_of(last - 1)), (last - 1) % 100,
		"the next file takes the place of the old one");
	is_int(found(id_of(1)), -1, "which is gone");
}

int main(void)
{
	limit_patience();
	if (mkdtemp(path) == NULL || (dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		bail_out("no directory");
	test_find();
	test_large();
	unlinkat(dir, "exits", 0);
	unlinkat(dir, "exits.old", 0);
	ok(rmdir(path) == 0, "nothing else is left");
	return tap_done();
}
