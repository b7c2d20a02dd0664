/* SPDX-License-Identifier: MIT */
/*
 * The contract between the common code and a backend. A backend (src/slab, src/slub, src/slob)
 * implements everything declared here and nothing more; it includes no other backend.
 *
 * A backend also defines these public functions itself, since they are the fast paths:
 *   kmem_cache_alloc, kmem_cache_alloc_node, kmem_cache_free, kmem_cache_alloc_bulk,
 *   kmem_cache_free_bulk, kmalloc, kmalloc_node, kfree, ksize.
 * common defines the rest of <kmem/slab.h> on top of them.
 *
 * Common duties a backend can count on: arguments of kmem_cache_create are checked, flags are
 * masked by backend_traits.create_flags, name and the fields of struct kmem_cache are filled before
 * backend_create; create, destroy, shrink and the texts of caches are serialised by the registry's
 * mutex, which is no spin lock: CPUs may be claimed and pages allocated under it.
 *
 * What the fast paths leave to common (declared in kmalloc.h and registry.h):
 *   kmalloc_slow, kfree_slow, ksize_slow   size 0, above the classes, and every pointer of no slab
 *   slab_want_zero, slab_fix_gfp           __GFP_ZERO, and flags that make no sense for slabs
 *   slab_bug, slab_wrong_cache             reports of misuse
 */
#ifndef KMEM_COMMON_BACKEND_H
#define KMEM_COMMON_BACKEND_H

#include "common/kmem_cache.h"
#include "lib/kfmt.h"

#include <limits.h>

#include <kmem/inspect.h>

/* The files of a cache (sysfs.h): the name of the @i-th, NULL past the last; one's text, or -ENOENT;
 * what writing a line to it does: 0, -ENOENT, -EIO (not writable), -EINVAL, -ERANGE. The mutex is
 * held. */
struct cache_files {
	const char *(*name)(unsigned int i);
	long (*show)(struct kmem_cache *s, const char *name, struct seq_file *m);
	long (*store)(struct kmem_cache *s, const char *name, const char *text);
};

struct backend_traits {
	const char *name;		/* "slab", "slub", "slob" */
	const char *title;		/* as Linux's reports spell it */
	size_t cache_size;		/* bytes of the backend's cache structure */
	unsigned int kmalloc_shift_low;	/* smallest kmalloc class, log2; 0: no classes (SLOB) */
	unsigned int kmalloc_max_cache;	/* largest kmalloc class, bytes; 0: no classes */
	slab_flags_t kmalloc_flags;	/* of the kmalloc classes: SLAB_HWCACHE_ALIGN on SLAB, else 0 */
	slab_flags_t create_flags;	/* flags kmem_cache_create keeps */
	slab_flags_t debug_flags;	/* those of the debug word's letters that there are; 0: the
					   backend has no such word yet */
	bool has_slabinfo;		/* lines for caches in slabinfo; else its header alone */
	bool merges;			/* like caches share slabs (cache_merge.c) */
	bool reaps;			/* reclaim shrinks its caches: it keeps free objects for long */
	bool merge_same_align;		/* only where the old cache's alignment does, too */

	/* New tunables of a cache, as written to slabinfo: @limit and @batchcount at least 1,
	 * @batchcount at most @limit. 0 or -ENOMEM; the registry's mutex is held. NULL: there are
	 * none. */
	int (*tune)(struct kmem_cache *s, unsigned int limit, unsigned int batchcount,
		    unsigned int shared);

	/* CPU @cpu's turn at giving back what @s keeps and nobody uses. Each CPU has one every
	 * reap_ms of the machine's clock, the first one at reap_first_ms; @tick counts them, @now is
	 * the clock. The registry's mutex is held. NULL: nothing is done by the clock. */
	void (*reap)(struct kmem_cache *s, unsigned int cpu, uint64_t tick, uint64_t now);
	unsigned int reap_first_ms, reap_ms;

	/* kmem_cache_validate(). The registry's mutex is held. */
	long (*validate)(struct kmem_cache *s);

	/* NULL: caches have no files. */
	const struct cache_files *files;
};

/* Constant, one a build. */
extern const struct backend_traits backend_traits;

