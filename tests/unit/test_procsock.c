/*
 * Tests of procsock with real processes: which sockets they have open, in epoll sets and out of
 * them.
 */
#include "procsock.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/time.h>

#include "stoprig.h"

enum {
	LARGE = 400,
	FAR_AWAY = 1000
};

static uint32_t inodes[LARGE];

/* A process with many sockets: some in one epoll set, some in another, some in none, one of
 * these far away. */
static void have_many(void *arg)
{
	int sets[2] = {epoll_create1(0), epoll_create1(0)};

	(void)arg;
	for (int i = 0; i < LARGE; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		struct epoll_event event = {.events = EPOLLIN};
		if (fd < 0 || (i % 3 < 2 && epoll_ctl(sets[i % 3], EPOLL_CTL_ADD, fd, &event) < 0))
			_exit(1);
		uint32_t inode = inode_of(fd);
		if (i == LARGE - 2 && (dup2(fd, FAR_AWAY) < 0 || close(fd) < 0))
			_exit(1);
		say((uint16_t)(inode >> 16));
		say((uint16_t)inode);
	}
	wait_forever();
}

/* Of a process with many sockets there is no more to be had than the budget allows. */
static void test_budget(struct proc_id id)
{
	struct procsock_list list = {.spent = (PROCSOCK_BUDGET - 100) * 10};

	ok(!procsock_scan(&list, id), "when the budget is spent not all is seen");
	ok(list.count > 0 && list.count < LARGE, "but a part");
	size_t before = list.count;
	ok(!procsock_scan(&list, id), "and of the next process nothing");
	is_int((int64_t)list.count, (int64_t)before, "which is not looked at");
	procsock_release(&list);
}

/* Another one has the pid. */
static void test_identity(struct proc_id id)
{
	struct procsock_list list = {0};

	id.start_ticks++;
	ok(procsock_scan(&list, id), "a process whose pid has another one can be looked at");
	is_int((int64_t)list.count, 0, "and has none of its sockets");
	procsock_release(&list);
}

static void test_large(void)
{
	struct procsock_list list = {0};
	unsigned missing = 0, wrong = 0;
	size_t count;

	launch(have_many, NULL, false);
	for (int i = 0; i < LARGE; i++) {
		inodes[i] = (uint32_t)hear() << 16;
		inodes[i] |= hear();
	}
	struct proc_id id = rig.tree.main;
	pid_t pid = id.pid;
	ok(procsock_scan(&list, id), "a process with many sockets can be looked at");
	procsock_sort(&list);
	for (int i = 0; i < LARGE; i++) {
		const struct procsock *found = procsock_find(&list, inodes[i], &count);
		missing += found == NULL;
		wrong += found != NULL && (count != 1 || found->pid != pid ||
						  !procsock_is_open(pid, found->fd, inodes[i]));
	}
	is_int(missing, 0, "each is found, in an epoll set or not");
	is_int(wrong, 0, "once, and at its descriptor");
	ok(procsock_find(&list, 0, &count) == NULL, "no inode is nobody's");
	procsock_release(&list);
	test_budget(id);
	test_identity(id);
	kill(pid, SIGKILL);
	run_loop(-1);
	ok(procsock_scan(&list, id), "a process that is gone can be looked at");
	is_int((int64_t)list.count, 0, "and has nothing");
	ok(!procsock_is_open(pid, 3, inodes[0]), "not even what it had");
	close(rig.told);
}

enum {
	LOW = 90,
	HIGH = 900,
	HIGH_COUNT = 20
};

/* Some sockets far away; and in front of them an epoll set that names descriptors which are closed,
 * since somebody else still has what they were. */
static void have_stale(void *arg)
{
	int set = epoll_create1(0), fds[LOW];

	(void)arg;
	for (int i = 0; i < LOW; i++)
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
	for (int i = 0; i < HIGH_COUNT; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || dup2(fd, HIGH + i) < 0)
			_exit(1);
		close(fd);
	}
	for (int i = LOW / 2; i < LOW; i++) {
		struct epoll_event event = {.events = EPOLLIN};
		if (epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) < 0)
			_exit(1);
	}
	if (fork_child() == 0)
		wait_forever();
	for (int i = LOW / 2; i < LOW; i++)
		close(fds[i]);
	say(0);
	wait_forever();
}

static unsigned count_high(const struct procsock_list *list)
{
	unsigned count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].fd >= HIGH;
	return count;
}

static void alarm_cb(int signo)
{
	(void)signo;
}

/* Signals make the kernel give a part of a directory only. */
static void test_signals(struct proc_id id)
{
	struct sigaction action = {.sa_handler = alarm_cb, .sa_flags = SA_RESTART}, before;
	struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
	unsigned wrong = 0;

	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 1000; i++) {
		struct procsock_list list = {0};
		procsock_scan(&list, id);
		wrong += count_high(&list) != HIGH_COUNT;
		procsock_release(&list);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &before, NULL);
	is_int(wrong, 0, "signals that come while a process is looked at hide nothing");
	limit_patience();
}

