/* SPDX-License-Identifier: MIT */
/*
 * Cache flags as the geometry of real kernels spells them: words joined by '|', CTOR for a constructor,
 * '-' for none. Public headers only and no CMocka.
 */
#ifndef TEST_FLAG_WORDS_H
#define TEST_FLAG_WORDS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <kmem/slab.h>

static inline bool flag_of_word(const char *word, slab_flags_t *flag)
{
	static const struct {
		const char *name;
		slab_flags_t flag;
	} words[] = {
		{ "-", 0 },
		{ "CTOR", 0 },
		{ "HWCACHE_ALIGN", SLAB_HWCACHE_ALIGN },
		{ "CACHE_DMA", SLAB_CACHE_DMA },
		{ "RECLAIM_ACCOUNT", SLAB_RECLAIM_ACCOUNT },
		{ "TYPESAFE_BY_RCU", SLAB_TYPESAFE_BY_RCU },
		{ "CONSISTENCY_CHECKS", SLAB_CONSISTENCY_CHECKS },
		{ "RED_ZONE", SLAB_RED_ZONE },
		{ "POISON", SLAB_POISON },
		{ "STORE_USER", SLAB_STORE_USER },
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].name))
			continue;
		*flag = words[i].flag;
		return true;
	}
	return false;
}

/* False: a word that is no flag. */
static inline bool flags_of_words(const char *words, slab_flags_t *flags)
{
	char copy[100], *save, *word;
	slab_flags_t flag;

	*flags = 0;
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		if (!flag_of_word(word, &flag))
			return false;
		*flags |= flag;
	}
	return true;
}

#endif
