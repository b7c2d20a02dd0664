/* SPDX-License-Identifier: MIT */
/*
 * Lines of a file. One buffer holds plain text, filled by read() or by the zstd decoder; a line is
 * handed out in place. Whether a file is compressed is told by its first bytes, not by its name.
 */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#define TEXT_SIZE (1u << 20)	/* also the longest line */
#define RAW_SIZE (1u << 17)

struct lines {
	const char *path;
	int fd;
	uint64_t file_size;
	uint64_t raw_done;	/* bytes of the file read so far */
	unsigned long number;
	char *text;
	size_t pos, len;	/* unread text is [pos, len) */
	bool eof;
	ZSTD_DStream *zstd;	/* NULL: plain */
	char *raw;
	size_t raw_pos, raw_len;
	bool in_frame;		/* compressed data that began has not ended */
};

static const unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

static size_t read_raw(struct lines *l, char *buf, size_t size)
{
	ssize_t got;

	do
		got = read(l->fd, buf, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		die_at(l->path, 0, "%s", strerror(errno));
	l->raw_done += (size_t)got;
	return (size_t)got;
}

static void refill_raw(struct lines *l)
{
	l->raw_pos = 0;
	l->raw_len = read_raw(l, l->raw, RAW_SIZE);
}

static size_t decompress(struct lines *l, char *buf, size_t size)
{
	ZSTD_outBuffer out = {buf, size, 0};

	while (!out.pos) {
		ZSTD_inBuffer in = {l->raw, l->raw_len, l->raw_pos};
		size_t hint;

		if (in.pos == in.size) {
			refill_raw(l);
			if (!l->raw_len && l->in_frame)
				die_at(l->path, l->number + 1,
				       "the compressed data end too early (a truncated file)");
			if (!l->raw_len)
				return 0;
			continue;
		}
		hint = ZSTD_decompressStream(l->zstd, &out, &in);
		if (ZSTD_isError(hint))
			die_at(l->path, l->number + 1, "damaged compressed data (%s)",
			       ZSTD_getErrorName(hint));
		l->raw_pos = in.pos;
		l->in_frame = hint != 0;
	}
	return out.pos;
}

/* More text behind what is unread, which moves to the front. */
static void fill(struct lines *l)
{
	size_t got;

	memmove(l->text, l->text + l->pos, l->len - l->pos);
	l->len -= l->pos;
	l->pos = 0;
	if (l->len == TEXT_SIZE)
		die_at(l->path, l->number + 1, "a line longer than %u bytes", TEXT_SIZE);
	if (l->zstd)
		got = decompress(l, l->text + l->len, TEXT_SIZE - l->len);
	else
		got = read_raw(l, l->text + l->len, TEXT_SIZE - l->len);
	l->eof = !got;
	l->len += got;
}

static void detect_compression(struct lines *l)
{
	while (l->len < sizeof(zstd_magic) && !l->eof)
		fill(l);
	if (l->len < sizeof(zstd_magic) || memcmp(l->text, zstd_magic, sizeof(zstd_magic)))
		return;
	l->zstd = ZSTD_createDStream();
	l->raw = xcalloc(RAW_SIZE > l->len ? RAW_SIZE : l->len, 1);
	if (!l->zstd)
		die("out of memory");
	memcpy(l->raw, l->text, l->len);
	l->raw_len = l->len;
	l->len = 0;
	l->eof = false;
	l->in_frame = true;
}

struct lines *lines_open(const char *path)
{
	struct lines *l = xcalloc(1, sizeof(*l));
	struct stat st;

	l->path = path;
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (l->fd < 0 || fstat(l->fd, &st))
		die_at(path, 0, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		die_at(path, 0, "%s", strerror(EISDIR));
	l->file_size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	l->text = xcalloc(TEXT_SIZE + 1, 1);
	detect_compression(l);
	return l;
}

char *lines_next(struct lines *l, size_t *len)
{
	size_t searched = 0;
	char *line, *end;

	for (;;) {
		line = l->text + l->pos;
		end = memchr(line + searched, '\n', l->len - l->pos - searched);
		if (end || l->eof)
			break;
		searched = l->len - l->pos;
		fill(l);
	}
	if (!end && l->pos == l->len)
		return NULL;
	if (!end)
		end = l->text + l->len;
	*len = (size_t)(end - line);
	*end = '\0';
	l->pos += *len + (l->pos + *len < l->len);
	l->number++;
	return line;
}

unsigned long lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_path(const struct lines *l)
{
	return l->path;
}

void lines_progress(const struct lines *l)
{
	progress_update(l->raw_done, l->file_size);
}

void lines_close(struct lines *l)
{
	close(l->fd);
	ZSTD_freeDStream(l->zstd);
	free(l->raw);
	free(l->text);
	free(l);
}
