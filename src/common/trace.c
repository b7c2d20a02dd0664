/* SPDX-License-Identifier: MIT */
/* Events of objects: their fields, as 6.1 prints them. */
#include "common/trace.h"

#include "buddy/buddy.h"
#include "common/registry.h"

#define SITE TRACE_SITE_LEN

/* As %p without hashing: 16 digits, NULL too. */
static unsigned long long shown(const void *object)
{
	return object ? slab_addr(object) : 0;
}

static const char *truth(bool yes)
{
	return yes ? "true" : "false";
}

noinline void trace_kmem_cache_alloc_slow(struct kernel *k, const void *caller,
					  const struct kmem_cache *s, const void *object, gfp_t gfp,
					  int node)
{
	char site[SITE], flags[GFP_NAME_MAX];

	trace_site(k, caller, site);
	buddy_gfp_name(gfp, flags, sizeof(flags));
	trace_write(k, TRACE_KMEM_CACHE_ALLOC,
		    "call_site=%s ptr=%016llx name=%s bytes_req=%u bytes_alloc=%u gfp_flags=%s node=%d "
		    "accounted=%s", site, shown(object), s->name, cache_object_size(s), s->size, flags,
		    node, truth(gfp & __GFP_ACCOUNT || s->flags & SLAB_ACCOUNT));
}

noinline void trace_kmem_cache_free_slow(struct kernel *k, const void *caller,
					 const struct kmem_cache *s, const void *object)
{
	char site[SITE];

	trace_site(k, caller, site);
	trace_write(k, TRACE_KMEM_CACHE_FREE, "call_site=%s ptr=%016llx name=%s", site,
		    shown(object), s->name);
}

noinline void trace_kmalloc_slow(struct kernel *k, const void *caller, const void *object, size_t req,
				 size_t alloc, gfp_t gfp, int node)
{
	char site[SITE], flags[GFP_NAME_MAX];

	trace_site(k, caller, site);
	buddy_gfp_name(gfp, flags, sizeof(flags));
	trace_write(k, TRACE_KMALLOC,
		    "call_site=%s ptr=%016llx bytes_req=%zu bytes_alloc=%zu gfp_flags=%s node=%d "
		    "accounted=%s", site, shown(object), req, alloc, flags, node,
		    truth(gfp & __GFP_ACCOUNT));
}

noinline void trace_kfree_slow(struct kernel *k, const void *caller, const void *object)
{
	char site[SITE];

	trace_site(k, caller, site);
	trace_write(k, TRACE_KFREE, "call_site=%s ptr=%016llx", site, shown(object));
}
