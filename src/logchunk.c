/* logchunk: see the header. */
#include "logchunk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "xmalloc.h"

enum {
	STAMPS_AT_ONCE = 256
};

static int open_at(int dir, const char *name)
{
	return name == NULL ? -1 : openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Reads until there are len bytes or the file ends. */
static size_t read_at(int fd, void *to, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)to + done, len - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

/* The number of whole entries in an index; 0 when there is no index. */
static uint64_t count_stamps(int idx)
{
	struct stat st;

	return idx >= 0 && fstat(idx, &st) == 0 ? (uint64_t)st.st_size / sizeof(struct stamp) : 0;
}

static struct stamp read_stamp(int idx, uint64_t at)
{
	struct stamp stamp = {0};

	read_at(idx, &stamp, sizeof stamp, at * sizeof stamp);
	return stamp;
}

/* The first entry that is not `before` the value that is looked for, in an index whose entries only
 * grow. */
static uint64_t search(
	int idx, uint64_t count, bool (*before)(const struct stamp *, uint64_t), uint64_t value)
{
	uint64_t low = 0, high = count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct stamp stamp = read_stamp(idx, middle);
		if (before(&stamp, value))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool ends_at_or_before(const struct stamp *stamp, uint64_t offset)
{
	return stamp->end <= offset;
}

static bool is_older(const struct stamp *stamp, uint64_t wall)
{
	return stamp->wall < wall;
}

static nsec_t stat_time(const struct stat *st)
{
	return st->st_mtim.tv_sec * NSEC_PER_SEC + st->st_mtim.tv_nsec;
}

uint64_t logfile_end(const struct logfile *file, nsec_t *changed)
{
	struct stat st;
	uint64_t end = 0;

	if (fstatat(file->dir, file->name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (changed != NULL)
		*changed = stat_time(&st);
	if (!file->stamped || file->idx == NULL)
		return (uint64_t)st.st_size;
	int idx = open_at(file->dir, file->idx);
	if (idx < 0 && errno == EACCES) /* nor may the log be read, which will be told then */
		return (uint64_t)st.st_size;
	uint64_t count = count_stamps(idx);
	if (count > 0)
		end = read_stamp(idx, count - 1).end;
	fdio_close(&idx);
	return end < (uint64_t)st.st_size ? end : (uint64_t)st.st_size;
}

nsec_t logfile_first_time(const struct logfile *file)
{
	nsec_t time = 0;
	int idx = open_at(file->dir, file->idx);

	if (count_stamps(idx) > 0)
		time = (nsec_t)read_stamp(idx, 0).wall;
	else
		logfile_end(file, &time);
	fdio_close(&idx);
	return time;
}

uint64_t logfile_seek(const struct logfile *file, nsec_t since)
{
	uint64_t offset = 0;
	nsec_t changed = 0;
	uint64_t end = logfile_end(file, &changed);
	int idx = open_at(file->dir, file->idx);
	uint64_t count = count_stamps(idx);
	uint64_t at = search(idx, count, is_older, (uint64_t)since);

	if (at > 0)
		offset = read_stamp(idx, at - 1).end;
	if (at == count && changed < since) /* bytes behind the index have the time of the file */
		offset = end;
	fdio_close(&idx);
	return offset < end ? offset : end;
}

/* Loads the entries that cover the bytes of the chunk. */
static void load_stamps(struct logchunk *chunk, int idx)
{
	uint64_t count = count_stamps(idx);
	uint64_t at = search(idx, count, ends_at_or_before, chunk->start);
	uint64_t end = chunk->start + chunk->bytes.len;

	chunk->stamp_count = 0;
	while (at < count &&
		(chunk->stamp_count == 0 || chunk->stamps[chunk->stamp_count - 1].end < end)) {
		uint64_t more = count - at < STAMPS_AT_ONCE ? count - at : STAMPS_AT_ONCE;
		chunk->stamps = xreallocarray(
			chunk->stamps, chunk->stamp_count + more, sizeof *chunk->stamps);
		size_t got = read_at(idx, chunk->stamps + chunk->stamp_count,
			more * sizeof *chunk->stamps, at * sizeof *chunk->stamps);
		got /= sizeof *chunk->stamps;
		if (got == 0)
			break;
		chunk->stamp_count += got;
		at += got;
	}
}

int logchunk_load(struct logchunk *chunk, const struct logfile *file, uint64_t number,
	uint64_t start, uint64_t end)
{
	struct stat st;

	buf_reset(&chunk->bytes);
	chunk->stamp_count = 0;
	chunk->number = number;
	chunk->start = start;
	if (start >= end)
		return 0;
	int fd = open_at(file->dir, file->name);
	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? 0 : -1;
	size_t len = end - start < LOGCHUNK_SIZE ? (size_t)(end - start) : LOGCHUNK_SIZE;
	chunk->bytes.len = read_at(fd, buf_reserve(&chunk->bytes, len), len, start);
	chunk->changed = fstat(fd, &st) == 0 ? stat_time(&st) : 0;
	close(fd);
	int idx = open_at(file->dir, file->idx);
	load_stamps(chunk, idx);
	fdio_close(&idx);
	return 0;
}

bool logchunk_has(const struct logchunk *chunk, uint64_t number, uint64_t offset)
{
	return chunk->number == number && offset >= chunk->start &&
	       offset - chunk->start < chunk->bytes.len;
}

nsec_t logchunk_time(const struct logchunk *chunk, uint64_t offset)
{
	size_t low = 0, high = chunk->stamp_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (chunk->stamps[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < chunk->stamp_count ? (nsec_t)chunk->stamps[low].wall : chunk->changed;
}

void logchunk_release(struct logchunk *chunk)
{
	buf_release(&chunk->bytes);
	free(chunk->stamps);
	*chunk = (struct logchunk){0};
}
