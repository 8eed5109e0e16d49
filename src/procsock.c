/* procsock: see the header. */
#include "procsock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "procstatus.h"
#include "xmalloc.h"

enum {
	FIRST = 40,	  /* descriptors that are read out of the directory */
	PIECE = 1024,	  /* of a directory: as many, as a rule */
	ENTRY = 48,	  /* at least one descriptor, at most two */
	BEFORE = 2,	  /* entries in front of descriptor 0 */
	SETS_MAX = 16,	  /* epoll sets among these */
	FD_MAX = 1 << 20, /* more are not looked at */
	LINK_MAX = 64,
	LOOK = 10, /* what one look at a descriptor spends, in tenths */
	SPENT_MAX = PROCSOCK_BUDGET * LOOK,
	INFO_MAX = SPENT_MAX * 80 /* of the fdinfo of an epoll set, so many bytes a socket */
};

static const char socket_prefix[] = "socket:[";
static const char epoll_link[] = "anon_inode:[eventpoll]";

/* A process whose descriptors are looked at. */
struct scan {
	struct procsock_list *list;
	pid_t pid;
	pid_t thread; /* see proc_thread_with_files() */
	int dir;      /* /proc/PID/fd of that */
	bool complete;
	unsigned last;	    /* all up to this one were looked at */
	int sets[SETS_MAX]; /* epoll sets among these */
	unsigned set_count;
	uint8_t *known; /* one bit a descriptor: told by an epoll set; NULL: not asked */
	unsigned size;	/* of it, in descriptors */
};

static void add(struct procsock_list *list, uint32_t inode, pid_t pid, int fd)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity > 0 ? list->capacity * 2 : 64;
		list->items = xreallocarray(list->items, list->capacity, sizeof *list->items);
	}
	list->items[list->count++] = (struct procsock){.inode = inode, .fd = fd, .pid = pid};
}

/* A descriptor may stand there more than once: as what it is, and as what it was, when somebody
 * else still has that. "tfd:       99 events:       19 data:               63  pos:0 ino:6003d1
 * sdev:9" */
static void read_epoll(struct scan *scan, int epoll)
{
	struct buf text = BUF_INIT;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)scan->thread, epoll);
	if (fdio_read_file(path, INFO_MAX, &text) < 0) {
		if (errno == EFBIG)
			scan->list->spent = SPENT_MAX;
		text.len = 0;
	}
	for (const char *at = text.len > 0 ? text.data : ""; (at = strstr(at, "\ntfd:")) != NULL;) {
		const char *ino = strstr(++at, " ino:");
		unsigned fd = (unsigned)strtoul(at + strlen("tfd:"), NULL, 10);
		if (ino == NULL)
			break;
		scan->list->spent++;
		if (fd <= scan->last || fd >= scan->size)
			continue;
		scan->known[fd / 8] |= (uint8_t)(1 << fd % 8);
		add(scan->list, (uint32_t)strtoul(ino + strlen(" ino:"), NULL, 16), scan->pid,
			(int)fd);
	}
	buf_release(&text);
}

static bool is_spent(const struct scan *scan)
{
	return scan->list->spent >= SPENT_MAX;
}

/* Whether that was why something of a process could not be read. */
static bool is_gone(void)
{
	return errno == ENOENT || errno == ESRCH;
}

/* Returns whether there is such a descriptor. */
static bool look_at(struct scan *scan, const char *name, int fd)
{
	char target[LINK_MAX + 1];

	scan->list->spent += LOOK;
	ssize_t n = readlinkat(scan->dir, name, target, LINK_MAX);

	if (n < 0) {
		scan->complete &= errno != EACCES;
		return false;
	}
	target[n] = '\0';
	if (strncmp(target, socket_prefix, sizeof socket_prefix - 1) == 0)
		add(scan->list, (uint32_t)strtoul(target + sizeof socket_prefix - 1, NULL, 10),
			scan->pid, fd);
	else if (strcmp(target, epoll_link) != 0)
		return true;
	else if (scan->known != NULL)
		read_epoll(scan, fd);
	else if (scan->set_count < SETS_MAX)
		scan->sets[scan->set_count++] = fd;
	return true;
}

/* Most processes have no more than that. A signal makes a piece shorter, so only an empty one is
 * the end. Returns whether there may be others. */
