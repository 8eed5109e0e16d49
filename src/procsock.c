/* procsock: see the header. */
#include "procsock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "proc.h"
#include "xmalloc.h"

enum {
	PIECE = 1024,		     /* of a directory: some 40 descriptors */
	SETS_MAX = 16,		     /* epoll sets among these */
	FD_MAX = 1 << 20,	     /* more are not looked at */
	INFO_MAX = 64 * 1024 * 1024, /* of the fdinfo of an epoll set: some 80 bytes a socket */
	LINK_MAX = 64
};

static const char socket_prefix[] = "socket:[";
static const char epoll_link[] = "anon_inode:[eventpoll]";

/* A process whose descriptors are looked at. */
struct scan {
	struct procsock_list *list;
	pid_t pid;
	int dir; /* /proc/PID/fd */
	bool complete;
	unsigned seen;	    /* descriptors */
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

/* "tfd:       99 events:       19 data:               63  pos:0 ino:6003d1 sdev:9" */
static void read_epoll(struct scan *scan, int epoll)
{
	struct buf text = BUF_INIT;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%d", (int)scan->pid, epoll);
	if (fdio_read_file(path, INFO_MAX, &text) < 0)
		text.len = 0;
	for (const char *at = text.len > 0 ? text.data : ""; (at = strstr(at, "\ntfd:")) != NULL;) {
		const char *ino = strstr(++at, " ino:");
		unsigned fd = (unsigned)strtoul(at + strlen("tfd:"), NULL, 10);
		if (ino == NULL)
			break;
		if (fd <= scan->last || fd >= scan->size ||
			(scan->known[fd / 8] >> fd % 8 & 1) != 0)
			continue;
		scan->known[fd / 8] |= (uint8_t)(1 << fd % 8);
		scan->seen++;
		add(scan->list, (uint32_t)strtoul(ino + strlen(" ino:"), NULL, 16), scan->pid,
			(int)fd);
	}
	buf_release(&text);
}

static void look_at(struct scan *scan, const char *name, int fd)
{
	char target[LINK_MAX + 1];
	ssize_t n = readlinkat(scan->dir, name, target, LINK_MAX);

	if (n < 0) {
		scan->complete &= errno != EACCES;
		return;
	}
	target[n] = '\0';
	scan->seen++;
	if (strncmp(target, socket_prefix, sizeof socket_prefix - 1) == 0)
		add(scan->list, (uint32_t)strtoul(target + sizeof socket_prefix - 1, NULL, 10),
			scan->pid, fd);
	else if (strcmp(target, epoll_link) != 0)
		return;
	else if (scan->known != NULL)
		read_epoll(scan, fd);
	else if (scan->set_count < SETS_MAX)
		scan->sets[scan->set_count++] = fd;
}

/* Most processes have no more than that. Returns whether this one may have. */
static bool scan_first(struct scan *scan)
{
	_Alignas(struct dirent64) char piece[PIECE];
	ssize_t n = getdents64(scan->dir, piece, sizeof piece);

	scan->complete &= n >= 0;
	for (ssize_t at = 0; at < n;) {
		const struct dirent64 *entry = (const struct dirent64 *)(piece + at);
		at += entry->d_reclen;
		if (entry->d_name[0] == '.')
			continue;
		scan->last = (unsigned)atoi(entry->d_name);
		look_at(scan, entry->d_name, (int)scan->last);
	}
	return n + (ssize_t)sizeof(struct dirent64) > PIECE;
}

/* How many descriptors there are, as Linux 6.2 and newer tell it. */
static unsigned count_all(const struct scan *scan)
{
	struct stat st;

	return fstat(scan->dir, &st) == 0 && st.st_size > 0 ? (unsigned)st.st_size : UINT_MAX;
}

/* Without reading the directory, which costs as much as all links together. */
static void scan_others(struct scan *scan)
{
	unsigned count = count_all(scan);
	char name[16];

	scan->known = xcalloc((scan->size + 7) / 8, 1);
	for (unsigned i = 0; i < scan->set_count; i++)
		read_epoll(scan, scan->sets[i]);
	for (unsigned fd = scan->last + 1; fd < scan->size && scan->seen < count; fd++) {
		if ((scan->known[fd / 8] >> fd % 8 & 1) != 0)
			continue;
		snprintf(name, sizeof name, "%u", fd);
		look_at(scan, name, (int)fd);
	}
	free(scan->known);
}

/* The number of descriptors for which the process has room says nothing of a small one: it may have
 * come from its parent. */
bool procsock_scan(struct procsock_list *list, pid_t pid)
{
	struct scan scan = {.list = list, .pid = pid, .complete = true};
	struct proc_status status;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	scan.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scan.dir < 0)
		return errno == ENOENT || errno == ESRCH;
	if (scan_first(&scan)) {
		bool told = proc_status_read(pid, &status) && status.fd_size <= FD_MAX;
		scan.size = told ? status.fd_size : 0;
		scan.complete &= told;
		scan_others(&scan);
	}
	close(scan.dir);
	return scan.complete;
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

bool procsock_is_open(pid_t pid, int fd, uint32_t inode)
{
	char path[64], target[LINK_MAX + 1], wanted[LINK_MAX];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
	snprintf(wanted, sizeof wanted, "%s%u]", socket_prefix, inode);
	ssize_t n = readlink(path, target, LINK_MAX);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, wanted) == 0;
}

void procsock_release(struct procsock_list *list)
{
	free(list->items);
	*list = (struct procsock_list){0};
}
