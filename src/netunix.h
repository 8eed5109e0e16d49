/*
 * netunix: the Unix sockets of this network namespace that have a connection or listen, from
 * NETLINK_SOCK_DIAG. No news of their closes exist, so they can only be looked at.
 */
#ifndef GRACECTL_NETUNIX_H
#define GRACECTL_NETUNIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NETUNIX_NAME = 112
};

struct netunix {
	uint64_t cookie;
	uint32_t inode;
	bool has_peer;
	uint32_t peer; /* inode of the other end, 0: none, or not accepted yet */
	bool listening;
	bool is_shut; /* in both directions: by its program, or because the other end is closed */
	char name[NETUNIX_NAME]; /* "/run/x.sock", "@abstract"; "": it has none */
	uint64_t file;		 /* to which it is bound, 0: to none */
};

struct netunix_table {
	struct netunix *rows; /* in the order of the inodes */
	size_t count;
	size_t capacity;
};

/* Whoever has come to a listener and waits to be accepted. The other end of that connection has no
 * inode yet. */
struct netunix_caller {
	uint32_t listener; /* inodes */
	uint32_t inode;
};

struct netunix_callers {
	struct netunix_caller *items; /* in no order */
	size_t count;
	size_t capacity;
};

/* Stream and packet sockets. link: a NETLINK_SOCK_DIAG socket. Returns 0, or -1 with errno: then
 * the table is empty. */
int netunix_dump(int link, struct netunix_table *table);

const struct netunix *netunix_find(const struct netunix_table *table, uint32_t inode);

/* The same for those who wait. What an earlier dump has found is forgotten. */
int netunix_dump_callers(int link, struct netunix_callers *callers);

void netunix_release_callers(struct netunix_callers *callers);

/* Whether both have the same name, in the same directory too: as a listener and what comes to it.
 */
bool netunix_is_at(const struct netunix *sock, const struct netunix *listener);

void netunix_release(struct netunix_table *table);

#endif
