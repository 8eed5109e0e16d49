/*
 * What the observation of a stop costs the supervisor in CPU time.
 *
 * usage: bench_observe [CONNECTIONS...]      (10 1000 8000)
 *
 * A server with so many inbound connections and ten outbound ones closes all of them 50 ms after
 * the signal and ends 50 ms later; "held" is one that waits three seconds before it does. "epoll"
 * is a server that has its connections in an epoll set, "threads" one that has not. The clients are
 * on the same machine, so the kernel's tables have two rows for each connection, and tell of two
 * closes. They are closed without a goodbye, since what waits for the end of one (TIME_WAIT) makes
 * every look dearer. The snapshot of the processes is not counted, as the signal needs it, too.
 * Each line is the median of some stops, and the least of them in brackets: the look before the
 * signal, and the whole stop.
 */
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#include "nets.h"
#include "stoprig.h"

enum {
	ROUNDS = 7,
	OUTBOUND = 10
};

static uint16_t database;

struct load {
	unsigned inbound;
	bool epoll;
	int hold; /* ms */
};

static void close_at_once(int fd)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	close(fd);
}

static void serve(void *arg)
{
	const struct load *load = arg;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false), set = epoll_create1(0);
	int *fds = xcalloc(load->inbound + OUTBOUND, sizeof *fds);

	for (unsigned i = 0; i < OUTBOUND; i++)
		fds[load->inbound + i] = connect_to(AF_INET, database);
	say(port);
	for (unsigned i = 0; i < load->inbound; i++) {
		struct epoll_event event = {.events = EPOLLIN};
		fds[i] = accept_one(listener);
		if (load->epoll && epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event) < 0)
			_exit(1);
	}
	say(0);
	await_signal(SIGTERM);
	take_time(load->hold);
	close(listener);
	for (unsigned i = 0; i < load->inbound + OUTBOUND; i++)
		close_at_once(fds[i]);
	take_time(50);
	_exit(0);
}

/* The clients are another process, so that they cost the observer nothing. */
static pid_t connect_clients(uint16_t port, unsigned count)
{
	pid_t pid = fork_child();

	if (pid != 0)
		return pid;
	for (unsigned i = 0; i < count; i++)
		connect_to(AF_INET, port);
	wait_forever();
}

static double cpu_ms(void)
{
	struct timespec spent;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
	return (double)spent.tv_sec * 1e3 + (double)spent.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void sort(double *values)
{
	qsort(values, ROUNDS, sizeof *values, compare);
}

static void measure(struct load load)
{
	double first[ROUNDS], whole[ROUNDS];
	const struct observe_report *report = NULL;

	for (int i = 0; i < ROUNDS; i++) {
		launch(serve, &load, true);
		rig.port = hear();
		pid_t clients = connect_clients(rig.port, load.inbound);
		hear();
		begin_turn();
		app_tree(&rig.app);
		double before = cpu_ms();
		observe(&rig.observer, "web.1");
		first[i] = cpu_ms() - before;
		send_to_all(SIGTERM);
		report = end_stop();
		whole[i] = cpu_ms() - before;
		if (report->inbound != load.inbound || report->drained < 0)
			printf("# seen: %u inbound connections, drained %s\n", report->inbound,
				report->drained < 0 ? "never" : "in the end");
		end_child(clients, SIGKILL);
	}
	sort(first);
	sort(whole);
	printf("%6u connections, %-7s %-4s  before the signal %6.2f ms (%.2f), whole stop %6.2f ms "
	       "(%.2f)\n",
		load.inbound, load.epoll ? "epoll" : "threads", load.hold > 1000 ? "held" : "",
		first[ROUNDS / 2], first[0], whole[ROUNDS / 2], whole[0]);
}

int main(int argc, char **argv)
{
	static const unsigned usual[] = {10, 1000, 8000};
	struct rlimit files;

	if (!enter_own_network())
		printf("# no network of its own: what others do is measured, too\n");
	begin_rig();
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	int listener = listen_on(AF_INET, &database, false);
	for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++) {
		unsigned count = argc > 1 ? (unsigned)atoi(argv[i + 1]) : usual[i];
		alarm(PATIENCE * 4);
		measure((struct load){.inbound = count, .epoll = true, .hold = 50});
		measure((struct load){.inbound = count, .epoll = false, .hold = 50});
		measure((struct load){.inbound = count, .epoll = true, .hold = 3000});
	}
	close(listener);
	end_rig();
	return 0;
}
