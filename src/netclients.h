/*
 * netclients: the clients' ends of the connections to a server, when the clients are on the same
 * machine, such as a proxy. For whoever watches the server they are half of the kernel's table and
 * half of its news, and tell nothing; so the kernel is given a program that leaves them out.
 *
 * A client's end is a connection to one of the server's ports at an address of the loopback
 * interface: 127.0.0.0/8, over an IPv6 socket too, or ::1.
 */
#ifndef GRACECTL_NETCLIENTS_H
#define GRACECTL_NETCLIENTS_H

#include <linux/inet_diag.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NETCLIENTS_PORTS = 4 /* more are not heeded */
};

/* One step of the program for the table, see netclients.c. */
struct netclients_step {
	struct inet_diag_bc_op condition;
	struct { /* as struct inet_diag_hostcond, which ends in an array of no size */
		uint8_t family;
		uint8_t prefix_len;
		int port;
	} host;
	uint32_t address[4];
	struct inet_diag_bc_op jump;
};

/* Stands behind the question for the table. */
struct netclients_attribute {
	struct rtattr header;
	struct netclients_step program[2 * NETCLIENTS_PORTS];
};

/* Returns its length; 0 without a port: then there is nothing to leave out. */
size_t netclients_leave_out_of_table(
	struct netclients_attribute *attribute, const uint16_t *ports, size_t count);

/* news: a socket of netsock_open_news(). Without a port everything is told again. Where the kernel
 * cannot do that it tells everything, too. */
void netclients_leave_out_of_news(int news, const uint16_t *ports, size_t count);

#endif
