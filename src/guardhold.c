/* guardhold: see the header. */
#include "guardhold.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guardlink.h"
#include "log.h"

void guardhold_add(struct guardhold *holds, uint64_t key, int fd)
{
	unsigned place = holds->count;

	if (fd < 0) {
		log_warn("no descriptor is left to hold an output with; raise the limit of open "
			 "files (ulimit -Hn)");
		return;
	}
	for (unsigned i = 0; i < holds->count; i++) {
		if (holds->places[i].key == key) {
			close(fd);
			return;
		}
		if (holds->places[i].key == 0)
			place = i;
	}
	if (place == GUARDHOLD_MAX) {
		log_warn("more than %d descriptors: one is not held", GUARDHOLD_MAX);
		close(fd);
		return;
	}
	if (place == holds->count)
		holds->count++;
	holds->places[place].key = key;
	holds->places[place].fd = fd;
}

void guardhold_drop(struct guardhold *holds, uint64_t key)
{
	for (unsigned i = 0; i < holds->count; i++)
		if (holds->places[i].key == key) {
			close(holds->places[i].fd);
			holds->places[i].key = 0;
			return;
		}
}

static bool is_notify_socket(int fd)
{
	int type;
	socklen_t len = sizeof type;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_DGRAM;
}

void guardhold_find(struct guardhold *holds, int except)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = atoi(entry->d_name);
		if (fd <= STDERR_FILENO || fd == except || fstat(fd, &st) < 0 ||
			!(S_ISFIFO(st.st_mode) || is_notify_socket(fd)))
			continue;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		guardhold_add(holds, guardlink_key(&st), fd);
	}
	if (dir != NULL)
		closedir(dir);
}

/* An output is found again by its name, unless that was removed; a socket is not. */
static bool has_no_name(int fd)
{
	struct stat st;

	return is_notify_socket(fd) ||
	       (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && st.st_nlink == 0);
}

void guardhold_hand_on_nameless(const struct guardhold *holds)
{
	for (unsigned i = 0; i < holds->count; i++)
		if (holds->places[i].key != 0 && has_no_name(holds->places[i].fd))
			fcntl(holds->places[i].fd, F_SETFD, 0);
}

bool guardhold_is_empty(const struct guardhold *holds)
{
	for (unsigned i = 0; i < holds->count; i++)
		if (holds->places[i].key != 0)
			return false;
	return true;
}

unsigned guardhold_list(const struct guardhold *holds, int *fds)
{
	unsigned count = 0;

	for (unsigned i = 0; i < holds->count; i++)
		if (holds->places[i].key != 0)
			fds[count++] = holds->places[i].fd;
	return count;
}
