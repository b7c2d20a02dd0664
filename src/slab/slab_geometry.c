/* SPDX-License-Identifier: MIT */
/*
 * From (object size, alignment, flags, constructor) to a cache's geometry. A pure function: no
 * machine, no state. Its judges are the rows of golden/slab-geometry.csv.
 *
 * Three ways to keep a slab's free list are tried in turn; the first that fits wins.
 *
 *   in an object  nobody reads a free object, so the list may lie in one, if it fits into what the
 *                 caller asked for. Not with a constructor (the object keeps its state while free)
 *                 and not with TYPESAFE_BY_RCU (readers may still look at it); nor with
 *                 init_on_free, which wants free objects to be zero.
 *   off the slab  if the block of kmalloc that holds it is at most half an object: a small price
 *                 against losing one object a slab. But when the slab's leftover bytes would hold
 *                 the list anyway, it goes there. Not with NOLEAKTRACE.
 *   on the slab   at its end; each object then costs one byte more.
 *
 * In a debug cache a second byte for each object follows the list, wherever that is.
 *
 * The order: the smallest whose leftover is at most an eighth of the slab, but no larger than
 * slab_max_order unless an object needs it. A reclaimable cache takes the first order that holds an
 * object: its allocations often may not wait, and large blocks are then hard to get.
 */
#include "slab/slab.h"

#include "lib/errno.h"
#include "lib/math.h"

/* A slab as one order would make it. */
struct slab_layout {
	unsigned int num;
	unsigned int order;
	unsigned int left_over;
};

/* A debug cache has a second byte for each object: whether a user has it. */
static unsigned int freelist_bytes(const struct slab_request *req, unsigned int num)
{
	return slab_debug_flags_of(req->flags) ? 2 * num : num;
}

static struct slab_layout slab_layout_of(const struct slab_request *req, unsigned int size,
					 unsigned int order, enum slab_mgmt mgmt)
{
	unsigned int bytes = (unsigned int)PAGE_SIZE << order;
	unsigned int unit = size + (mgmt == SLAB_MGMT_ON ? freelist_bytes(req, 1) : 0);

	return (struct slab_layout){
		.num = bytes / unit,
		.order = order,
		.left_over = bytes % unit,
	};
}

/* Bytes of the kmalloc class for a free list of @bytes, at most twice SLAB_OBJ_MAX_NUM. */
static unsigned int freelist_class(unsigned int bytes)
{
	static const unsigned int classes[] = { 32, 64, 96, 128, 192, 256, 512 };
	unsigned int i = 0;

	while (classes[i] < bytes)
		i++;
	return classes[i];
}

/* The benefit is judged by what the caller asked for, not by the aligned size. */
static bool off_slab_pays(const struct slab_request *req, unsigned int num)
{
	return freelist_class(freelist_bytes(req, num)) <= req->object_size / 2;
}

/* The layout of the order that the search stops at; num 0: none. */
static struct slab_layout slab_search_order(const struct slab_request *req, unsigned int size,
					    enum slab_mgmt mgmt)
{
	struct slab_layout best = { 0 };
	unsigned int order;

	for (order = 0; order < MAX_ORDER; order++) {
		struct slab_layout layout = slab_layout_of(req, size, order, mgmt);

		if (!layout.num)
			continue;
		if (layout.num > SLAB_OBJ_MAX_NUM)
			break;
		if (mgmt == SLAB_MGMT_OFF && !off_slab_pays(req, layout.num))
			continue;
		best = layout;
		if (req->flags & SLAB_RECLAIM_ACCOUNT)
			break;
		if (order >= req->max_order)
			break;
		if (layout.left_over <= ((unsigned int)PAGE_SIZE << order) / 8)
			break;
	}
	return best;
}

