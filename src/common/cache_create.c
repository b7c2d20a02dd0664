/* SPDX-License-Identifier: MIT */
/*
 * Life of a cache: arguments checked, alignment chosen, structure made, on the registry's list;
 * and back.
 *
 * The structure of a cache comes from the cache "kmem_cache", as in Linux; from the private pool
 * for the library's own caches and with isolate_metadata. Where an old cache serves as well, none
 * is made (cache_merge.c).
 */
#include "common/backend.h"
#include "common/debug_words.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "lib/errno.h"
#include "lib/math.h"
#include "lib/report.h"
#include "lib/string.h"

#include <kmem/sysfs.h>

#define SLAB_FLAGS_PERMITTED                                                                      \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_KMALLOC |                     \
	 SLAB_HWCACHE_ALIGN | SLAB_CACHE_DMA | SLAB_CACHE_DMA32 | SLAB_STORE_USER |                 \
	 SLAB_RECLAIM_ACCOUNT | SLAB_PANIC | SLAB_TYPESAFE_BY_RCU | SLAB_MEM_SPREAD | SLAB_TRACE |  \
	 SLAB_DEBUG_OBJECTS | SLAB_NOLEAKTRACE | SLAB_FAILSLAB | SLAB_ACCOUNT | SLAB_NO_USER_FLAGS)

unsigned int cache_calculate_alignment(slab_flags_t flags, unsigned int align, unsigned int size)
{
	if (flags & SLAB_HWCACHE_ALIGN) {
		unsigned int line = CACHE_LINE_SIZE;

		while (size <= line / 2)
			line /= 2;
		if (align < line)
			align = line;
	}
	if (align < ARCH_SLAB_MINALIGN)
		align = ARCH_SLAB_MINALIGN;
	return round_up(align, sizeof(void *));
}

/* --- structures ------------------------------------------------------------------------------- */

static struct kmem_cache *cache_struct_alloc(struct kernel *k, bool boot)
{
	struct cache_registry *r = k->caches;

	if (boot || !r->kmem_cache)
		return meta_pool_alloc(k, backend_traits.cache_size);
	return kmem_cache_alloc(r->kmem_cache, GFP_KERNEL | __GFP_ZERO);
}

static void cache_struct_free(struct kernel *k, struct kmem_cache *s)
{
	struct cache_registry *r = k->caches;

	s->kernel = NULL;
	if (s->boot || !r->kmem_cache)
		meta_pool_free(k, s, backend_traits.cache_size);
	else
		kmem_cache_free(r->kmem_cache, s);
}

static void cache_free(struct kernel *k, struct kmem_cache *s)
{
	cache_free_names(k, s);
	cache_struct_free(k, s);
}

/* A cache with @from's description, on no list yet. */
static int cache_make(struct kernel *k, const struct kmem_cache *from, struct kmem_cache **out)
{
	size_t len = strlen(from->name) + 1;
	char *name = meta_alloc(k, len, NUMA_NO_NODE);
	struct kmem_cache *s;
	int err;

	if (!name)
		return -ENOMEM;
	memcpy(name, from->name, len);
	s = cache_struct_alloc(k, from->boot);
	if (!s) {
		meta_free(k, name, len);
		return -ENOMEM;
	}
	*s = *from;
	s->name = name;
	s->kernel = k;
	s->refcount = 1;
	err = backend_create(s);
	if (err) {
		cache_free(k, s);
		return err;
	}
	*out = s;
	return 0;
}

static void cache_link(struct kernel *k, struct kmem_cache *s)
{
	list_add(&s->list, &k->caches->list);
	k->caches->nr_caches++;
}

struct kmem_cache *cache_create_boot(struct kernel *k, const char *name, unsigned int size,
				     unsigned int align, slab_flags_t flags)
{
	struct kmem_cache from = {
		.name = name,
		.object_size = size,
		.size = size,
		.align = cache_calculate_alignment(flags, align, size),
		.flags = debug_words_flags(k, name, flags),
		.boot = true,
	};
	struct kmem_cache *s;

	if (cache_make(k, &from, &s))
		return NULL;
	cache_link(k, s);
	return s;
}

/* --- kmem_cache_create ------------------------------------------------------------------------ */

