/* procsock: see the header. */
#include "procsock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "proc.h"
#include "xmalloc.h"

enum {
	LARGE = 256,		     /* from so many descriptors on epoll sets are read first */
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
		if (fd >= scan->size || (scan->known[fd / 8] >> fd % 8 & 1) != 0)
			continue;
		scan->known[fd / 8] |= (uint8_t)(1 << fd % 8);
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
	if (strncmp(target, socket_prefix, sizeof socket_prefix - 1) == 0)
		add(scan->list, (uint32_t)strtoul(target + sizeof socket_prefix - 1, NULL, 10),
			scan->pid, fd);
	else if (scan->known != NULL && strcmp(target, epoll_link) == 0)
		read_epoll(scan, fd);
}

static void scan_small(struct scan *scan)
{
	int copy = fcntl(scan->dir, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (dir == NULL) {
		if (copy >= 0)
			close(copy);
		scan->complete = false;
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			look_at(scan, entry->d_name, atoi(entry->d_name));
	closedir(dir);
}

/* Without readdir(), which costs as much as all links together. */
static void scan_large(struct scan *scan)
{
	char name[16];

	scan->known = xcalloc((scan->size + 7) / 8, 1);
	for (unsigned fd = 0; fd < scan->size; fd++) {
		if ((scan->known[fd / 8] >> fd % 8 & 1) != 0)
			continue;
		snprintf(name, sizeof name, "%u", fd);
		look_at(scan, name, (int)fd);
	}
	free(scan->known);
}

bool procsock_scan(struct procsock_list *list, pid_t pid)
{
	struct scan scan = {.list = list, .pid = pid, .complete = true};
	struct proc_status status;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	scan.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (scan.dir < 0)
		return errno == ENOENT || errno == ESRCH;
	if (proc_status_read(pid, &status) && status.fd_size >= LARGE && status.fd_size <= FD_MAX) {
		scan.size = status.fd_size;
		scan_large(&scan);
	} else {
		scan_small(&scan);
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