/* Numbers of a cache, as slabinfo prints them. */
struct slabinfo {
	unsigned long active_objs;
	unsigned long num_objs;
	unsigned long active_slabs;
	unsigned long num_slabs;
	unsigned long shared_avail;
	unsigned int limit;
	unsigned int batchcount;
	unsigned int shared;
	unsigned int objects_per_slab;
	unsigned int cache_order;
};

/* Boot: state of the backend for this machine, in k->backend. Called once after the page allocator
 * is up and before the registry and any cache exist: its memory comes from arch_host_alloc(), for
 * meta_alloc() does not work yet. 0 or -ENOMEM. */
int backend_init(struct kernel *k);

/* Derive size, order and layout of @s from object_size, align, flags and ctor, and make its per-CPU
 * and per-node parts. Sets s->size, s->align, s->flags, and what cache_set_init() sets. 0, -E2BIG
 * (no slab order fits), -ENOMEM; nothing is left behind on failure. */
int backend_create(struct kmem_cache *s);

/* s->object_size has grown, within s->size, since another cache was merged into @s. */
void backend_object_grew(struct kmem_cache *s);

/* Flush everything cached, free the empty slabs. 0 when no slab is left and backend_release() may
 * follow; else the number of live objects, and the cache goes on working. */
unsigned long backend_shutdown(struct kmem_cache *s);

/* Lines of a leak report into @m: for each slab with live objects its line ("Slab 0x… objects=64
 * used=1 …", the kernel's), then "Object 0x… @offset=N" for each live object, at most @max of them.
 * Addresses by slab_addr(). A backend that cannot tell which objects live writes nothing. */
void backend_report_live(struct kmem_cache *s, unsigned int max, struct seq_file *m);

/* Give the per-CPU and per-node parts back, after backend_shutdown() returned 0. */
void backend_release(struct kmem_cache *s);

/* kmem_cache_shrink(). */
int backend_shrink(struct kmem_cache *s);

void backend_get_slabinfo(struct kmem_cache *s, struct slabinfo *info);

/* Text of kmem_cache_print_geometry() and kmem_cache_print_state(). */
void backend_show_geometry(struct kmem_cache *s, bool counts, struct seq_file *m);
void backend_show_state(struct kmem_cache *s, struct kernel *k, kmem_label_fn *label, void *arg,
			struct seq_file *m);

/* kmem_cache_of() and kmem_slab_base(): @page is the head of the compound page (or SLOB page) that
 * holds @object and is no large block. NULL if there is no object. */
struct kmem_cache *backend_cache_of(struct kernel *k, struct page *page);

/* Where in an object of @s the address @p lies, which lies in the slab @head: bytes from the
 * object's beginning; negative: so many in front of it, in its red zone; BACKEND_NO_OBJECT: in
 * none. */
#define BACKEND_NO_OBJECT LONG_MIN
long backend_offset(const struct kmem_cache *s, const struct page *head, const void *p);

/* Lines "Allocated in …" and "Freed in …" with stacks about @object, which lies in @s, as far as its
 * cache remembers them (SLAB_STORE_USER); else nothing. */
void backend_put_tracks(struct kmem_cache *s, const void *object, struct seq_file *m);

/* What a cache remembers of its @object; zero where nothing is. */
struct slab_obj_info {
	size_t data_offset;		/* bytes in front of it that are the allocator's */
	const void *caller;		/* who allocated it last, a return address */
	uint32_t alloc_stack;		/* handles of stack_depot.h */
	uint32_t free_stack;
};
void backend_obj_info(const struct kmem_cache *s, const void *object, struct slab_obj_info *info);

/* Bytes of @s's per-node parts, per-CPU parts (of all CPUs) and off-slab lists now. The structure
 * itself (cache_size) and the name are counted by common. */
size_t backend_management_bytes(struct kmem_cache *s);

/* The same of an empty cache like @s on a machine of @nodes nodes, all with memory, and @cpus CPUs. */
uint64_t backend_scaled_bytes(const struct kmem_cache *s, unsigned int nodes, unsigned int cpus);

/* lib/fork.h: the backend's spin locks, in the order of their ranks. The registry's mutex is held. */
struct fork_walk;
bool backend_fork(struct kernel *k, struct fork_walk *w);

#endif
