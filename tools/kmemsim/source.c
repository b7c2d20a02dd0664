/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file, decompressed if it is compressed with zstd. That is told by its first bytes,
 * not by its name.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define RAW_SIZE (1u << 17)

struct source {
	int fd;
	uint64_t size;		/* of the file; 0: not known */
	uint64_t done __attribute__((aligned(8)));	/* bytes of it read so far; atomic */
	char *raw;		/* as the file has them: unread ones are [raw_pos, raw_len) */
	size_t raw_pos, raw_len;
	ZSTD_DStream *zstd;	/* NULL: plain */
	bool in_frame;		/* compressed data that began has not ended */
};

static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

/* Return: bytes; 0 at the end; -1, errno set. */
static ssize_t read_some(struct source *s, char *buf, size_t size)
{
	ssize_t got;

	do
		got = read(s->fd, buf, size);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		__atomic_fetch_add(&s->done, (uint64_t)got, __ATOMIC_RELAXED);
	return got;
}

static void detect_compression(struct source *s, const char *path)
{
	while (s->raw_len < sizeof(zstd_magic)) {
		ssize_t got = read_some(s, s->raw + s->raw_len, RAW_SIZE - s->raw_len);

		if (got < 0)
			die_at(path, 0, "%s", strerror(errno));
		if (!got)
			return;
		s->raw_len += (size_t)got;
	}
	if (memcmp(s->raw, zstd_magic, sizeof(zstd_magic)))
		return;
	s->zstd = ZSTD_createDStream();
	if (!s->zstd)
		die("out of memory");
}

struct source *source_open(const char *path)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct stat st;

	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		die_at(path, 0, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		die_at(path, 0, "%s", strerror(EISDIR));
	s->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	s->raw = xcalloc(RAW_SIZE, 1);
	detect_compression(s, path);
	return s;
}

/* False at the end of the file and on an error. */
static bool refill(struct source *s, char *trouble)
{
	ssize_t got = read_some(s, s->raw, RAW_SIZE);

	if (got < 0)
		snprintf(trouble, SOURCE_TROUBLE, "%s", strerror(errno));
	s->raw_pos = 0;
	s->raw_len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static size_t read_compressed(struct source *s, char *buf, size_t size, char *trouble)
{
	ZSTD_outBuffer out = {buf, size, 0};

	while (!out.pos) {
		ZSTD_inBuffer in = {s->raw, s->raw_len, s->raw_pos};
		size_t hint;

		if (in.pos == in.size) {
			if (refill(s, trouble))
				continue;
			if (!*trouble && s->in_frame)
				snprintf(trouble, SOURCE_TROUBLE,
					 "the compressed data end too early (a truncated file)");
			return 0;
		}
		hint = ZSTD_decompressStream(s->zstd, &out, &in);
		if (ZSTD_isError(hint)) {
			snprintf(trouble, SOURCE_TROUBLE, "damaged compressed data (%s)",
				 ZSTD_getErrorName(hint));
			return 0;
		}
		s->raw_pos = in.pos;
		s->in_frame = hint != 0;
	}
	return out.pos;
}

size_t source_read(struct source *s, char *buf, size_t size, char trouble[SOURCE_TROUBLE])
{
	ssize_t got = (ssize_t)(s->raw_len - s->raw_pos);

	*trouble = '\0';
	if (s->zstd)
		return read_compressed(s, buf, size, trouble);
	if (got) {	/* what told that the file is plain */
		if ((size_t)got > size)
			got = (ssize_t)size;
		memcpy(buf, s->raw + s->raw_pos, (size_t)got);
		s->raw_pos += (size_t)got;
		return (size_t)got;
	}
	got = read_some(s, buf, size);
	if (got < 0)
		snprintf(trouble, SOURCE_TROUBLE, "%s", strerror(errno));
	return got > 0 ? (size_t)got : 0;
}

uint64_t source_done(const struct source *s)
{
	return __atomic_load_n(&s->done, __ATOMIC_RELAXED);
}

uint64_t source_size(const struct source *s)
{
	return s->size;
}

void source_close(struct source *s)
{
	close(s->fd);
	ZSTD_freeDStream(s->zstd);
	free(s->raw);
	free(s);
}
