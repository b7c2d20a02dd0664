/* SPDX-License-Identifier: MIT */
/*
 * Lines of a file, handed out in place.
 *
 * Text lies in a ring of blocks. A block ends with the end of a line: what is behind the last one
 * is copied to the front of the next block, so that no line lies in two. The first block is filled
 * by the reader; if the file goes on, a thread fills the following ones (reading and decompressing)
 * while the reader takes lines from an older one.
 *
 *	filled - taken  blocks belong to the reader, the first of them is where it is
 *	the others      to the thread, which also reads the rest of the last block it filled
 *
 * Both counts and `stop` are guarded by `lock`; the blocks are handed over with them. The thread
 * never ends the program: trouble comes with the block that it follows, and the reader reports it
 * when it gets there, with the number of its line. Without a thread (the file is small, or none can
 * be had) the reader fills the blocks itself.
 */
#include "trace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE (1u << 20)	/* also the longest line */
#define BLOCK_FILL (1u << 18)	/* enough for handing a block over: it fits in a CPU's own cache */
#define NR_BLOCKS 4

struct block {
	char *text;	/* BLOCK_SIZE + LINES_SLACK bytes */
	size_t len;
	size_t end;	/* whole lines are [0, end); the rest is the next block's */
	bool last;
	char trouble[SOURCE_TROUBLE];	/* of the last block: why nothing follows; "": all is well */
};

struct lines {
	const char *path;
	struct source *source;
	struct block blocks[NR_BLOCKS];

	/* the reader's */
	struct block *block;
	size_t pos;
	unsigned long number;
	bool unended;
	bool threaded;
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned long filled;	/* blocks filled so far */
	unsigned long taken;	/* of them, how many the reader is done with */
	bool stop;
};

/* --- filling --------------------------------------------------------------------------------- */

static struct block *block_at(struct lines *l, unsigned long n)
{
	return &l->blocks[n % NR_BLOCKS];
}

/* Reads on until the block has enough, or has no room. Return: false when nothing follows. */
static bool read_more(struct lines *l, struct block *b, size_t enough)
{
	while (b->len < enough) {
		size_t got = source_read(l->source, b->text + b->len, BLOCK_SIZE - b->len,
					 b->trouble);

		if (!got)
			return false;
		b->len += got;
	}
	return true;
}

static void fill_block(struct lines *l, unsigned long n)
{
	const struct block *before = n ? block_at(l, n - 1) : NULL;
	struct block *b = block_at(l, n);
	const char *newline = NULL;
	bool more = true;

	b->len = before ? before->len - before->end : 0;
	b->trouble[0] = '\0';
	if (b->len)
		memcpy(b->text, before->text + before->end, b->len);
	for (size_t enough = BLOCK_FILL; more && !newline; enough = BLOCK_SIZE) {
		more = read_more(l, b, b->len < enough ? enough : BLOCK_SIZE);
		newline = memrchr(b->text, '\n', b->len);
		if (b->len == BLOCK_SIZE && !newline) {
			snprintf(b->trouble, sizeof(b->trouble), "a line longer than %u bytes",
				 BLOCK_SIZE);
			more = false;
		}
	}
	b->end = newline ? (size_t)(newline + 1 - b->text) : 0;
	b->last = !more;
	if (b->last && !b->trouble[0])
		b->end = b->len;
}

static void *fill_ahead(void *arg)
{
	struct lines *l = arg;
	bool ended = false;

	pthread_mutex_lock(&l->lock);
	for (;;) {
		unsigned long n = l->filled;

		while (!l->stop && (ended || n - l->taken == NR_BLOCKS))
			pthread_cond_wait(&l->changed, &l->lock);
		if (l->stop)
			break;
		pthread_mutex_unlock(&l->lock);
		fill_block(l, n);
		ended = block_at(l, n)->last;
		pthread_mutex_lock(&l->lock);
		l->filled++;
		pthread_cond_signal(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- the reader ------------------------------------------------------------------------------ */

struct lines *lines_open(const char *path)
{
	struct lines *l = xcalloc(1, sizeof(*l));

	l->path = path;
	l->source = source_open(path);
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		l->blocks[i].text = xcalloc(BLOCK_SIZE + LINES_SLACK, 1);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	return l;
}

static void first_block(struct lines *l)
{
	l->block = block_at(l, 0);
	fill_block(l, 0);
	l->filled = 1;
	if (!l->block->last)
		l->threaded = !pthread_create(&l->thread, NULL, fill_ahead, l);
}

static void next_block(struct lines *l)
{
	if (l->threaded) {
		pthread_mutex_lock(&l->lock);
		l->taken++;
		pthread_cond_signal(&l->changed);
		while (l->filled == l->taken)
			pthread_cond_wait(&l->changed, &l->lock);
		pthread_mutex_unlock(&l->lock);
	} else {
		fill_block(l, l->filled++);
		l->taken++;
	}
	l->block = block_at(l, l->taken);
	l->pos = 0;
}

/* Return: false at the end of the file. */
static bool find_block(struct lines *l)
{
	if (!l->block)
		first_block(l);
	while (l->pos == l->block->end) {
		if (l->block->trouble[0])
			die_at(l->path, l->number + 1, "%s", l->block->trouble);
		if (l->block->last)
			return false;
		next_block(l);
	}
	return true;
}

char *lines_next(struct lines *l, size_t *len)
{
	struct block *b = l->block;
	char *line, *end;

	if ((!b || l->pos == b->end) && !find_block(l))
		return NULL;
	b = l->block;
	line = b->text + l->pos;
	end = memchr(line, '\n', b->end - l->pos);
	l->unended = !end;
	if (!end)	/* of the last block only, and its byte behind the end is there */
		end = b->text + b->end;
	*len = (size_t)(end - line);
	*end = '\0';
	l->pos = l->unended ? b->end : l->pos + *len + 1;
	l->number++;
	return line;
}

unsigned long lines_number(const struct lines *l)
{
	return l->number;
}

bool lines_unended(const struct lines *l)
{
	return l->unended;
}

const char *lines_path(const struct lines *l)
{
	return l->path;
}

void lines_progress(const struct lines *l)
{
	progress_update(source_done(l->source), source_size(l->source));
}

static void stop_thread(struct lines *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
}

void lines_close(struct lines *l)
{
	if (l->threaded)
		stop_thread(l);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		free(l->blocks[i].text);
	source_close(l->source);
	free(l);
}
