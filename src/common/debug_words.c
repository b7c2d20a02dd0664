/* SPDX-License-Identifier: MIT */
/* The text is read anew for each cache: a cache is seldom made, and there is nothing to keep. */
#include "common/debug_words.h"

#include "common/backend.h"
#include "lib/kernel.h"
#include "lib/string.h"

/* One block: letters, then perhaps a comma and names, up to a semicolon or the end. */
struct block {
	const char *letters, *letters_end;
	const char *names, *end;	/* names NULL: all caches */
};

static const char *find(const char *from, const char *end, char c)
{
	while (from < end && *from != c)
		from++;
	return from;
}

/* False: there are no more blocks. *@at is NULL behind the last. */
static bool next_block(const char **at, const char *end, struct block *b)
{
	if (!*at)
		return false;
	b->end = find(*at, end, ';');
	b->letters = *at;
	b->letters_end = find(*at, b->end, ',');
	b->names = b->letters_end < b->end ? b->letters_end + 1 : NULL;
	*at = b->end < end ? b->end + 1 : NULL;
	return true;
}

/* The flag of a letter. False: no option. */
static bool letter_flag(char letter, slab_flags_t *flag)
{
	static const struct {
		char letter;
		slab_flags_t flag;
	} table[] = {
		{'f', SLAB_CONSISTENCY_CHECKS}, {'z', SLAB_RED_ZONE}, {'p', SLAB_POISON},
		{'u', SLAB_STORE_USER},		{'t', SLAB_TRACE},    {'a', SLAB_FAILSLAB},
		{'o', 0},			{'-', 0},
	};

	if (letter >= 'A' && letter <= 'Z')
		letter |= 32;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].letter != letter)
			continue;
		*flag = table[i].flag;
		return true;
	}
	return false;
}

static slab_flags_t block_flags(const struct block *b)
{
	slab_flags_t flags = 0, flag;

	if (b->letters == b->letters_end)
		return DEBUG_WORDS_DEFAULT & backend_traits.debug_flags;
	for (const char *p = b->letters; p < b->letters_end; p++) {
		if (*p == '-')
			flags = 0;
		else if (letter_flag(*p, &flag))
			flags |= flag;
	}
	return flags;
}

/* Whether a name of the list is the cache's, or up to its asterisk the beginning of it. */
static bool names_cache(const struct block *b, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = b->names; p <= b->end;) {
		const char *end = find(p, b->end, ',');
		const char *star = find(p, end, '*');
		size_t n = (size_t)(star - p);

		if (n <= len && (star < end || n == len) && n + (star < end) && !memcmp(name, p, n))
			return true;
		p = end + 1;
	}
	return false;
}

char debug_words_bad_letter(const struct param_text *text, slab_flags_t known)
{
	const char *at = text->text;
	struct block b;

	while (next_block(&at, text->text + text->len, &b))
		for (const char *p = b.letters; p < b.letters_end; p++) {
			slab_flags_t flag;

			if (!letter_flag(*p, &flag) || flag & ~known)
				return *p;
		}
	return 0;
}

slab_flags_t debug_words_flags(const struct kernel *k, const char *name, slab_flags_t flags)
{
	const struct param_text *text = &k->params.slab_debug;
	const char *at = text->text;
	slab_flags_t all = 0;
	struct block b;

	while (next_block(&at, text->text + text->len, &b)) {
		if (!b.names)
			all = block_flags(&b);
		else if (names_cache(&b, name))
			return flags | block_flags(&b);
	}
	if (flags & SLAB_NOLEAKTRACE)
		all &= ~SLAB_STORE_USER;
	return flags | all;
}

bool debug_words_keep_order(const struct kernel *k)
{
	const struct param_text *text = &k->params.slab_debug;
	const char *at = text->text;
	struct block b;

	while (next_block(&at, text->text + text->len, &b))
		for (const char *p = b.letters; p < b.letters_end; p++)
			if ((*p | 32) == 'o')
				return true;
	return false;
}
