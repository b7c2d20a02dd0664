/* SPDX-License-Identifier: MIT */
/*
 * A hash table written as kernel code. Entries come from a cache, long names and the buckets from
 * kmalloc; the caller's GFP flags say what may be done to get them. A step that fails undoes those
 * before it, and a table that cannot grow goes on with longer chains.
 *
 * Nothing in here knows that it runs in a process. With the kernel's <linux/slab.h> in place of
 * <kmem/slab.h> it is kernel code; under AddressSanitizer it runs as it is.
 */
#include "hashtable.h"

#include <errno.h>
#include <string.h>

#define FIRST_SHIFT 4
#define INLINE_LEN 32		/* shorter names lie in their entry, as in a dentry */

struct name {
	struct name *next;
	uint64_t hash;
	void *value;
	char *text;
	char inline_text[INLINE_LEN];
};

static struct kmem_cache *name_cache;

int names_start(void)
{
	name_cache = kmem_cache_create("name", sizeof(struct name), 0, SLAB_RECLAIM_ACCOUNT, NULL);
	return name_cache ? 0 : -ENOMEM;
}

void names_stop(void)
{
	kmem_cache_destroy(name_cache);
}

int names_init(struct names *t, gfp_t gfp)
{
	t->nr = 0;
	t->shift = FIRST_SHIFT;
	t->bucket = kcalloc((size_t)1 << t->shift, sizeof(*t->bucket), gfp);
	return t->bucket ? 0 : -ENOMEM;
}

/* Fowler, Noll and Vo's hash, 1a. */
static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * 0x100000001b3u;
	return hash;
}

static struct name **bucket_of(const struct names *t, uint64_t hash)
{
	return &t->bucket[hash >> (8 * sizeof(hash) - t->shift)];
}

/* The pointer that leads to the entry, or the NULL at the end of its chain. */
static struct name **find(const struct names *t, const char *text, uint64_t hash)
{
	struct name **at = bucket_of(t, hash);

	while (*at && ((*at)->hash != hash || strcmp((*at)->text, text)))
		at = &(*at)->next;
	return at;
}

/* Twice the buckets. No memory for them is no error, so it is no matter for the log. */
static void grow(struct names *t, gfp_t gfp)
{
	struct names larger = {.shift = t->shift + 1, .nr = t->nr};

	larger.bucket = kcalloc((size_t)1 << larger.shift, sizeof(*larger.bucket),
				gfp | __GFP_NOWARN | __GFP_NORETRY);
	if (!larger.bucket)
		return;
	for (size_t i = 0; i < (size_t)1 << t->shift; i++)
		for (struct name *n = t->bucket[i], *next; n; n = next) {
			struct name **to = bucket_of(&larger, n->hash);

			next = n->next;
			n->next = *to;
			*to = n;
		}
	kfree(t->bucket);
	*t = larger;
}

static void name_free(struct name *n)
{
	if (n->text != n->inline_text)
		kfree(n->text);
	kmem_cache_free(name_cache, n);
}

int name_add(struct names *t, const char *text, void *value, gfp_t gfp)
{
	uint64_t hash = hash_text(text);
	size_t size = strlen(text) + 1;
	struct name *n, **at;

	if (*find(t, text, hash))
		return -EEXIST;
	n = kmem_cache_alloc(name_cache, gfp);
	if (!n)
		return -ENOMEM;
	n->text = size <= INLINE_LEN ? n->inline_text : kmalloc(size, gfp);
	if (!n->text)
		goto free_entry;
	memcpy(n->text, text, size);
	n->hash = hash;
	n->value = value;
	if (t->nr >> t->shift)
		grow(t, gfp);
	at = bucket_of(t, hash);
	n->next = *at;
	*at = n;
	t->nr++;
	return 0;

free_entry:
	kmem_cache_free(name_cache, n);
	return -ENOMEM;
}

void *name_find(const struct names *t, const char *text)
{
	struct name *n = *find(t, text, hash_text(text));

	return n ? n->value : NULL;
}

void *name_del(struct names *t, const char *text)
{
	struct name **at = find(t, text, hash_text(text)), *n = *at;
	void *value;

	if (!n)
		return NULL;
	value = n->value;
	*at = n->next;
	t->nr--;
	name_free(n);
	return value;
}

void names_exit(struct names *t)
{
	for (size_t i = 0; i < (size_t)1 << t->shift; i++)
		for (struct name *n = t->bucket[i], *next; n; n = next) {
			next = n->next;
			name_free(n);
		}
	kfree(t->bucket);
}
