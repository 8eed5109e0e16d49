/*
 * Tests of observe with servers that have a crowd of connections: whatever else they have open
 * between these or behind them is found, and of each it is known who has it. No count of
 * descriptors can stand in for the look at them: a connection may be open without one.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "procstate.h"
#include "stoprig.h"

enum {
	CROWD = 100
};

static uint16_t database;
static atomic_int program_reads; /* the thread that does */

/* ---- a server ---- */

struct server {
	bool is_early;	 /* has a database before it has clients */
	bool is_late;	 /* afterwards */
	bool has_double; /* of a connection */
	bool has_parent; /* that has few descriptors */
	bool is_held;	 /* a thread reads from one whose descriptor was closed */
};

static void *read_on(void *arg)
{
	int fd = *(int *)arg;
	char byte;

	program_reads = gettid();
	read(fd, &byte, 1);
	return NULL;
}

/* Closes a descriptor while a thread reads from it, so that the connection stays open. */
static void let_go(int *fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, read_on, fd) != 0)
		_exit(1);
	while (program_reads == 0 || !procstate_sleeps_in(program_reads, "wait_woken"))
		take_time(1);
	close(*fd);
	*fd = -1;
}

static void serve_crowd(int listener, const struct server *server)
{
	int fds[CROWD], early = -1, late = -1, copy = -1;

	if (server->is_early)
		early = connect_to(AF_INET, database);
	for (int i = 0; i < CROWD; i++)
		fds[i] = accept_one(listener);
	if (server->is_held)
		let_go(&fds[0]);
	if (server->is_late)
		late = connect_to(AF_INET, database);
	if (server->has_double && (copy = dup(fds[0])) < 0)
		_exit(1);
	say(0);
	await_signal(SIGTERM);
	close(listener);
	for (int i = 0; i < CROWD; i++)
		close(fds[i]);
	close(copy);
	take_time(100);
	close(early);
	close(late);
	await_signal(SIGTERM);
	_exit(0);
}

static void serve(void *arg)
{
	const struct server *server = arg;
	uint16_t port = 0;
	int listener = listen_on(AF_INET, &port, false);

	say(port);
	pid_t pid = server->has_parent ? fork_child() : 0;
	if (pid == 0)
		serve_crowd(listener, server);
	close(listener);
	waitpid(pid, NULL, 0);
}

/* ---- what is seen of it ---- */

static unsigned count_owned(pid_t pid)
{
	const struct socktable *table = &rig.observer.table;
	unsigned count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += table->rows[i].role == ROLE_INBOUND && table->rows[i].owner == pid;
	return count;
}

static void connect_crowd(int clients[static CROWD])
{
	for (int i = 0; i < CROWD; i++)
		clients[i] = connect_to(AF_INET, rig.port);
	hear();
}

static void test_server(const char *name, struct server server)
{
	const struct observe_report *seen = &rig.observer.report;
	unsigned databases = server.is_early + server.is_late;
	unsigned inbound = CROWD - server.is_held;
	int clients[CROWD];

	printf("# %s\n", name);
	launch(serve, &server, true);
	rig.port = hear();
	connect_crowd(clients);
	begin_stop(SIGTERM);
	is_int(seen->inbound, inbound, "each connection is seen");
	is_int(seen->outbound, databases, "and each to the database");
	if (!server.has_parent)
		is_int(count_owned(rig.tree.main.pid), inbound, "it is known who has them");
	if (databases > 0)
		await_phase(&seen->released);
	else
		await_phase(&seen->drained);
	ok(seen->drained >= 0, "their closes are heard of");
	send_to_all(SIGTERM);
	end_stop();
	rig.port = 0;
	for (int i = 0; i < CROWD; i++)
		close(clients[i]);
}

int main(void)
{
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_server("no database", (struct server){0});
	test_server("a database before", (struct server){.is_early = true});
	test_server("a database behind", (struct server){.is_late = true});
	test_server("both", (struct server){.is_early = true, .is_late = true});
	test_server("a connection twice", (struct server){.has_double = true});
	test_server("one without a descriptor", (struct server){.is_held = true, .is_late = true});
	test_server("a small parent", (struct server){.is_early = true, .has_parent = true});
	close(listener);
	return end_rig();
}
