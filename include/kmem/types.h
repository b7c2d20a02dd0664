/* SPDX-License-Identifier: MIT */
/*
 * Words that every public header uses: how a function is declared, the three
 * address types, page geometry.
 *
 * Names. In source a function has Linux's name (`kmalloc`); the linker sees it
 * with the prefix `kmem_` (`kmem_kmalloc`), so that nothing clashes with a
 * program's own symbols. A program that defines KMEM_NO_KERNEL_NAMES before it
 * includes any header writes the prefixed names in source as well. Functions
 * whose Linux name starts with `kmem_` have one name only.
 *
 * Addresses. Three types, never mixed: a host pointer (what kmalloc returns; it
 * can be dereferenced), `kva_t` (what the simulated x86 would see at that place)
 * and `phys_addr_t` (bytes from the start of simulated physical memory).
 */
#ifndef KMEM_TYPES_H
#define KMEM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KMEM_BEGIN_DECLS extern "C" {
#define KMEM_END_DECLS }
#else
#define KMEM_BEGIN_DECLS
#define KMEM_END_DECLS
#endif

#define KMEM_API __attribute__((visibility("default")))

#ifdef KMEM_NO_KERNEL_NAMES
#define KMEM_FN(name) kmem_##name
#else
#define KMEM_FN(name) name
#endif

/* KMEM_DECL(void *, kmalloc, (size_t size, gfp_t gfp)); declares kmalloc, linked as kmem_kmalloc. */
#define KMEM_DECL(type, name, args) KMEM_API type KMEM_FN(name) args __asm__("kmem_" #name)

#define KMEM_MUST_CHECK __attribute__((warn_unused_result))
#define KMEM_MALLOC __attribute__((malloc))
#define KMEM_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

/* The same words, token for token, as <sys/user.h>: both headers may be included. */
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE-1))

/* Orders of the page allocator: 0 … MAX_ORDER - 1, as in Linux 6.1. */
#define MAX_ORDER 11

/* "No particular node": the caller's own node first. */
#define NUMA_NO_NODE (-1)

/* Numbers that nodes can have: 0 … MAX_NUMNODES - 1, as in a kernel with CONFIG_NODES_SHIFT=10. */
#define MAX_NUMNODES 1024

/* Physical address: bytes from the start of simulated physical memory. */
typedef uint64_t phys_addr_t;

/* Virtual address as the simulated x86 sees it; never dereferenced by the host. */
typedef uint64_t kva_t;

/* Allocation flags: GFP_* of gfp.h. */
typedef unsigned int gfp_t;

/* Cache flags: SLAB_* of slab.h. */
typedef unsigned int slab_flags_t;

struct machine;
struct page;
struct kmem_cache;

#endif