/* A place for the free pointer must be a word of an object whose contents outlive it. */
static const char *freeptr_refusal(const struct kmem_cache *from)
{
	unsigned int offset = from->freeptr_offset;

	if (!from->use_freeptr_offset)
		return offset ? "freeptr_offset without use_freeptr_offset" : NULL;
	if (!(from->flags & SLAB_TYPESAFE_BY_RCU))
		return "freeptr_offset without SLAB_TYPESAFE_BY_RCU";
	if (from->ctor)
		return "freeptr_offset with a constructor";
	if (offset % sizeof(void *) || from->object_size < sizeof(void *) ||
	    offset > from->object_size - sizeof(void *))
		return "freeptr_offset is no word of the object";
	return NULL;
}

/* Why a cache cannot be made, or NULL. */
static const char *create_refusal(const struct kmem_cache *from)
{
	if (!from->name || !*from->name)
		return "no name";
	if (!from->object_size)
		return "size 0";
	if (from->object_size > KMALLOC_MAX_SIZE)
		return "size above KMALLOC_MAX_SIZE";
	if (from->align & (from->align - 1))
		return "alignment is no power of two";
	if (from->flags & ~SLAB_FLAGS_PERMITTED)
		return "unknown flag";
	return freeptr_refusal(from);
}

static const char *error_reason(int err)
{
	if (err == -ENOMEM)
		return "out of memory";
	return err == -E2BIG ? "no slab is large enough" : "refused";
}

static void create_failed(struct kernel *k, const struct kmem_cache *from, int err, const char *why)
{
	const char *name = from->name ? from->name : "(null)";

	if (from->flags & SLAB_PANIC)
		report_panic(k, "Kernel panic - not syncing: kmem_cache_create: "
			     "Failed to create slab '%s'. Error %d (%s)", name, err, why);
	else
		report_warn(k, "kmem_cache_create(%s) failed with error %d (%s)", name, err, why);
}

/* As Linux: a window outside the object is warned about and dropped. */
static void check_usercopy(struct kernel *k, struct kmem_cache *from)
{
	bool bad = (!from->usersize && from->useroffset) || from->usersize > from->object_size ||
		   from->useroffset > from->object_size - from->usersize;

	if (!bad)
		return;
	report_warn(k, "kmem_cache_create_usercopy(%s): window %u+%u is outside the object of %u bytes",
		    from->name, from->useroffset, from->usersize, from->object_size);
	from->useroffset = 0;
	from->usersize = 0;
}

/* Of a caller's flags those that count: the debug flags do on SLUB, and elsewhere once the machine
 * was booted with the backend's debug word. */
static slab_flags_t kept_flags(const struct kernel *k)
{
	if (!k->params.slab_debug.text)
		return backend_traits.create_flags;
	return backend_traits.create_flags | backend_traits.debug_flags;
}

/* A new cache, or an old one that serves. */
static int cache_create_locked(struct kernel *k, const struct kmem_cache *from,
			       struct kmem_cache **out)
{
	int err;

	*out = cache_merge_locked(k, from);
	if (*out)
		return 0;
	err = cache_make(k, from, out);
	if (!err)
		cache_link(k, *out);
	return err;
}

struct kmem_cache *kmem_cache_create_args(const char *name, unsigned int size,
					  const struct kmem_cache_args *args, slab_flags_t flags)
{
	static const struct kmem_cache_args none;
	struct kmem_cache from = { .name = name, .object_size = size, .size = size, .flags = flags };
	struct kernel *k = arch_kernel();
	struct kmem_cache *s = NULL;
	const char *why;
	int err;

	if (!k)
		return NULL;
	args = args ? args : &none;
	from.align = args->align;
	from.ctor = args->ctor;
	from.useroffset = args->useroffset;
	from.usersize = args->usersize;
	from.freeptr_offset = args->freeptr_offset;
	from.use_freeptr_offset = args->use_freeptr_offset;
	why = create_refusal(&from);
	if (why) {
		create_failed(k, &from, -EINVAL, why);
		return NULL;
	}
	check_usercopy(k, &from);
	/* What is merged is decided by the flags that a cache will have. */
	from.flags = debug_words_flags(k, name, flags & kept_flags(k));
	from.align = cache_calculate_alignment(flags, args->align, size);

	caches_lock(k);
	err = cache_create_locked(k, &from, &s);
	caches_unlock(k);
	if (!err)
		return s;
	from.flags = flags;
	create_failed(k, &from, err, error_reason(err));
	return NULL;
}