static bool scan_first(struct scan *scan)
{
	_Alignas(struct dirent64) char piece[PIECE];
	unsigned seen = 0;
	ssize_t n = 0;

	while (seen < FIRST && !is_spent(scan) &&
		(n = getdents64(scan->dir, piece, sizeof piece)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(piece + at);
			at += entry->d_reclen;
			if (entry->d_name[0] == '.')
				continue;
			scan->last = (unsigned)atoi(entry->d_name);
			look_at(scan, entry->d_name, (int)scan->last);
			seen++;
		}
	scan->complete &= n >= 0 || is_gone();
	return n > 0;
}

/* The first descriptor from that one on, or UINT_MAX. The place of each in its directory is known,
 * so however large a gap is, it costs no more than one look. */
static unsigned next_open(const struct scan *scan, unsigned fd)
{
	_Alignas(struct dirent64) char piece[ENTRY];
	const struct dirent64 *entry = (const struct dirent64 *)piece;

	if (lseek(scan->dir, (off_t)fd + BEFORE, SEEK_SET) < 0 ||
		getdents64(scan->dir, piece, sizeof piece) <= 0)
		return UINT_MAX;
	return (unsigned)atoi(entry->d_name);
}

/* Without reading the directory, which costs as much as all links together. */
static void scan_others(struct scan *scan)
{
	unsigned fd = scan->last + 1;
	char name[16];

	scan->known = xcalloc((scan->size + 7) / 8, 1);
	for (unsigned i = 0; i < scan->set_count; i++)
		read_epoll(scan, scan->sets[i]);
	while (fd < scan->size && !is_spent(scan)) {
		snprintf(name, sizeof name, "%u", fd);
		if ((scan->known[fd / 8] >> fd % 8 & 1) != 0 || look_at(scan, name, (int)fd))
			fd++;
		else
			fd = next_open(scan, fd + 1);
	}
	free(scan->known);
}

static bool open_files(struct scan *scan, pid_t thread)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)thread);
	scan->thread = thread;
	scan->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return scan->dir >= 0;
}

/* An open directory stays that of the same process. When its first thread has ended before the
 * others, it is empty. False when there is nothing to look at. */
static bool find_files(struct scan *scan, struct proc_id id)
{
	struct proc_stat now;

	if (!proc_stat_read(id.pid, &now) || !proc_same(now.id, id))
		return false;
	if (now.state != 'Z' || proc_stat_is_dead(&now))
		return true;
	fdio_close(&scan->dir);
	return open_files(scan, proc_thread_with_files(id.pid));
}

static void learn_size(struct scan *scan)
{
	struct procstatus status;

	if (!procstatus_read(scan->thread, &status))
		scan->complete &= is_gone();
	else if (status.fd_size > FD_MAX)
		scan->complete = false;
	else
		scan->size = status.fd_size;
}

/* The number of descriptors for which the process has room says nothing of a small one: it may have
 * come from its parent. */
bool procsock_scan(struct procsock_list *list, struct proc_id id)
{
	struct scan scan = {.list = list, .pid = id.pid, .complete = true};
	size_t before = list->count;

	if (is_spent(&scan))
		return false;
	if (!open_files(&scan, id.pid))
		return is_gone();
	if (find_files(&scan, id) && scan_first(&scan)) {
		learn_size(&scan);
		scan_others(&scan);
	}
	fdio_close(&scan.dir);
	if (list->count > before)
		scan.complete &= proc_shares_network(id.pid);
	return scan.complete && !is_spent(&scan);
}

static int compare(const void *a, const void *b)
{
	const struct procsock *x = a, *y = b;

	return (x->inode > y->inode) - (x->inode < y->inode);
}

void procsock_sort(struct procsock_list *list)
{
	if (list->count > 0)
		qsort(list->items, list->count, sizeof *list->items, compare);
}

const struct procsock *procsock_find(
	const struct procsock_list *list, uint32_t inode, size_t *count)
{
	const struct procsock key = {.inode = inode};
	const struct procsock *end = list->items + list->count;
	const struct procsock *found =
		inode == 0 || list->count == 0
			? NULL
			: bsearch(&key, list->items, list->count, sizeof key, compare);

	if (found == NULL)
		return NULL;
	while (found > list->items && found[-1].inode == inode)
		found--;
	for (*count = 0; found + *count < end && found[*count].inode == inode;)
		++*count;
	return found;
}

static bool is_open(pid_t thread, int fd, uint32_t inode)
{
	char path[64], target[LINK_MAX + 1], wanted[LINK_MAX];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)thread, fd);
	snprintf(wanted, sizeof wanted, "%s%u]", socket_prefix, inode);
	ssize_t n = readlink(path, target, LINK_MAX);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, wanted) == 0;
}

bool procsock_is_open(pid_t pid, int fd, uint32_t inode)
{
	if (is_open(pid, fd, inode))
		return true;
	pid_t thread = proc_thread_with_files(pid);
	return thread != pid && is_open(thread, fd, inode);
}

void procsock_release(struct procsock_list *list)
{
	free(list->items);
	*list = (struct procsock_list){0};
}
