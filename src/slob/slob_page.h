/* SPDX-License-Identifier: MIT */
/*
 * The blocks of one page.
 *
 * Free blocks form a list in the order of their addresses. A free block writes about itself into
 * its own first units, as signed 16-bit words:
 *
 *	two units or more:   +----------+----------+---- - - -
 *	                     |  units   |   next   |  (unused)
 *	                     +----------+----------+---- - - -
 *	one unit:            +----------+
 *	                     |  -next   |
 *	                     +----------+
 *
 * `next` is the unit at which the next free block starts, counted from the page's first byte, or
 * SLOB_END. It is never 0, for a free block lies behind another; so the sign tells the two forms
 * apart.
 *
 * Invariants: free blocks do not touch (freeing joins neighbours, and an allocation in the middle
 * of a block leaves itself between the halves); the lengths of all add up to slob_page.units.
 *
 * The words lie in memory that a program had and may still write to by mistake. So each is looked
 * at before it is followed: a word that would lead out of the page, backwards, or into a neighbour
 * ends the walk with SLOB_DAMAGED.
 */
#ifndef KMEM_SLOB_SLOB_PAGE_H
#define KMEM_SLOB_SLOB_PAGE_H

#include "slob/slob.h"

struct slob_block {
	unsigned int start;		/* units from the page's first byte */
	unsigned int units;
	unsigned int next;		/* start of the next free block, or SLOB_END */
};

enum slob_result {
	SLOB_OK,
	SLOB_FULL,			/* no free block fits */
	SLOB_OVERLAP,			/* the block to be freed is free already, or in part */
	SLOB_DAMAGED,			/* somebody wrote into a free block */
};

/* One free block of the whole page. */
void slob_page_init(struct slob_page *sp, void *base);

/* Zeros into what is being freed. */
void slob_page_wipe(void *block, size_t size);

/* Whether the free blocks are a list that adds up; @sp has some. */
bool slob_page_sound(const struct slob_page *sp, const void *base);

static __always_inline void slob_block_write(void *base, unsigned int start, unsigned int units,
					     unsigned int next)
{
	int16_t *word = (int16_t *)base + start;

	if (units == 1) {
		arch_raw_write(&word[0], (int16_t)-(int)next);
		return;
	}
	arch_raw_write(&word[0], (int16_t)units);
	arch_raw_write(&word[1], (int16_t)next);
}

/* The free block at unit @start; false if what stands there cannot be one. */
static __always_inline bool slob_block_read(const void *base, unsigned int start,
					    struct slob_block *b)
{
	int16_t *word = (int16_t *)(uintptr_t)base + start;
	int first = arch_raw_read(&word[0]);
	int units = 1, next = -first;

	if (first > 0) {
		if (start + 2 > SLOB_PAGE_UNITS)
			return false;
		units = first;
		next = arch_raw_read(&word[1]);
	}
	b->start = start;
	b->units = (unsigned int)units;
	b->next = (unsigned int)next;
	if (next == (int)SLOB_END)
		return start + b->units <= SLOB_PAGE_UNITS;
	return next > (int)(start + b->units) && next < (int)SLOB_END;
}

/* The free block at @next follows @b, or is the first one if @b is none (its start SLOB_END). */
static __always_inline void slob_link(struct slob_page *sp, void *base, const struct slob_block *b,
				      unsigned int next)
{
	if (b->start == SLOB_END)
		sp->first = (uint16_t)next;
	else
		slob_block_write(base, b->start, b->units, next);
}

/* Take [start, start + units) out of the free block @b, which follows @prev. */
static __always_inline void slob_carve(struct slob_page *sp, void *base,
				       const struct slob_block *prev, const struct slob_block *b,
				       unsigned int start, unsigned int units)
{
	unsigned int end = start + units;
	unsigned int next = b->next;

	if (end < b->start + b->units) {
		slob_block_write(base, end, b->start + b->units - end, next);
		next = end;
	}
	if (start > b->start)
		slob_block_write(base, b->start, start - b->start, next);
	else
		slob_link(sp, base, prev, next);
	sp->units = (uint16_t)(sp->units - units);
}

static __always_inline unsigned int slob_align_up(unsigned int start, unsigned int align,
						  unsigned int offset)
{
	unsigned int byte = start * SLOB_UNIT + offset;

	return (((byte + align - 1) & ~(align - 1)) - offset) / SLOB_UNIT;
}

/* Take @units from the first free block where they fit so that the byte @offset further on is
 * aligned to @align (a power of two, SLOB_UNIT … PAGE_SIZE). @start receives the place. */
static __always_inline enum slob_result slob_page_alloc(struct slob_page *sp, void *base,
							unsigned int units, unsigned int align,
							unsigned int offset, unsigned int *start)
{
	struct slob_block prev = { .start = SLOB_END };
	struct slob_block b;
	unsigned int at;

	for (at = sp->first; at != SLOB_END; at = b.next, prev = b) {
		if (unlikely(!slob_block_read(base, at, &b) || b.units > sp->units))
			return SLOB_DAMAGED;
		*start = slob_align_up(at, align, offset);
		if (*start + units > b.start + b.units)
			continue;
		slob_carve(sp, base, &prev, &b, *start, units);
		return SLOB_OK;
	}
	return SLOB_FULL;
}

/* Give @units from unit @start on back, joined with the free blocks it touches; with @wipe zeros
 * are written into them first. Nothing has changed if the result is not SLOB_OK. */
static __always_inline enum slob_result slob_page_free(struct slob_page *sp, void *base,
						       unsigned int start, unsigned int units,
						       bool wipe)
{
	struct slob_block prev = { .start = SLOB_END }, before = prev;
	struct slob_block b = { .start = start, .units = units };
	struct slob_block next;
	unsigned int at;

	if (unlikely(sp->units + units > SLOB_PAGE_UNITS))
		return SLOB_OVERLAP;
	/* `prev` becomes the free block in front of the freed one, `before` the one before it. */
	for (at = sp->first; at < start; at = prev.next) {
		before = prev;
		if (unlikely(!slob_block_read(base, at, &prev)))
			return SLOB_DAMAGED;
	}
	if (prev.start != SLOB_END && prev.start + prev.units > start)
		return SLOB_OVERLAP;
	if (start + units > at)
		return SLOB_OVERLAP;

	b.next = at;
	if (start + units == at && at != SLOB_END) {
		if (unlikely(!slob_block_read(base, at, &next)))
			return SLOB_DAMAGED;
		b.units += next.units;
		b.next = next.next;
	}
	if (unlikely(wipe))
		slob_page_wipe((char *)base + start * SLOB_UNIT, units * SLOB_UNIT);
	if (prev.start != SLOB_END && prev.start + prev.units == start) {
		b.start = prev.start;
		b.units += prev.units;
		prev = before;
	}
	slob_block_write(base, b.start, b.units, b.next);
	slob_link(sp, base, &prev, b.start);
	sp->units = (uint16_t)(sp->units + units);
	return SLOB_OK;
}

#endif