struct kmem_cache *kmem_cache_create_usercopy(const char *name, unsigned int size, unsigned int align,
					      slab_flags_t flags, unsigned int useroffset,
					      unsigned int usersize, void (*ctor)(void *))
{
	const struct kmem_cache_args args = {
		.align = align,
		.useroffset = useroffset,
		.usersize = usersize,
		.ctor = ctor,
	};

	return kmem_cache_create_args(name, size, &args, flags);
}

/* In brackets: the name is a macro, too. */
struct kmem_cache *(kmem_cache_create)(const char *name, unsigned int size, unsigned int align,
				       slab_flags_t flags, void (*ctor)(void *))
{
	const struct kmem_cache_args args = { .align = align, .ctor = ctor };

	return kmem_cache_create_args(name, size, &args, flags);
}

/* --- destroy, shrink -------------------------------------------------------------------------- */

/* Whether @s is a live cache of the entered machine; else a report. */
static struct kernel *cache_kernel(const struct kmem_cache *s, const char *what)
{
	struct kernel *k = arch_kernel();

	if (!k || s->kernel == k)
		return k;
	report_bug(k, "%s: %p is no cache of this machine", what, (const void *)s);
	return NULL;
}

static void cache_unlink_locked(struct kernel *k, struct kmem_cache *s)
{
	list_del(&s->list);
	k->caches->nr_caches--;
}

void cache_destroy_locked(struct kernel *k, struct kmem_cache *s)
{
	cache_unlink_locked(k, s);
	backend_release(s);
	cache_free(k, s);
}

/* The end of a cache that is on no list. Its last slabs may be waiting for a grace period;
 * callbacks that run here may call the library, so the mutex is not held. */
static void cache_release(struct kernel *k, struct kmem_cache *s)
{
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier_on(k);
	backend_release(s);
	cache_free(k, s);
}

/* @caller: who called kmem_cache_destroy(). */
static void destroy_busy(struct kernel *k, struct kmem_cache *s, unsigned long live, void *caller)
{
	char from[128];

	cache_report_leak(s, live);
	arch_symbol((unsigned long)caller, from, sizeof(from));
	report_warn(k, "kmem_cache_destroy %s: Slab cache still has objects when called from %s", s->name,
		    from);
}

void kmem_cache_destroy(struct kmem_cache *s)
{
	struct kernel *k;
	unsigned long live;

	if (!s)
		return;
	k = cache_kernel(s, "kmem_cache_destroy");
	if (!k)
		return;
	if (s->boot) {
		report_bug(k, "kmem_cache_destroy: %s belongs to the library", s->name);
		return;
	}
	if (s->flags & SLAB_TYPESAFE_BY_RCU && !rcu_may_barrier(k, "kmem_cache_destroy"))
		return;
	caches_lock(k);
	if (s->refcount > 1) {
		s->refcount--;
		caches_unlock(k);
		return;
	}
	live = backend_shutdown(s);
	if (!live)
		cache_unlink_locked(k, s);
	else
		destroy_busy(k, s, live, __builtin_return_address(0));
	caches_unlock(k);
	if (!live)
		cache_release(k, s);
}

int kmem_cache_shrink(struct kmem_cache *s)
{
	struct kernel *k = cache_kernel(s, "kmem_cache_shrink");
	int ret;

	if (!k)
		return 0;
	caches_lock(k);
	ret = backend_shrink(s);
	caches_unlock(k);
	return ret;
}

long kmem_cache_validate(struct kmem_cache *s)
{
	struct kernel *k = cache_kernel(s, "kmem_cache_validate");
	long ret;

	if (!k)
		return -ENODEV;
	caches_lock(k);
	ret = backend_traits.validate(s);
	caches_unlock(k);
	return ret;
}

unsigned int kmem_cache_size(const struct kmem_cache *s)
{
	return cache_object_size(s);
}

const char *kmem_cache_name(const struct kmem_cache *s)
{
	return s->name;
}
