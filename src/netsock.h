/*
 * netsock: every TCP socket of this network namespace, and the news of each close, from
 * NETLINK_SOCK_DIAG.
 *
 * A dump shows the sockets as they are; a socket that joined the kernel's multicast group is told
 * of each one that is destroyed, listeners too, a moment after it happened and without any
 * privilege. The cookie is the same in both, and never used twice.
 */
#ifndef GRACECTL_NETSOCK_H
#define GRACECTL_NETSOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "cookiemap.h"

/* What was said on a connection until its close, or until now. */
struct netsock_talk {
	bool is_known;	  /* the kernel told it */
	bool was_dropped; /* this side broke it off, as it does with those that wait at a listener
			     that closes */
	uint32_t
		received; /* bytes, at most UINT32_MAX; the goodbye of the other side is one, too */
	uint32_t sent;	  /* bytes, likewise */
	uint32_t last_received; /* ms before the end */
	uint32_t last_sent;	/* likewise */
};

struct netsock {
	uint64_t cookie;
	uint32_t inode; /* as in /proc/PID/fd; 0: not accepted yet, or told by the news */
	uint32_t uid;	/* of its owner */
	uint16_t local_port;
	uint16_t remote_port;
	uint8_t family; /* AF_INET, AF_INET6 */
	bool listening;
	bool closed;	    /* by its program; the kernel still says goodbye */
	uint32_t interface; /* to which it is bound, 0: to none */
	uint8_t local[16];  /* the address, 4 or 16 bytes */
	uint8_t remote[16]; /* likewise */
	struct netsock_talk talk;
};

/* All listening and connected sockets. */
struct netsock_table {
	struct netsock *rows;
	size_t count;
	size_t capacity;
	size_t filled; /* behind the others, up to here: those that their program has closed */
	nsec_t taken;  /* monotonic: when the last dump began; 0: never */
	bool is_whole; /* that dump left nothing out */
	bool has_talk; /* and has what was said on each */
	struct cookiemap index; /* for netsock_forget() */
	bool is_indexed;	/* it is that of this dump */
};

/* link: a NETLINK_SOCK_DIAG socket. Returns 0, or -1 with errno: then the table is empty. */
int netsock_dump(int link, struct netsock_table *table);

/* Only the sockets that listen, which costs next to nothing. */
int netsock_dump_listening(int link, struct netsock_table *table);

/* All but the clients' ends of the connections to these ports, see netclients.h. */
int netsock_dump_without_clients(
	int link, const uint16_t *ports, size_t count, struct netsock_table *table);

/* The same, with what was said on each up to now. */
int netsock_dump_with_talk(
	int link, const uint16_t *ports, size_t count, struct netsock_table *table);

/*
 * Asks for each of these connections by itself, with what was said on it up to now; as long as
 * there are few, that costs less than a dump. Calls heard with each, as it is now; now NULL: it is
 * gone, or was bound to another interface since it was dumped. Returns 0, or -1 with errno: then
 * some have no answer.
 */
int netsock_ask(int link, const struct netsock *socks, size_t count,
	void (*heard)(void *arg, const struct netsock *asked, const struct netsock *now),
	void *arg);

/* Takes one out that was told closed since, however often the dump told of it; others change their
 * places. */
void netsock_forget(struct netsock_table *table, uint64_t cookie);

void netsock_release(struct netsock_table *table);

/* A non-blocking socket on which closes are told, or -1 with errno. */
int netsock_open_news(void);

/*
 * Calls heard for each close that was told since. Returns 0; or -1 when some news were lost (too
 * many at once): then only a dump tells what is left.
 */
int netsock_read_news(int news, void (*heard)(void *arg, const struct netsock *closed), void *arg);

/* Whether the other end surely is on this machine: at an address of the loopback interface, or at
 * the same one as this end. */
bool netsock_is_local(const struct netsock *sock);

/* "127.0.0.1:27017" or "[::1]:27017". */
enum {
	NETSOCK_TEXT = 64
};
const char *netsock_remote_text(const struct netsock *sock, char text[static NETSOCK_TEXT]);

#endif
