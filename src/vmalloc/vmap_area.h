/* SPDX-License-Identifier: MIT */
/* Areas of the vmalloc region; theory in vmap_area.c. */
#ifndef KMEM_VMALLOC_VMAP_AREA_H
#define KMEM_VMALLOC_VMAP_AREA_H

#include "lib/kernel.h"
#include "lib/rbtree.h"

struct vmap_vm;

/* Kinds of busy areas: the flags VM_ALLOC, VM_MAP, VM_IOREMAP of <kmem/vmalloc.h>, and these, which
 * have no vmap_vm. */
#define VMAP_RAM 0x10000ul	/* vm_map_ram(), too large for a block */
#define VMAP_BLOCK 0x20000ul	/* a block of vm_map_ram() */

struct vmap_area {
	kva_t start, end;		/* [start, end), whole pages, guard page included */
	struct rb_node node;		/* by start, in the tree of its state */
	unsigned long kind;		/* busy */
	union {
		uint64_t longest;	/* free: the largest free area in this subtree, bytes */
		struct vmap_vm *vm;	/* busy: what it is used for; NULL: vm_map_ram() */
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

	void (*purge_all)(struct vmap_areas *areas);	/* NULL: vmap_areas_purge(); constant */
	struct arch_spinlock purge_lock;	/* held over a whole purge */
	uint64_t nr_purges;		/* that had something to do; under purge_lock */
};

/* The whole region is one free area. 0 or -ENOMEM. */
int vmap_areas_init(struct kernel *k, struct vmap_areas *areas, kva_t start, uint64_t size);

/* Release the nodes of free areas; nothing is busy or lazy any more. */
void vmap_areas_exit(struct vmap_areas *areas);

struct vmap_request {
	uint64_t size, align;		/* bytes; a power of two */
	kva_t start, end;		/* where it may lie; both 0: anywhere */
	unsigned long kind;
	gfp_t gfp;			/* of the node; __GFP_NOWARN */
	struct vmap_vm *vm;		/* NULL for kinds that have none */
	bool *full;			/* set if there is no room; may be NULL */
};

/* The lowest @r->size bytes that start at a multiple of @r->align, busy. Purges lazy areas if there
 * is no room without them. NULL: no room, or no memory for the node. */
struct vmap_area *vmap_area_alloc(struct vmap_areas *areas, const struct vmap_request *r);

/* What the busy area with @kva in it is used for; NULL: no area, or one of a kind without. */
struct vmap_vm *vmap_area_find(struct vmap_areas *areas, kva_t kva);

/* Call @fn for each busy area that has something in common with [@start, @end), ascending, under the
 * lock of the busy tree. */
void vmap_areas_for_each(struct vmap_areas *areas, kva_t start, kva_t end,
			 void (*fn)(const struct vmap_area *va, void *arg), void *arg);

/* The area that starts at @start is not busy any more, if it is of @kind: the caller's alone, of
 * several callers at once that of one. NULL: no such area. */
struct vmap_area *vmap_area_take(struct vmap_areas *areas, kva_t start, unsigned long kind);

/* The same, if it has @size bytes. */
struct vmap_area *vmap_area_take_sized(struct vmap_areas *areas, kva_t start, unsigned long kind,
				       uint64_t size);

/* Make an area that was taken lazy: its addresses are free after the next purge, which comes at
 * once when very many are waiting. Nothing but the host's window may map it any more. */
void vmap_area_free(struct vmap_areas *areas, struct vmap_area *va);

/* Really unmap all lazy areas and make their addresses free. Waits for a purge under way. */
void vmap_areas_purge(struct vmap_areas *areas);

/* lib/fork.h: the locks. */
struct fork_walk;
bool vmap_areas_fork(struct vmap_areas *areas, struct fork_walk *w);

#endif
