/* SPDX-License-Identifier: MIT */
/*
 * Small objects: caches and kmalloc. One API over three backends; which one stands behind it is
 * chosen at link time (libkmem-slab, libkmem-slub, libkmem-slob; libkmem is the configured one).
 * Flag values and semantics are Linux 6.1's (its Documentation/core-api/mm-api.rst).
 *
 * Unless a function says otherwise: any thread may call it in any context (context.h); it works on
 * the machine the thread has entered, and fails without one; with a flag that contains
 * __GFP_DIRECT_RECLAIM it may sleep, else it never does; running out returns NULL, with the
 * kernel's failure report in the log unless __GFP_NOWARN; misuse is reported (machine.h) and, when
 * the handler goes on, refused. Sizes are bytes.
 */
#ifndef KMEM_SLAB_H
#define KMEM_SLAB_H

#include <kmem/gfp.h>
#include <kmem/types.h>

KMEM_BEGIN_DECLS

#define SLAB_CONSISTENCY_CHECKS ((slab_flags_t)0x00000100u)	/* F: costly checks on alloc and free */
#define SLAB_RED_ZONE ((slab_flags_t)0x00000400u)		/* Z: red zones around objects */
#define SLAB_POISON ((slab_flags_t)0x00000800u)			/* P: fill free objects */
#define SLAB_KMALLOC ((slab_flags_t)0x00001000u)		/* a kmalloc cache */
#define SLAB_HWCACHE_ALIGN ((slab_flags_t)0x00002000u)		/* align to cache lines */
#define SLAB_CACHE_DMA ((slab_flags_t)0x00004000u)		/* slabs from ZONE_DMA */
#define SLAB_CACHE_DMA32 ((slab_flags_t)0x00008000u)		/* slabs from ZONE_DMA32 */
#define SLAB_STORE_USER ((slab_flags_t)0x00010000u)		/* U: remember the last alloc and free */
#define SLAB_RECLAIM_ACCOUNT ((slab_flags_t)0x00020000u)	/* objects are reclaimable */
#define SLAB_PANIC ((slab_flags_t)0x00040000u)			/* panic if the cache cannot be made */
#define SLAB_TYPESAFE_BY_RCU ((slab_flags_t)0x00080000u)	/* slabs are freed after a grace period */
#define SLAB_MEM_SPREAD ((slab_flags_t)0x00100000u)		/* spread over nodes; accepted */
#define SLAB_TRACE ((slab_flags_t)0x00200000u)			/* T: log every alloc and free */
#define SLAB_DEBUG_OBJECTS ((slab_flags_t)0x00400000u)
#define SLAB_NOLEAKTRACE ((slab_flags_t)0x00800000u)
#define SLAB_FAILSLAB ((slab_flags_t)0x02000000u)		/* A: fault injection */
#define SLAB_ACCOUNT ((slab_flags_t)0x04000000u)		/* account to the caller's group */
#define SLAB_NO_USER_FLAGS ((slab_flags_t)0x10000000u)		/* ignore slub_debug= for this cache */

/* kmalloc(0): a pointer that must not be dereferenced and may be given to kfree(). */
#define ZERO_SIZE_PTR ((void *)16)
#define ZERO_OR_NULL_PTR(x) ((unsigned long)(x) <= (unsigned long)ZERO_SIZE_PTR)

/* Largest kmalloc() in bytes: a block of order MAX_ORDER - 1. */
#define KMALLOC_MAX_SIZE (1UL << (MAX_ORDER - 1 + PAGE_SHIFT))

/* Smallest alignment of kmalloc() and cache objects, in bytes. */
#define ARCH_KMALLOC_MINALIGN __alignof__(unsigned long long)
#define ARCH_SLAB_MINALIGN __alignof__(unsigned long long)

/**
 * kmem_cache_create - make a cache of objects of one size
 * @name:  copied; appears in slabinfo and reports
 * @size:  bytes of one object, 1 … KMALLOC_MAX_SIZE
 * @align: bytes, 0 or a power of two; the result is aligned at least to it
 * @flags: SLAB_*; unknown bits are an error
 * @ctor:  called for each object as its backend documents (SLAB, SLUB: once per object and life of
 *         its slab; SLOB: at each allocation); NULL for none. May not call the library.
 *
 * On SLAB and SLUB an old cache of like size, alignment and flags is returned instead of a new one
 * where that changes nothing for the caller (docs/small-objects.md, Merging; the word slab_nomerge
 * forbids it). Both have one handle then, with the first one's name and the larger one's size.
 *
 * Return: the cache, or NULL (a warning says why; with SLAB_PANIC a panic report, and NULL if its
 * handler goes on). Caches may be made by any thread at any time and may sleep. Source: Linux 6.1
 * mm-api, slab_common.
 */
