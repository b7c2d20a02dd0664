/* SPDX-License-Identifier: MIT */
/* All of libkmem's public headers. */
#ifndef KMEM_KMEM_H
#define KMEM_KMEM_H

#include <kmem/context.h>
#include <kmem/gfp.h>
#include <kmem/highmem.h>
#include <kmem/inspect.h>
#include <kmem/io.h>
#include <kmem/machine.h>
#include <kmem/memblock.h>
#include <kmem/memcg.h>
#include <kmem/mempool.h>
#include <kmem/mm.h>
#include <kmem/mmu.h>
#include <kmem/oom.h>
#include <kmem/proc.h>
#include <kmem/rcu.h>
#include <kmem/shrinker.h>
#include <kmem/slab.h>
#include <kmem/sysctl.h>
#include <kmem/trace.h>
#include <kmem/sysfs.h>
#include <kmem/types.h>
#include <kmem/vmalloc.h>

#endif
