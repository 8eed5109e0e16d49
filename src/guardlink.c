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

/* The file of exits begins anew when it has grown to this; what stood in the one before has long
 * been told. */
enum {
	EXITS_MAX = 512 * 1024
};
const char guardlink_exits[] = "exits", guardlink_old_exits[] = "exits.old";

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
	struct guardlink_message out;
	struct iovec iov = {.iov_base = &out, .iov_len = sizeof out};
	union control control = {0};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	/* Nothing goes out in the gaps between the fields. */
	memset(&out, 0, sizeof out);
	out.kind = message->kind;
	out.wait_status = message->wait_status;
	out.key = message->key;
	out.id.pid = message->id.pid;
	out.id.start_ticks = message->id.start_ticks;
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

static int open_exits(int run_dir)
{
	return openat(run_dir, guardlink_exits,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* Guard and supervisor both write. One of them sets the file aside; the other may have it open
 * still, and writes into what is the old one then. */
static bool set_aside(int run_dir, int fd)
{
	struct stat st, named;

	if (fstat(fd, &st) < 0 || st.st_size <= EXITS_MAX || !fdio_lock(fd))
		return false;
	return fstatat(run_dir, guardlink_exits, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       named.st_ino == st.st_ino &&
	       renameat(run_dir, guardlink_exits, run_dir, guardlink_old_exits) == 0;
}

int guardlink_note_exit(int run_dir, struct proc_id id, int wait_status)
{
	char line[96];

	int fd = open_exits(run_dir);
	if (fd >= 0 && set_aside(run_dir, fd)) {
		close(fd);
		fd = open_exits(run_dir);
	}
	if (fd < 0)
		return -1;
	int len = snprintf(line, sizeof line, "%d %llu %d\n", (int)id.pid,
		(unsigned long long)id.start_ticks, wait_status);
	ssize_t n = write(fd, line, (size_t)len);
	close(fd);
	return n == len ? 0 : -1;
}

static bool find_in(int run_dir, const char *name, struct proc_id id, struct proc_exit *out)
{
	struct buf text = BUF_INIT;
	char key[64];

	int len = snprintf(
		key, sizeof key, "\n%d %llu ", (int)id.pid, (unsigned long long)id.start_ticks);
	buf_addc(&text, '\n');
	fdio_read_at(run_dir, name, 2 * EXITS_MAX, &text);
	const char *found = strstr(text.data, key);
	if (found != NULL)
		*out = proc_exit_from_wait((int)strtol(found + len, NULL, 10));
	buf_release(&text);
	return found != NULL;
}

/* The old one last: a file that is set aside meanwhile is seen in either place. */
bool guardlink_find_exit(int run_dir, struct proc_id id, struct proc_exit *out)
{
	return find_in(run_dir, guardlink_exits, id, out) ||
	       find_in(run_dir, guardlink_old_exits, id, out);
}
