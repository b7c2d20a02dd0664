/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdlib.h>
#include <string.h>

/* Every bit that a GFP word of 6.1 stands for, from DMA to ACCOUNT. */
#define GFP_ALL_BITS (2 * __GFP_ACCOUNT - 1)

struct flag_word {
	const char *name;
	unsigned int value;
};

/* Words that stand for several bits come first: ATOMIC in a script is GFP_ATOMIC. */
static const struct flag_word gfp_sets[] = {
	{"ATOMIC", GFP_ATOMIC},
	{"KERNEL", GFP_KERNEL},
	{"KERNEL_ACCOUNT", GFP_KERNEL_ACCOUNT},
	{"NOWAIT", GFP_NOWAIT},
	{"NOIO", GFP_NOIO},
	{"NOFS", GFP_NOFS},
	{"USER", GFP_USER},
	{"DMA", GFP_DMA},
	{"DMA32", GFP_DMA32},
	{"HIGHUSER", GFP_HIGHUSER},
	{"HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE},
	{"TRANSHUGE_LIGHT", GFP_TRANSHUGE_LIGHT},
	{"TRANSHUGE", GFP_TRANSHUGE},
};

static const struct flag_word gfp_bits[] = {
	{"DMA", __GFP_DMA},
	{"HIGHMEM", __GFP_HIGHMEM},
	{"DMA32", __GFP_DMA32},
	{"MOVABLE", __GFP_MOVABLE},
	{"RECLAIMABLE", __GFP_RECLAIMABLE},
	{"HIGH", __GFP_HIGH},
	{"IO", __GFP_IO},
	{"FS", __GFP_FS},
	{"ZERO", __GFP_ZERO},
	{"ATOMIC", __GFP_ATOMIC},
	{"DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM},
	{"KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM},
	{"RECLAIM", __GFP_RECLAIM},
	{"WRITE", __GFP_WRITE},
	{"NOWARN", __GFP_NOWARN},
	{"RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL},
	{"NOFAIL", __GFP_NOFAIL},
	{"NORETRY", __GFP_NORETRY},
	{"MEMALLOC", __GFP_MEMALLOC},
	{"COMP", __GFP_COMP},
	{"NOMEMALLOC", __GFP_NOMEMALLOC},
	{"HARDWALL", __GFP_HARDWALL},
	{"THISNODE", __GFP_THISNODE},
	{"ACCOUNT", __GFP_ACCOUNT},
	{"COLD", __GFP_COLD},
};

static const struct flag_word slab_words[] = {
	{"CONSISTENCY_CHECKS", SLAB_CONSISTENCY_CHECKS},
	{"RED_ZONE", SLAB_RED_ZONE},
	{"POISON", SLAB_POISON},
	{"HWCACHE_ALIGN", SLAB_HWCACHE_ALIGN},
	{"CACHE_DMA", SLAB_CACHE_DMA},
	{"CACHE_DMA32", SLAB_CACHE_DMA32},
	{"STORE_USER", SLAB_STORE_USER},
	{"RECLAIM_ACCOUNT", SLAB_RECLAIM_ACCOUNT},
	{"PANIC", SLAB_PANIC},
	{"TYPESAFE_BY_RCU", SLAB_TYPESAFE_BY_RCU},
	{"MEM_SPREAD", SLAB_MEM_SPREAD},
	{"TRACE", SLAB_TRACE},
	{"DEBUG_OBJECTS", SLAB_DEBUG_OBJECTS},
	{"NOLEAKTRACE", SLAB_NOLEAKTRACE},
	{"FAILSLAB", SLAB_FAILSLAB},
	{"ACCOUNT", SLAB_ACCOUNT},
	{"NO_USER_FLAGS", SLAB_NO_USER_FLAGS},
};

static const struct flag_word *find_word(const struct flag_word *words, size_t n, const char *text,
					 size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(words[i].name) == len && !memcmp(words[i].name, text, len))
			return &words[i];
	return NULL;
}

static void keep_bad(char bad[32], const char *text, size_t len)
{
	if (bad)
		snprintf(bad, 32, "%.*s", (int)(len < 31 ? len : 31), text);
}

/* The next of the words that '|' joins; false at the end. */
static bool next_word(const char **at, const char **word, size_t *len)
{
	if (!*at)
		return false;
	*word = *at;
	*len = strcspn(*at, "|");
	*at = (*at)[*len] ? *at + *len + 1 : NULL;
	return true;
}

bool gfp_from_script(const char *text, gfp_t *out, char bad[32])
{
	const struct flag_word *w;
	const char *word;
	size_t len;

	*out = 0;
	if (!strcmp(text, "-"))
		return true;
	while (next_word(&text, &word, &len)) {
		w = find_word(gfp_sets, ARRAY_SIZE(gfp_sets), word, len);
		if (!w)
			w = find_word(gfp_bits, ARRAY_SIZE(gfp_bits), word, len);
		if (!w) {
			keep_bad(bad, word, len);
			return false;
		}
		*out |= w->value;
	}
	return true;
}

static const struct flag_word *find_trace_word(const char *word, size_t len)
{
	if (len > 6 && !memcmp(word, "__GFP_", 6))
		return find_word(gfp_bits, ARRAY_SIZE(gfp_bits), word + 6, len - 6);
	if (len > 4 && !memcmp(word, "GFP_", 4))
		return find_word(gfp_sets, ARRAY_SIZE(gfp_sets), word + 4, len - 4);
	return NULL;
}

/* A number instead of words, or the rest that has none: "0x152c4a". */
static bool is_number(const char *word, size_t len, unsigned long *out)
{
	char *end;

	if (!len || *word < '0' || *word > '9')
		return false;
	*out = strtoul(word, &end, 0);
	return end == word + len;
}

/* Return: whether 6.1 has all of the word. */
static bool add_trace_word(const char *word, size_t len, gfp_t *out)
{
	const struct flag_word *w = find_trace_word(word, len);
	unsigned long n;

	if (w) {
		*out |= w->value;
		if (w->value == GFP_NOWAIT && word[0] == 'G')
			*out |= __GFP_NOWARN;
		return true;
	}
	if (is_number(word, len, &n)) {
		*out |= n & GFP_ALL_BITS;
		return !(n & ~(unsigned long)GFP_ALL_BITS);
	}
	return len == 4 && !memcmp(word, "none", 4);
}

unsigned int gfp_from_trace(const char *text, gfp_t *out, char bad[32])
{
	unsigned int unknown = 0;
	const char *word;
	size_t len;

	*out = 0;
	while (next_word(&text, &word, &len)) {
		if (!add_trace_word(word, len, out) && !unknown++)
			keep_bad(bad, word, len);
	}
	return unknown;
}

bool slab_flags_from_script(const char *text, slab_flags_t *out, bool *ctor, char bad[32])
{
	const struct flag_word *w;
	const char *word;
	size_t len;

	*out = 0;
	*ctor = false;
	if (!strcmp(text, "-"))
		return true;
	while (next_word(&text, &word, &len)) {
		if (len == 4 && !memcmp(word, "CTOR", 4)) {
			*ctor = true;
			continue;
		}
		w = find_word(slab_words, ARRAY_SIZE(slab_words), word, len);
		if (!w) {
			keep_bad(bad, word, len);
			return false;
		}
		*out |= w->value;
	}
	return true;
}