static bool slab_try_object(const struct slab_request *req, unsigned int size,
			    struct slab_layout *layout)
{
	if (req->ctor || (req->flags & SLAB_TYPESAFE_BY_RCU) || req->init_on_free)
		return false;
	if (slab_debug_flags_of(req->flags))
		return false;
	*layout = slab_search_order(req, size, SLAB_MGMT_OBJ);
	return layout->num && layout->num <= req->object_size;
}

static bool slab_try_off_slab(const struct slab_request *req, unsigned int size,
			      struct slab_layout *layout)
{
	if (req->flags & SLAB_NOLEAKTRACE)
		return false;
	*layout = slab_search_order(req, size, SLAB_MGMT_OFF);
	return layout->num && layout->left_over < freelist_bytes(req, layout->num);
}

static bool slab_choose_layout(const struct slab_request *req, unsigned int size,
			       enum slab_mgmt *mgmt, struct slab_layout *layout)
{
	*mgmt = SLAB_MGMT_OBJ;
	if (slab_try_object(req, size, layout))
		return true;
	*mgmt = SLAB_MGMT_OFF;
	if (slab_try_off_slab(req, size, layout))
		return true;
	*mgmt = SLAB_MGMT_ON;
	*layout = slab_search_order(req, size, SLAB_MGMT_ON);
	return layout->num;
}

/*
 * How many objects a CPU may hoard: fewer of the large ones, a few of which are much memory.
 * Steps as Linux's.
 */
static unsigned int slab_array_limit_by_size(unsigned int size)
{
	if (size > 131072)
		return 1;
	if (size > PAGE_SIZE)
		return 8;
	if (size > 1024)
		return 24;
	if (size > 256)
		return 54;
	return 120;
}

/* DEBUG_SLAB's arrays are small ones: less lies between a free and what is found out later. */
static unsigned int slab_array_limit(const struct slab_request *req, unsigned int size)
{
	unsigned int limit = slab_array_limit_by_size(size);

	if (slab_debug_flags_of(req->flags) && limit > SLAB_DEBUG_LIMIT)
		return SLAB_DEBUG_LIMIT;
	return limit;
}

/* One object with all that is around it: see slab_debug.c. */
static void slab_size_of_object(struct slab_geometry *geo, const struct slab_request *req)
{
	geo->obj_offset = 0;
	geo->size = req->object_size;
	if (req->flags & (SLAB_RED_ZONE | SLAB_STORE_USER))
		geo->size = roundup(geo->size, sizeof(uint64_t));
	geo->tail = geo->size;
	if (req->flags & SLAB_RED_ZONE) {
		geo->obj_offset = roundup(sizeof(uint64_t), geo->align);
		geo->size += geo->obj_offset + (unsigned int)sizeof(uint64_t);
	}
	if (req->flags & SLAB_STORE_USER)
		geo->size += (unsigned int)sizeof(uint64_t);
	geo->size = roundup(geo->size, geo->align);
}

int slab_geometry(struct slab_geometry *geo, const struct slab_request *req)
{
	struct slab_layout layout;

	geo->align = cache_calculate_alignment(req->flags, req->align, req->object_size);
	slab_size_of_object(geo, req);
	if (geo->size < SLAB_OBJ_MIN_SIZE)
		geo->size = roundup(SLAB_OBJ_MIN_SIZE, geo->align);
	geo->colour_off = geo->align > ARCH_CACHE_LINE ? geo->align : ARCH_CACHE_LINE;

	if (!slab_choose_layout(req, geo->size, &geo->mgmt, &layout))
		return -E2BIG;
	geo->num = layout.num;
	geo->order = layout.order;
	geo->colour = layout.left_over / geo->colour_off;
	geo->freelist_size = freelist_bytes(req, layout.num);

	geo->limit = slab_array_limit(req, geo->size);
	geo->batchcount = (geo->limit + 1) / 2;
	/* Handing objects from CPU to CPU pays only where there are several, and small objects. */
	geo->shared = geo->size <= PAGE_SIZE && req->nr_cpus > 1 ? SLAB_SHARED_FACTOR : 0;
	return 0;
}