KMEM_API struct kmem_cache *kmem_cache_create(const char *name, unsigned int size,
					      unsigned int align, slab_flags_t flags,
					      void (*ctor)(void *)) KMEM_MUST_CHECK;

/**
 * kmem_cache_create_usercopy - kmem_cache_create() with a window that may be copied to user space
 * @name:       this and @size, @align, @flags, @ctor: as kmem_cache_create()
 * @useroffset: first byte of the window, in the object
 * @usersize:   its length in bytes; 0: none
 *
 * kmem_check_usercopy() looks at it. A window outside the object is warned about and dropped, as in
 * Linux. A cache with a window is never merged. Else as kmem_cache_create(), which gives none.
 */
KMEM_API struct kmem_cache *kmem_cache_create_usercopy(const char *name, unsigned int size,
						       unsigned int align, slab_flags_t flags,
						       unsigned int useroffset,
						       unsigned int usersize,
						       void (*ctor)(void *)) KMEM_MUST_CHECK;

/* What a cache may be made with besides size and flags, as kernels since 6.12 have it. All zero: an
 * alignment of its own choice, no window for user space, no constructor. */
struct kmem_cache_args {
	unsigned int align;		/* as kmem_cache_create()'s */
	unsigned int useroffset;	/* as kmem_cache_create_usercopy()'s */
	unsigned int usersize;
	unsigned int freeptr_offset;	/* where in a free object SLUB may keep its pointer: a word of
					   the object that readers under RCU do not look at */
	bool use_freeptr_offset;	/* freeptr_offset counts (0 is a place, too). Only with
					   SLAB_TYPESAFE_BY_RCU and without a constructor */
	void (*ctor)(void *object);
};

/**
 * kmem_cache_create_args - kmem_cache_create() with everything but name, size and flags in a structure
 * @name:  as kmem_cache_create()
 * @size:  as kmem_cache_create()
 * @args:  NULL: all zero. Not kept.
 * @flags: as kmem_cache_create()
 *
 * In C kmem_cache_create() itself takes these four as well: kmem_cache_create("foo", sizeof(struct foo),
 * &args, SLAB_ACCOUNT). Objects of a TYPESAFE_BY_RCU cache grow by a word on SLUB unless freeptr_offset
 * names one; SLAB and SLOB keep no pointer in such objects, check the place and need it not. A place
 * that is no aligned word of the object, or that is given where it may not be, is an error. Else as
 * kmem_cache_create(). Source: Linux 6.12's mm-api.
 */
KMEM_API struct kmem_cache *kmem_cache_create_args(const char *name, unsigned int size,
						   const struct kmem_cache_args *args,
						   slab_flags_t flags) KMEM_MUST_CHECK;

#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
/* Both forms under one name, told apart by the third argument. */
#define kmem_cache_create(name, size, args, ...)                                                  \
	_Generic((args),                                                                           \
		struct kmem_cache_args *: kmem_cache_create_args,                                  \
		const struct kmem_cache_args *: kmem_cache_create_args,                            \
		void *: kmem_cache_create_args,                                                    \
		default: kmem_cache_create)(name, size, args, __VA_ARGS__)
#endif

