/*
 * Tests of observe with servers that have more connections than are looked at one by one: whatever
 * else they have open between these or behind them is found all the same.
 */
#include <errno.h>
#include <sys/wait.h>

#include "nets.h"
#include "stoprig.h"

enum {
	CROWD = 100
};

static uint16_t database;
static bool is_alone; /* nothing else happens in this network */

/* ---- a server ---- */

struct server {
	bool is_early;	 /* has a database before it has clients */
	bool is_late;	 /* afterwards */
	bool has_double; /* of a connection */
	bool has_file;	 /* one that is no socket, in the end */
	bool has_parent; /* that has few descriptors */
	bool loses_one;	 /* whose client has said goodbye */
};

static void serve_crowd(int listener, const struct server *server)
{
	int fds[CROWD], early = -1, late = -1, copy = -1;
	char byte;

	if (server->is_early)
		early = connect_to(AF_INET, database);
	for (int i = 0; i < CROWD; i++)
		fds[i] = accept_one(listener);
	if (server->is_late)
		late = connect_to(AF_INET, database);
	if ((server->has_double && (copy = dup(fds[0])) < 0) ||
		(server->has_file && open("/dev/null", O_RDONLY) < 0))
		_exit(1);
	say(0);
	if (server->loses_one && read(fds[CROWD - 1], &byte, 1) == 0)
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

/* Whose descriptors were not looked at. */
static unsigned count_unlooked(void)
{
	const struct socktable *table = &rig.observer.table;
	unsigned count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += table->rows[i].role == ROLE_INBOUND && table->rows[i].fd < 0;
	return count;
}

static unsigned count_owned(pid_t pid)
{
	const struct socktable *table = &rig.observer.table;
	unsigned count = 0;

	for (size_t i = 0; i < table->count; i++)
		count += table->rows[i].role == ROLE_INBOUND && table->rows[i].owner == pid;
	return count;
}

static void connect_crowd(int clients[static CROWD], const struct server *server)
{
	for (int i = 0; i < CROWD; i++)
		clients[i] = connect_to(AF_INET, rig.port);
	hear();
	if (!server->loses_one)
		return;
	shutdown(clients[CROWD - 1], SHUT_WR);
	hear();
}

/* The table of the turn has come, and then a connection. */
static int connect_after_dump(void)
{
	if (app_sockets(&rig.app) == NULL)
		bail_out("no table");
	return connect_to(AF_INET, database);
}

/* is_busy: somebody comes just then. is_spared: that they need not be looked at is certain. */
static void test_server(const char *name, struct server server, bool is_busy, bool is_spared)
{
	const struct observe_report *seen = &rig.observer.report;
	unsigned databases = server.is_early + server.is_late;
	int clients[CROWD];

	printf("# %s\n", name);
	launch(serve, &server, true);
	rig.port = hear();
	connect_crowd(clients, &server);
	begin_turn();
	int other = is_busy ? connect_after_dump() : -1;
	observe(&rig.observer, "web.1");
	send_to_all(SIGTERM);
	is_int(seen->inbound, CROWD, "each connection is seen");
	is_int(seen->outbound, databases, "and each to the database");
	unsigned unlooked = count_unlooked();
	if (!is_spared)
		is_int(unlooked, 0, "as each descriptor was looked at");
	else if (is_alone)
		ok(unlooked > 0, "though not each descriptor was looked at");
	if (!server.has_parent)
		is_int(count_owned(rig.tree.main.pid), CROWD, "it is known who has them");
	if (databases > 0)
		await_phase(&seen->released);
	else
		await_phase(&seen->drained);
	ok(seen->drained >= 0, "their closes are heard of");
	send_to_all(SIGTERM);
	end_stop();
	rig.port = 0;
	close(other);
	for (int i = 0; i < CROWD; i++)
		close(clients[i]);
}

int main(void)
{
	is_alone = enter_own_network();
	if (!is_alone)
		printf("# no network of its own: %s\n", strerror(errno));
	begin_rig();
	int listener = listen_on(AF_INET, &database, false);
	test_server("no database", (struct server){0}, false, true);
	test_server("a database before", (struct server){.is_early = true}, false, true);
	test_server("a database behind", (struct server){.is_late = true}, false, false);
	test_server("both", (struct server){.is_early = true, .is_late = true}, false, false);
	test_server("a connection twice", (struct server){.has_double = true}, false, false);
	test_server("a file behind", (struct server){.has_file = true}, false, false);
	test_server("a client that leaves", (struct server){.loses_one = true}, false, false);
	test_server("somebody who comes", (struct server){0}, true, false);
	test_server("a small parent", (struct server){.is_early = true, .has_parent = true}, false,
		true);
	close(listener);
	return end_rig();
}
