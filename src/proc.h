/*
 * proc: processes, and the certainty that a pid is still the process that was meant.
 *
 * A pid alone is never trusted: the kernel gives it to somebody else as soon as its owner is
 * reaped. An identity is pid + start time in clock ticks since boot (field 22 of /proc/PID/stat);
 * within one boot no two processes share it. Signals go through a pidfd that is checked after it
 * was opened.
 */
#ifndef GRACECTL_PROC_H
#define GRACECTL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "cause.h"

struct proc_id {
	pid_t pid;	      /* 0: none */
	uint64_t start_ticks; /* since boot */
};

#define PROC_NONE ((struct proc_id){0})

enum {
	PROC_NAME_MAX = 16
};

/* What /proc/PID/stat says of a process. */
struct proc_stat {
	struct proc_id id;
	pid_t ppid;
	pid_t session;
	char state;		  /* R S D Z T ... */
	int threads;		  /* how many it has */
	char name[PROC_NAME_MAX]; /* as text in one line, see utf8_make_plain() */
};

/* How a process ended. */
struct proc_exit {
	bool known; /* false: nobody could learn it, see reason */
	int status; /* as a shell says it: the exit code, or 128 + signal */
	int signo;  /* the signal that ended it, 0 for an exit */
};

/* Returns 0 when /proc shows the processes of our pid namespace, or -1 with a sentence: in any
 * other a pid is that of somebody else. */
int proc_check(struct cause *cause);

bool proc_same(struct proc_id a, struct proc_id b);

/* Nothing is executed any more by a thread in that state, 'Z' or 'X'. */
bool proc_state_is_dead(char state);

/* It has ended, and only waits to be reaped. When its first thread has ended before the others, a
 * process that lives has the state of a zombie. */
bool proc_stat_is_dead(const struct proc_stat *stat);

/* Reads /proc/PID/stat. Returns false with errno: when there is no such process (zombies are
 * there), when it is hidden from us, or for a lack, see fdio_is_lack(). */
bool proc_stat_read(pid_t pid, struct proc_stat *out);

/* The same from the text of a stat file. */
bool proc_stat_parse(const char *text, struct proc_stat *out);

/* The identity of a running (or zombie) pid; false when there is none. */
bool proc_identify(pid_t pid, struct proc_id *out);

/* True while it exists and is no zombie; true as well when it cannot be looked at for a lack. */
bool proc_is_alive(struct proc_id id);

/* A pidfd of exactly that process, close-on-exec, or -1 with errno: ESRCH when it is gone. */
int proc_open(struct proc_id id);

/* Sends a signal to exactly that process. Returns 0, or -1 with errno (ESRCH: it is gone). */
int proc_signal(struct proc_id id, int signo);

/*
 * The exit of a process that is not our child, through a pidfd that was opened while it lived; it
 * must have been reaped by its parent. Linux 6.15 and later; false where the kernel does not tell.
 */
bool proc_exit_of_other(int pidfd, struct proc_exit *out);

/* The exit of a process that nobody has reaped yet, from field 52 of /proc/PID/stat. False when it
 * is no zombie or hides it. */
bool proc_exit_of_zombie(struct proc_id id, struct proc_exit *out);

/* From the status of waitpid(2). */
struct proc_exit proc_exit_from_wait(int wait_status);

/* Whether it has executed a program since it was forked; false too when it is gone. */
bool proc_has_executed(struct proc_id id);

/* How far a process has come to its end. */
enum proc_end {
	PROC_RUNS,
	PROC_ENDS,  /* it executes nothing of its own any more, but its files are open */
	PROC_ENDED, /* its files are being closed, or are; or it is gone */
};

enum proc_end proc_end_of(struct proc_id id);

/* The thread under which /proc shows the files of a process: its first one, whose number is its
 * pid, unless that has ended before the others. */
pid_t proc_thread_with_files(pid_t pid);

/* Whether it is in our network namespace; true as well when it is gone or may not be looked at. */
bool proc_shares_network(pid_t pid);

/* Calls found with the inode of each socket that a process has open; at most so many of its
 * descriptors are looked at. False when it has more, or may not be looked at. */
bool proc_each_socket(
	pid_t pid, unsigned max, void (*found)(void *arg, pid_t pid, uint32_t inode), void *arg);

/* The value of a variable in the environment that a process was started with; to be freed. NULL
 * when it has none or hides it. */
char *proc_environ(pid_t pid, const char *name);

/* Resident memory of a process in bytes, 0 when unknown. */
uint64_t proc_memory(pid_t pid);

#endif