/* A cache of struct @type, named and aligned like it. */
#define KMEM_CACHE(type, flags)                                                                   \
	kmem_cache_create(#type, sizeof(struct type), __alignof__(struct type), flags, NULL)

/* The same with the window of one member. */
#define KMEM_CACHE_USERCOPY(type, flags, field)                                                   \
	kmem_cache_create_usercopy(#type, sizeof(struct type), __alignof__(struct type), flags,    \
				   offsetof(struct type, field),                                   \
				   sizeof(((struct type *)0)->field), NULL)

/**
 * kmem_cache_destroy - give a cache and its empty slabs back; NULL is ignored
 *
 * Of merged caches (kmem_cache_create()) only the last one's destroy does it; the others drop a
 * reference. With SLAB_TYPESAFE_BY_RCU it waits as rcu_barrier() does (rcu.h). The library's own
 * caches and those of other machines are reported and left alone. Live objects are reported
 * ("Objects remaining in … on __kmem_cache_shutdown()") and the cache stays as it was. No other
 * thread may use the cache meanwhile. May sleep.
 */
KMEM_API void kmem_cache_destroy(struct kmem_cache *s);

/**
 * kmem_cache_shrink - return empty slabs to the page allocator
 *
 * Includes what CPUs keep for themselves. Return: 0 if no slab is left, else 1; always 0 on SLOB,
 * which keeps none. May sleep.
 */
KMEM_API int kmem_cache_shrink(struct kmem_cache *s);

/**
 * kmem_cache_size - bytes of one object, as given to kmem_cache_create()
 *
 * Of merged caches the most that any asked for. Needs no machine.
 */
KMEM_API unsigned int kmem_cache_size(const struct kmem_cache *s);

/** kmem_cache_name - the (first) name given to kmem_cache_create(), until the cache is destroyed. */
KMEM_API const char *kmem_cache_name(const struct kmem_cache *s);

/**
 * kmem_cache_alloc - an object
 * @s:   a cache of the entered machine
 * @gfp: GFP_*. __GFP_ZERO zeroes the object; with a constructor that is warned about and left
 *       out, as are __GFP_HIGHMEM and __GFP_DMA32: where slabs lie is the cache's business.
 *
 * Return: the object, or NULL. Free with kmem_cache_free().
 */
KMEM_API void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmem_cache_zalloc - kmem_cache_alloc(@s, @gfp | __GFP_ZERO). */
KMEM_API void *kmem_cache_zalloc(struct kmem_cache *s, gfp_t gfp) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * kmem_cache_alloc_node - an object of a node
 * @s:    as kmem_cache_alloc()
 * @gfp:  as kmem_cache_alloc()
 * @node: NUMA_NO_NODE: any. Another node's object is returned when @node has none, or is not there
 *        at all, unless __GFP_THISNODE.
 *
 * Return: the object, or NULL. A number that no node can have, below 0 or from MAX_NUMNODES on, is
 * reported as a BUG, as by a kernel with CONFIG_DEBUG_VM.
 */
KMEM_API void *kmem_cache_alloc_node(struct kmem_cache *s, gfp_t gfp, int node) KMEM_MALLOC
	KMEM_MUST_CHECK;

/* Opaque: lists of objects that a shrinker reclaims. libkmem has none. */
struct list_lru;

/**
 * kmem_cache_alloc_lru - kmem_cache_alloc() for an object that will stand on a list_lru
 * @s:   as kmem_cache_alloc()
 * @lru: not looked at, as in a kernel without memory cgroups; NULL is allowed
 * @gfp: as kmem_cache_alloc()
 *
 * Return: as kmem_cache_alloc().
 */
KMEM_API void *kmem_cache_alloc_lru(struct kmem_cache *s, struct list_lru *lru,
				    gfp_t gfp) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * kmem_cache_free - give an object back
 * @s:      the cache it came from
 * @object: NULL is ignored
 *
 * Reported and refused: a pointer that is no object, another cache's object, the object freed last
 * (docs of the backends say what else each finds; SLOB knows less of its objects). Never sleeps.
 */
KMEM_API void kmem_cache_free(struct kmem_cache *s, void *object);

/**
 * kmem_cache_alloc_bulk - many objects at once
 * @s:   as kmem_cache_alloc()
 * @gfp: as kmem_cache_alloc()
 * @nr:  how many
 * @p:   receives them
 *
 * Return: @nr, or 0: all or nothing.
 */
KMEM_API int kmem_cache_alloc_bulk(struct kmem_cache *s, gfp_t gfp, size_t nr,
				   void **p) KMEM_MUST_CHECK;

/**
 * kmem_cache_free_bulk - give many objects back
 * @s:  the cache of all of them; NULL: each may be of another, or of kmalloc()
 * @nr: how many
 * @p:  the objects, none of them twice; the array may be reordered
 *
 * Each is checked as by kmem_cache_free(), which sees a second free only of what was freed last: an object that
 * stands in @p twice is found for certain by SLOB and by caches with debug options. Never sleeps.
 */
KMEM_API void kmem_cache_free_bulk(struct kmem_cache *s, size_t nr, void **p);

/**
 * kmalloc - @size bytes, physically contiguous
 * @size: 0 gives ZERO_SIZE_PTR; above KMALLOC_MAX_SIZE fails with a warning unless __GFP_NOWARN
 * @gfp:  GFP_*. __GFP_DMA, __GFP_RECLAIMABLE and __GFP_ACCOUNT choose the kind of class.
 *
 * Aligned to ARCH_KMALLOC_MINALIGN, and to the size itself if that is a power of two (SLAB, SLUB,
 * SLOB alike). Free with kfree().
 */
KMEM_DECL(void *, kmalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * kmalloc_node - kmalloc() with a preferred node, as kmem_cache_alloc_node()
 *
 * Free with kfree().
 */
KMEM_DECL(void *, kmalloc_node, (size_t size, gfp_t gfp, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kzalloc - kmalloc(), zeroed. Free with kfree(). */
KMEM_DECL(void *, kzalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmalloc_array - @n × @size bytes; NULL when the product overflows. */
KMEM_DECL(void *, kmalloc_array, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kcalloc - kmalloc_array(), zeroed. */
KMEM_DECL(void *, kcalloc, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kzalloc_node - kmalloc_node(), zeroed. */
KMEM_DECL(void *, kzalloc_node, (size_t size, gfp_t gfp, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kmalloc_array_node - kmalloc_array() with a preferred node. */
KMEM_DECL(void *, kmalloc_array_node, (size_t n, size_t size, gfp_t gfp, int node)) KMEM_MALLOC
	KMEM_MUST_CHECK;

/** kcalloc_node - kcalloc() with a preferred node. */
KMEM_DECL(void *, kcalloc_node, (size_t n, size_t size, gfp_t gfp, int node)) KMEM_MALLOC
	KMEM_MUST_CHECK;

/**
 * kmalloc_size_roundup - bytes that kmalloc(@size) would really give
 * @size: bytes
 *
 * For callers that would use what ksize() tells, so that they can ask for it. Needs no machine.
 * Return: 0 for 0; above KMALLOC_MAX_SIZE the next power of two, though kmalloc() fails there.
 */
KMEM_DECL(size_t, kmalloc_size_roundup, (size_t size));

/**
 * krealloc - change the size of an object of kmalloc()
 * @p:    the object
 * @size: the size it shall have, in bytes
 * @gfp:  as kmalloc()
 *
 * The contents are kept up to the smaller size; the object stays where it is when it fits (ksize).
 * @p NULL is kmalloc(); @size 0 frees @p and returns ZERO_SIZE_PTR. On failure NULL, @p untouched;
 * what is no object is reported.
 */
KMEM_DECL(void *, krealloc, (const void *p, size_t size, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * krealloc_array - krealloc() to @n × @size bytes
 * @p:    as krealloc()
 * @n:    elements
 * @size: bytes of one
 * @gfp:  as kmalloc()
 *
 * Return: as krealloc(); NULL, @p untouched, when the product overflows.
 */
KMEM_DECL(void *, krealloc_array, (void *p, size_t n, size_t size, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * kfree - free what kmalloc() and its relatives returned
 * @p: NULL and ZERO_SIZE_PTR are ignored
 *
 * On SLAB and SLUB it also frees objects of kmem_cache_alloc(). On SLOB it cannot: an object of a
 * cache carries no size there. That is reported and refused; programs for all three backends, as
 * kernel code up to Linux 6.3, call kmem_cache_free(). Checks as kmem_cache_free(). Never sleeps.
 */
KMEM_DECL(void, kfree, (const void *p));

/**
 * ksize - how many bytes of an object of kmalloc() may be used
 * @p: the object
 *
 * Return: at least what was asked for; 0 for NULL, ZERO_SIZE_PTR and, after a report, what is no
 * object. Never sleeps.
 */
KMEM_DECL(size_t, ksize, (const void *p));

/**
 * kfree_sensitive - kfree() after writing zeros over all of the object (ksize() bytes)
 * @p: NULL and ZERO_SIZE_PTR are ignored
 *
 * For keys and the like. Misuse is reported in the name of ksize. Never sleeps.
 */
KMEM_DECL(void, kfree_sensitive, (const void *p));

/** kfree_bulk - kfree() of @nr objects; kmem_cache_free_bulk(NULL, @nr, @p). */
KMEM_DECL(void, kfree_bulk, (size_t nr, void **p));

/**
 * kmemdup - a copy of some bytes
 * @src: them
 * @len: how many; 0 gives ZERO_SIZE_PTR
 * @gfp: as kmalloc()
 *
 * Return: the copy, or NULL. Free with kfree().
 */
KMEM_DECL(void *, kmemdup, (const void *src, size_t len, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * kmemdup_nul - a string of some bytes
 * @s:   them; NULL gives NULL
 * @len: how many; a NUL is put behind them
 * @gfp: as kmalloc()
 *
 * Return: the string, or NULL. Free with kfree().
 */
KMEM_DECL(char *, kmemdup_nul, (const char *s, size_t len, gfp_t gfp)) KMEM_MUST_CHECK;

/** kstrdup - a copy of the string @s; NULL for NULL. Free with kfree(). */
KMEM_DECL(char *, kstrdup, (const char *s, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * kstrndup - a copy of a string's beginning
 * @s:   NULL gives NULL
 * @max: at most so many characters of it; not a byte is read behind them
 * @gfp: as kmalloc()
 *
 * Return: the string, or NULL. Free with kfree().
 */
KMEM_DECL(char *, kstrndup, (const char *s, size_t max, gfp_t gfp)) KMEM_MUST_CHECK;

/**
 * kvmalloc_node - @size bytes from kmalloc() if it has them, else from vmalloc()
 * @size: up to a page it is always kmalloc(); above INT_MAX it fails with a warning
 * @gfp:  must allow sleeping for vmalloc() to be tried. For more than a page kmalloc() is tried
 *        without a warning and, unless with __GFP_RETRY_MAYFAIL, without trying hard.
 * @node: as kmalloc_node()
 *
 * Large objects may thus be contiguous only virtually. Return: the object, or NULL. Free with
 * kvfree().
 */
KMEM_DECL(void *, kvmalloc_node, (size_t size, gfp_t gfp, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kvmalloc - kvmalloc_node(@size, @gfp, NUMA_NO_NODE). */
KMEM_DECL(void *, kvmalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kvzalloc - kvmalloc(), zeroed. */
KMEM_DECL(void *, kvzalloc, (size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kvzalloc_node - kvmalloc_node(), zeroed. */
KMEM_DECL(void *, kvzalloc_node, (size_t size, gfp_t gfp, int node)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kvmalloc_array - kvmalloc() of @n × @size bytes; NULL when the product overflows. */
KMEM_DECL(void *, kvmalloc_array, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/** kvcalloc - kvmalloc_array(), zeroed. */
KMEM_DECL(void *, kvcalloc, (size_t n, size_t size, gfp_t gfp)) KMEM_MALLOC KMEM_MUST_CHECK;

/**
 * kvrealloc - a larger object in place of one of kvmalloc()
 * @p:       it; NULL with @oldsize 0
 * @oldsize: its bytes; they are copied
 * @newsize: wanted bytes
 * @gfp:     as kvmalloc_node()
 *
 * Return: @p itself if @newsize is not larger; else the new object, @p is freed; NULL: no memory,
 * @p untouched.
 */
KMEM_DECL(void *, kvrealloc, (const void *p, size_t oldsize, size_t newsize, gfp_t gfp))
	KMEM_MUST_CHECK;

/** kvfree - free what kvmalloc(), kmalloc() or vmalloc() returned; NULL is ignored. As vfree(). */
KMEM_DECL(void, kvfree, (const void *p));

/** kvfree_sensitive - kvfree() after writing zeros over the first @len bytes at @p. */
KMEM_DECL(void, kvfree_sensitive, (const void *p, size_t len));

/**
 * kmem_check_usercopy - whether bytes may be copied to or from user space
 * @p:       the first of them
 * @n:       how many; 0 is always good
 * @to_user: true for a copy to user space, false for one from there
 *
 * Linux's hardened usercopy (check_object_size() there), for code that has copy functions of its
 * own. The bytes must lie within one object and, on SLAB and SLUB, in its cache's window: none for
 * kmem_cache_create(), all of it for kmalloc(). SLOB does not know where objects begin. Blocks of
 * kmalloc(), compound pages and areas of vmalloc() must hold all bytes. What is not this machine's
 * memory is nobody's business here.
 *
 * Return: 0, or -EFAULT after the kernel's report, a BUG: "usercopy: Kernel memory exposure attempt
 * detected from SLUB object 'NAME' (offset 8, size 16)!". Never sleeps.
 */
KMEM_API int kmem_check_usercopy(const void *p, unsigned long n, bool to_user);

KMEM_END_DECLS

#endif
