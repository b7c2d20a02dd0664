/* SPDX-License-Identifier: MIT */
/* The blocks of one page: what is not done for each object. slob_page.h has the theory. */
#include "slob/slob_page.h"

#include "lib/string.h"

void slob_page_init(struct slob_page *sp, void *base)
{
	sp->units = SLOB_PAGE_UNITS;
	sp->first = 0;
	sp->damaged = false;
	slob_block_write(base, 0, SLOB_PAGE_UNITS, SLOB_END);
}

/* kmalloc()'s header belongs to it, which programs must not touch. */
void slob_page_wipe(void *block, size_t size)
{
	arch_unpoison(block, size);
	memset(block, 0, size);
	arch_poison(block, size);
}

bool slob_page_sound(const struct slob_page *sp, const void *base)
{
	unsigned int units = 0, at;
	struct slob_block b;

	for (at = sp->first; at != SLOB_END; at = b.next) {
		if (!slob_block_read(base, at, &b))
			return false;
		units += b.units;
	}
	return units == sp->units;
}
