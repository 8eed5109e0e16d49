/* guardlink: see the header. */
#include "guardlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "fdio.h"
#include "log.h"

/* The file of exits begins anew when it has grown to this; what stood in it has long been told. */
enum {
	EXITS_MAX = 4 * 1024 * 1024
};
static const char exits_name[] = "exits";

int guardlink_pair(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends);
}

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int guardlink_send(int link, const struct guardlink_message *message, int fd)
{
	struct iovec iov = {.iov_base = (void *)message, .iov_len = sizeof *message};
	union control control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof control.bytes;
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
	}
	ssize_t n;
	do
		n = sendmsg(link, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *message ? 0 : -1;
}

int guardlink_receive(int link, struct guardlink_message *message, int *fd)
{
	struct iovec iov = {.iov_base = message, .iov_len = sizeof *message};
	union control control;
	struct msghdr header = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes};

	*fd = -1;
	ssize_t n = recvmsg(link, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n != (ssize_t)sizeof *message)
		return -1;
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof *fd);
	return 1;
}

uint64_t guardlink_key(const struct stat *st)
{
	const uint64_t socket_bit = UINT64_C(1) << 63;

	return S_ISSOCK(st->st_mode) ? st->st_ino | socket_bit : st->st_ino;
}

uint64_t guardlink_hold(int link, int fd)
{
	struct guardlink_message message = {.kind = GUARDLINK_HOLD};
	struct stat st;

	if (link < 0 || fstat(fd, &st) < 0)
		return 0;
	message.key = guardlink_key(&st);
	if (guardlink_send(link, &message, fd) < 0)
		log_warn("the guard could not be given a descriptor to hold: %s", strerror(errno));
	return message.key;
}

void guardlink_drop(int link, uint64_t key)
{
	const struct guardlink_message message = {.kind = GUARDLINK_DROP, .key = key};

	if (link >= 0 && key != 0 && guardlink_send(link, &message, -1) < 0)
		log_debug("the guard could not be told to drop a descriptor: %s", strerror(errno));
}

int guardlink_note_exit(int run_dir, struct proc_id id, int wait_status)
{
	char line[96];
	struct stat st;

	int fd = openat(
		run_dir, exits_name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && st.st_size > EXITS_MAX && ftruncate(fd, 0) < 0)
		log_warn("the file of exits cannot be cut: %s", strerror(errno));
	int len = snprintf(line, sizeof line, "%d %llu %d\n", (int)id.pid,
		(unsigned long long)id.start_ticks, wait_status);
	ssize_t n = write(fd, line, (size_t)len);
	close(fd);
	return n == len ? 0 : -1;
}

bool guardlink_find_exit(int run_dir, struct proc_id id, struct proc_exit *out)
{
	struct buf text = BUF_INIT;
	int pid, status;
	unsigned long long start;
	bool found = false;

	fdio_read_at(run_dir, exits_name, 2 * EXITS_MAX, &text);
	for (const char *line = text.data; line != NULL && *line != '\0';) {
		if (sscanf(line, "%d %llu %d", &pid, &start, &status) == 3 && pid == id.pid &&
			start == id.start_ticks) {
			*out = proc_exit_from_wait(status);
			found = true;
		}
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	buf_release(&text);
	return found;
}
