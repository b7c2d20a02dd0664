/* SPDX-License-Identifier: MIT */
/* Areas of the vmalloc region; theory in vmap_area.c. */
#ifndef KMEM_VMALLOC_VMAP_AREA_H
#define KMEM_VMALLOC_VMAP_AREA_H

#include "lib/kernel.h"
#include "lib/rbtree.h"

struct vmap_vm;

struct vmap_area {
	kva_t start, end;		/* [start, end), whole pages, guard page included */
	struct rb_node node;		/* by start, in the tree of its state */
	unsigned long kind;		/* busy: VM_ALLOC or VM_MAP */
	union {
		uint64_t longest;	/* free: the largest free area in this subtree, bytes */
		struct vmap_vm *vm;	/* busy: what it is used for */
		struct vmap_area *next;	/* on its way from one tree to another, or dead */
	};
};

struct vmap_areas {
	struct kernel *kernel;
	kva_t start, end;		/* constant: the region */
	unsigned long lazy_max;		/* constant: pages; more lazy ones are purged at once */

	struct arch_spinlock free_lock;
	struct rb_root free;		/* augmented by `longest` */

	struct arch_spinlock busy_lock;
	struct rb_root busy;

	struct arch_spinlock lazy_lock;
	struct rb_root lazy;
	unsigned long lazy_pages;	/* also read without the lock */

	struct arch_spinlock purge_lock;	/* held over a whole purge */
	uint64_t nr_purges;		/* that had something to do; under purge_lock */
};

/* The whole region is one free area. 0 or -ENOMEM. */
int vmap_areas_init(struct kernel *k, struct vmap_areas *areas, kva_t start, uint64_t size);

/* Release the nodes of free areas; nothing is busy or lazy any more. */
void vmap_areas_exit(struct vmap_areas *areas);

/* The lowest @size bytes that start at a multiple of @align (a power of two), busy for @vm. Purges
 * lazy areas if there is no room without them. NULL: no room, or no memory for the node. */
struct vmap_area *vmap_area_alloc(struct vmap_areas *areas, uint64_t size, uint64_t align,
				  unsigned long kind, struct vmap_vm *vm);

/* What the busy area with @kva in it is used for; NULL: no area. */
struct vmap_vm *vmap_area_find(struct vmap_areas *areas, kva_t kva);

/* The area that starts at @start is not busy any more, if it is of @kind: the caller's alone, of
 * several callers at once that of one. NULL: no such area. */
struct vmap_area *vmap_area_take(struct vmap_areas *areas, kva_t start, unsigned long kind);

/* Make an area that was taken lazy: its addresses are free after the next purge, which comes at
 * once when very many are waiting. Nothing but the host's window may map it any more. */
void vmap_area_free(struct vmap_areas *areas, struct vmap_area *va);

/* Really unmap all lazy areas and make their addresses free. Waits for a purge under way. */
void vmap_areas_purge(struct vmap_areas *areas);

#endif
