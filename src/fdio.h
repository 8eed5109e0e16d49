/*
 * fdio: files and directories, for small files that are read and written whole.
 *
 * Nothing here leaves a half-written file behind under its final name: a reader
 * sees the old content or the new one.
 */
#ifndef GRACECTL_FDIO_H
#define GRACECTL_FDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "cause.h"
#include "strlist.h"

/* Writes all of it, through EINTR and short writes. Returns 0, or -1 with errno. */
int fdio_write_all(int fd, const void *bytes, size_t len);

/*
 * Reads a file whole, at most limit bytes. Returns 0, or -1 with errno (EFBIG when the
 * file is larger); out is appended to.
 */
int fdio_read_file(const char *path, size_t limit, struct buf *out);

/* The same below a directory descriptor; name may be absolute with AT_FDCWD. */
int fdio_read_at(int dirfd, const char *name, size_t limit, struct buf *out);

/*
 * Replaces a file: writes a new one beside it (name + ".new") and renames it. Mode 0600.
 * Returns 0, or -1 with errno.
 */
int fdio_replace_at(int dirfd, const char *name, const void *bytes, size_t len);

/*
 * The same for a file that is replaced often: the old one stays as name + ".new", and is written
 * over the next time; whoever still has that one open sees it. To make a file and to remove one is
 * most of what replacing costs, on ext4 the more the more files were removed a moment ago.
 */
int fdio_exchange_at(int dirfd, const char *name, const void *bytes, size_t len);

/*
 * Makes a directory and its parents, mode 0711 for those it makes. An existing directory must
 * belong to us or to root. Returns 0, or -1 with a sentence.
 */
int fdio_make_dirs(const char *path, struct cause *cause);

/*
 * Locks a file, opened for writing, exclusively without waiting; false with errno EAGAIN when
 * somebody holds it. The lock belongs to the open file: it goes along over fork and exec, and ends
 * with the last descriptor. Asking whether it is held disturbs nobody (F_OFD_GETLK).
 */
bool fdio_lock(int fd);

/* Opens (creates, mode 0600) and locks a file exclusively without waiting. Returns the fd,
 * or -1 with errno EAGAIN when somebody holds it. The lock ends with the descriptor. */
int fdio_lock_at(int dirfd, const char *name);

/* Something was not done for want of descriptors or of memory; later it may be. */
bool fdio_is_lack(int error);

/* True when somebody else holds the lock of that file, or when that cannot be found out, see
 * fdio_is_lack(); false when it does not exist. */
bool fdio_is_locked_at(int dirfd, const char *name);

/* True when somebody listens at the Unix socket of that path. */
bool fdio_is_listening(const char *path);

/* Adds the names in a directory that end with suffix, without it, as far as they are valid, even
 * when the list has them already; see strlist_sort_unique(). None when it cannot be read. */
void fdio_list(const char *path, const char *suffix, bool (*is_valid)(const char *name),
	struct strlist *names);

/* Makes every descriptor above stderr close-on-exec. */
void fdio_keep_to_ourselves(void);

/*
 * The last descriptors below the limit are for those who look at something and close it again: what
 * belongs to a process, whether a lock is held. Without them what lives would seem to be gone. So
 * whoever keeps a descriptor for long asks whether it is one of these, and then does without it.
 * The clients have some of their own, so that they can ask to stop something.
 */
enum fdio_spare {
	FDIO_FOR_LOOKS = 8,
	FDIO_FOR_CLIENTS = 32 /* with those for looks; a quarter of a low limit */
};
bool fdio_is_spare(int fd, enum fdio_spare spare);

/* Closes *fd unless it is -1, and sets it to -1. */
void fdio_close(int *fd);

#endif
