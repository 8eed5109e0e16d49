/* Tests of guardqueue: a guard that does not listen for a while misses nothing. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "children.h"
#include "guardqueue.h"
#include "tap.h"

/* More than a link has room for. */
enum {
	HELD = 600
};

static struct guardqueue queue;
static int ends[2]; /* ours, the guard's */
static uint64_t keys[HELD];
static int heard[HELD + 2]; /* how often each was held, and dropped below */
static int dropped[HELD + 2];
static unsigned heard_ready; /* which message it was, 0: none yet */

static void begin(void)
{
	memset(keys, 0, sizeof keys);
	memset(heard, 0, sizeof heard);
	memset(dropped, 0, sizeof dropped);
	heard_ready = 0;
	if (guardlink_pair(ends) < 0)
		bail_out("no link");
	guardqueue_init(&queue, ev_default_loop(0));
	guardqueue_open(&queue, ends[0]);
}

static void end(void)
{
	guardqueue_close(&queue);
	close(ends[1]);
}

/* The end of a pipe that only the queue, and the guard, have then. Returns its key. */
static uint64_t hold_one(void)
{
	int pipe_ends[2];

	if (pipe2(pipe_ends, O_CLOEXEC) < 0)
		bail_out("no pipe");
	uint64_t key = guardqueue_hold(&queue, pipe_ends[0]);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
	return key;
}

static int number_of(uint64_t key)
{
	int number = 0;

	while (number < HELD && keys[number] != key)
		number++;
	return number;
}

/* The guard reads what is there. Returns how many messages. */
static unsigned hear_once(void)
{
	struct guardlink_message message;
	struct stat st;
	unsigned count = 0;
	int fd;

	for (; guardlink_receive(ends[1], &message, &fd) > 0; count++) {
		if (message.kind == GUARDLINK_READY)
			heard_ready = count + 1;
		else if (message.kind == GUARDLINK_DROP)
			dropped[number_of(message.key)]++;
		else if (fstat(fd, &st) == 0 && guardlink_key(&st) == message.key)
			heard[number_of(message.key)]++;
		if (fd >= 0)
			close(fd);
	}
	return count;
}

/* Supervisor and guard take turns until nothing comes any more. */
static unsigned hear_all(void)
{
	unsigned count = 0, now;

	do {
		ev_run(queue.loop, EVRUN_NOWAIT);
		now = hear_once();
		count += now;
	} while (now > 0);
	return count;
}

static bool all_held_once(int from, int to)
{
	for (int i = from; i < to; i++)
		if (heard[i] != 1 || dropped[i] != 0)
			return false;
	return true;
}

static int open_files(void)
{
	int count = 0;

	for (int fd = 0; fd < 4096; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void test_order(void)
{
	begin();
	int before = open_files();
	for (int i = 0; i < HELD; i++)
		keys[i] = hold_one();
	guardqueue_tell(&queue, GUARDLINK_READY, -1);
	ok(queue.count > 0, "there is no room for all");
	guardqueue_drop(&queue, keys[0]);
	guardqueue_drop(&queue, keys[HELD - 1]);
	guardqueue_drop(&queue, 0);
	is_int(hear_all(), HELD + 2, "whatever waits is told when there is room, and no more");
	ok(all_held_once(1, HELD - 1), "each descriptor comes once, with its key");
	ok(heard[0] == 1 && dropped[0] == 1, "one that was held is dropped");
	ok(heard[HELD - 1] == 0 && dropped[HELD - 1] == 1,
		"one that still waited is not even asked for, but dropped for who held it before");
	ok(heard_ready > 0, "the guard hears of the readiness");
	is_int(open_files(), before, "no copy of a descriptor is left");
	is_int(queue.count, 0, "nothing waits");
	ok(!ev_is_active(&queue.room), "nor is room waited for");
	end();
}

static void test_without_guard(void)
{
	int before = open_files();

	guardqueue_init(&queue, ev_default_loop(0));
	is_int((int64_t)hold_one(), 0, "without a guard nothing is held");
	guardqueue_drop(&queue, 1);
	guardqueue_tell(&queue, GUARDLINK_READY, -1);
	is_int(queue.count, 0, "nor does anything wait");
	begin();
	for (int i = 0; i < HELD; i++)
		hold_one();
	end();
	is_int(open_files(), before, "what waits when the link is closed is closed too");
}

/* As many descriptors as this user may have on their way between processes. */
static void fill_flight(int link)
{
	enum {
		FDS = 253, /* the most that one message may carry */
		MESSAGES = 8
	};
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		char bytes[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(FDS * sizeof(int));
	for (int i = 0; i < FDS; i++)
		memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &(int){STDOUT_FILENO}, sizeof(int));
	for (int i = 0; i < MESSAGES; i++)
		if (sendmsg(link, &header, 0) < 0)
			return;
}

/* The kernel counts for each user, and root may have any number; so this gives up what it is, and
 * comes last. */
static void test_flight(void)
{
	enum {
		FEW = 8
	};
	const struct rlimit limit = {.rlim_cur = 128, .rlim_max = 128};
	int flight[2];

	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		bail_out("no other user");
	setrlimit(RLIMIT_NOFILE, &limit);
	begin();
	if (guardlink_pair(flight) < 0)
		bail_out("no link");
	fill_flight(flight[0]);
	for (int i = 0; i < FEW; i++)
		keys[i] = hold_one();
	guardqueue_tell(&queue, GUARDLINK_READY, -1);
	is_int((int64_t)queue.count, FEW + 1,
		"when too many descriptors are on their way, what comes waits");
	ok(!ev_is_active(&queue.room), "but not for room, of which there is enough");
	close(flight[0]);
	close(flight[1]);
	while (queue.count > 0)
		ev_run(queue.loop, EVRUN_ONCE);
	is_int(hear_all(), FEW + 1, "it is told a moment later");
	ok(all_held_once(0, FEW), "each descriptor comes once, with its key");
	is_int(heard_ready, FEW + 1, "in order");
	end();
}

int main(void)
{
	limit_patience();
	ev_default_loop(0);
	test_order();
	test_without_guard();
	if (!is_under_valgrind())
		test_flight();
	ev_loop_destroy(EV_DEFAULT);
	return tap_done();
}
