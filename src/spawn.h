/*
 * spawn: launches one instance.
 *
 * The child gets its own session and process group, /dev/null as input, the FIFO as stdout and
 * stderr, default signal dispositions, an empty signal mask, and nothing else of ours but the lock.
 * Before it executes the command it takes the lock on its record file and writes its own identity
 * into it, so there is no moment in which it runs without a record, even if the supervisor dies in
 * between. If the supervisor is dead by then, the child ends without executing anything: the next
 * supervisor may have looked for the record already and found none.
 *
 * The record file holds "PID START_TICKS\n", and a second line "executed\n" once the child has seen
 * its supervisor alive, and goes on to execute the command. If that fails, a third line "failed
 * STAGE ERRNO\n" keeps the reason for the next supervisor, should ours die before it hears it. It
 * is locked (fdio_lock) by a descriptor that every process of the tree inherits.
 *
 * The FIFO is opened read+write by the child, so it never lacks a reader and never gives a SIGPIPE.
 */
#ifndef GRACECTL_SPAWN_H
#define GRACECTL_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "cause.h"
#include "proc.h"
#include "strlist.h"

/* The lock is inherited under a number that programs hardly use themselves, this one or the next
 * that is free; from the middle of those that are allowed, where these end before it. */
enum {
	SPAWN_LOCK_FD = 200
};

/* The kernel reads no more of the first line of a script. */
enum {
	SPAWN_INTERPRETER = 256
};

struct spawn {
	const char *command; /* as configured */
	const struct strlist *env;
	const char *workdir;
	bool switch_user;  /* change to uid and gid */
	bool switch_group; /* change to gid */
	const char *user;  /* for initgroups; NULL: no supplementary groups */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int run_dir;	    /* open directory; the two names are below it */
	const char *fifo;   /* name of an existing FIFO */
	const char *record; /* name of the record file, created here */
};

/*
 * Raises our own limit of open files as far as it goes; children get the limit that was there
 * before.
 */
void spawn_raise_descriptors(void);
void spawn_restore_descriptors(void);

/* Why the child could not execute its command. */
struct spawn_failure {
	int stage;			     /* see spawn_failure_text() */
	int error;			     /* errno */
	char interpreter[SPAWN_INTERPRETER]; /* of a script, when it is that which is not there; ""
					      */
};

/* True when a file is a script whose interpreter is not there; out gets its name. The kernel says
 * of such a script that itself is not there. */
bool spawn_lacks_interpreter(const char *path, char out[static SPAWN_INTERPRETER]);

/* True when the command needs a shell: it has a character that a shell would interpret. */
bool spawn_needs_shell(const char *command);

/*
 * Launches. Returns the pid, and in *report the read end of a pipe: it ends without a byte when the
 * command has been executed, or delivers a struct spawn_failure. Returns -1 with a sentence when
 * there could not even be a child.
 */
pid_t spawn_start(const struct spawn *spawn, int *report, struct cause *cause);

/* True when the machine lacked something that it may have later: descriptors, processes, memory,
 * room. */
bool spawn_failure_is_lack(const struct spawn_failure *failure);

/* A sentence about a failure: "the directory /srv/x: No such file or directory". What a script
 * names as its interpreter is text in it, see utf8_make_plain(). */
void spawn_failure_text(
	const struct spawn_failure *failure, const char *workdir, char *out, size_t size);

/* What the child has written into its record. */
struct spawn_record {
	struct proc_id id;
	bool executed; /* it went on to execute the program; otherwise it is about to look whether
			  its supervisor lives, or has ended since that one was dead */
	bool failed;   /* it could not */
	struct spawn_failure failure;
};

/* Reads a record file. Returns false when it is missing or torn. */
bool spawn_read_record(int run_dir, const char *record, struct spawn_record *out);

#endif