static void test_stale(void)
{
	struct procsock_list list = {0};

	launch(have_stale, NULL, false);
	hear();
	ok(procsock_scan(&list, rig.tree.main),
		"a process with a stale epoll set can be looked at");
	is_int(count_high(&list), HIGH_COUNT, "what is behind is found all the same");
	procsock_release(&list);
	test_signals(rig.tree.main);
	kill(rig.tree.main.pid, SIGKILL);
	run_loop(-1);
	close(rig.told);
}

/* The descriptors of an epoll set are others by now, which are in it, too; what they were is there
 * as well, since somebody else still has it. */
static void have_reused(void *arg)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0), fds[LOW];

	(void)arg;
	for (int i = 0; i < LOW; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
		if (epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) < 0)
			_exit(1);
	}
	if (fork_child() == 0)
		wait_forever();
	for (int i = 0; i < LOW; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || dup2(fd, fds[i]) < 0 || close(fd) < 0 ||
			epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) < 0)
			_exit(1);
		uint32_t inode = inode_of(fds[i]);
		say((uint16_t)(inode >> 16));
		say((uint16_t)inode);
	}
	wait_forever();
}

static void test_reused(void)
{
	struct procsock_list list = {0};
	unsigned missing = 0;
	size_t count;

	launch(have_reused, NULL, false);
	for (int i = 0; i < LOW; i++) {
		inodes[i] = (uint32_t)hear() << 16;
		inodes[i] |= hear();
	}
	ok(procsock_scan(&list, rig.tree.main),
		"a process that uses descriptors again can be looked at");
	procsock_sort(&list);
	for (int i = 0; i < LOW; i++)
		missing += procsock_find(&list, inodes[i], &count) == NULL;
	is_int(missing, 0, "what they are now is found");
	procsock_release(&list);
	kill(rig.tree.main.pid, SIGKILL);
	run_loop(-1);
	close(rig.told);
}

static void test_small(void)
{
	struct procsock_list list = {0};
	size_t count = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), copy = dup(fd);
	uint32_t inode = inode_of(fd);
	struct proc_id self;

	proc_identify(getpid(), &self);
	procsock_scan(&list, self);
	procsock_sort(&list);
	const struct procsock *found = procsock_find(&list, inode, &count);
	ok(found != NULL && found->pid == getpid(), "a socket of ours is found");
	is_int((int64_t)count, 2, "as often as it has descriptors");
	ok(procsock_is_open(getpid(), copy, inode), "it is open");
	close(fd);
	close(copy);
	ok(!procsock_is_open(getpid(), copy, inode), "until it is closed");
	procsock_release(&list);
}

/* ---- the first thread has ended ---- */

static void *wait_on(void *unused)
{
	(void)unused;
	wait_forever();
}

static void leave_to_thread(void *arg)
{
	pthread_t thread;
	uint16_t port = 0;

	(void)arg;
	listen_on(AF_INET, &port, false);
	if (pthread_create(&thread, NULL, wait_on, NULL) != 0)
		_exit(1);
	pthread_exit(NULL);
}

static bool is_headless(pid_t pid)
{
	struct proc_stat stat;

	return proc_stat_read(pid, &stat) && stat.state == 'Z';
}

static void count_one(void *arg, pid_t pid, uint32_t inode)
{
	(void)pid;
	(void)inode;
	++*(int *)arg;
}

static void test_headless(void)
{
	struct procsock_list list = {0};
	int count = 0;

	launch(leave_to_thread, NULL, false);
	struct proc_id id = rig.tree.main;
	ok(wait_until(is_headless(id.pid)), "the first thread of a process ends before another");
	ok(procsock_scan(&list, id), "it can be looked at all the same");
	is_int((int64_t)list.count, 1, "and its socket is found");
	if (list.count == 1) {
		const struct procsock *found = list.items;
		is_int(found->pid, id.pid, "as that of the process");
		ok(procsock_is_open(found->pid, found->fd, found->inode), "which has it open");
		ok(!procsock_is_open(found->pid, found->fd, found->inode + 1), "and no other");
	}
	ok(proc_each_socket(id.pid, 10, count_one, &count) && count == 1,
		"who asks for each socket finds it as well");
	procsock_release(&list);
	kill(id.pid, SIGKILL);
	run_loop(-1);
	tree_release(&rig.tree);
	close(rig.told);
}

int main(void)
{
	begin_rig();
	test_small();
	test_large();
	test_stale();
	test_reused();
	test_headless();
	return end_rig();
}
