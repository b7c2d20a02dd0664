/* SPDX-License-Identifier: MIT */
/*
 * Hardened usercopy: which bytes of an object user space may see. A cache has one window for it
 * (kmem_cache_create_usercopy()); a copy must lie inside the window of one object. A block of whole
 * pages may be copied as far as it goes. Memory in no slab and no block is not looked at, as in
 * Linux: nobody knows who owns what there.
 */
#include "common/usercopy.h"

#include "buddy/buddy.h"
#include "common/backend.h"
#include "common/registry.h"
#include "lib/errno.h"
#include "lib/report.h"

int usercopy_abort(const struct usercopy *copy, const char *what, const char *name,
		   unsigned long offset)
{
	report_bug(copy->k,
		   "usercopy: Kernel memory %s attempt detected %s %s%s%s%s (offset %lu, size %lu)!",
		   copy->to_user ? "exposure" : "overwrite", copy->to_user ? "from" : "to", what,
		   name ? " '" : "", name ? name : "", name ? "'" : "", offset, copy->n);
	return -EFAULT;
}

static bool in_window(const struct kmem_cache *s, unsigned long offset, unsigned long n)
{
	unsigned long into = offset - s->useroffset;

	return offset >= s->useroffset && into <= s->usersize && n <= s->usersize - into;
}

static int check_object(const struct usercopy *copy, const struct kmem_cache *s, struct page *head)
{
	const char *kind = backend_traits.title;
	char what[48];
	long offset = backend_offset(s, head, copy->p);

	if (offset >= 0 && in_window(s, (unsigned long)offset, copy->n))
		return 0;
	if (offset >= 0) {
		ksnprintf(what, sizeof(what), "%s object", kind);
	} else if (offset != BACKEND_NO_OBJECT) {
		ksnprintf(what, sizeof(what), "%s object in left red zone", kind);
		offset = -offset;
	} else {
		ksnprintf(what, sizeof(what), "%s page outside objects", kind);
		offset = (const char *)copy->p -
			 (const char *)memmap_address(arch_cpu_ptr, head);
	}
	return usercopy_abort(copy, what, s->name, (unsigned long)offset);
}

static int check_block(const struct usercopy *copy, const struct page *head)
{
	unsigned long size = PAGE_SIZE << head->order;
	unsigned long offset = (unsigned long)((uintptr_t)copy->p -
					       (uintptr_t)memmap_address(arch_cpu_ptr, head));

	if (offset < size && copy->n <= size - offset)
		return 0;
	return usercopy_abort(copy, "page alloc", NULL, offset);
}

int usercopy_check_page(const struct usercopy *copy)
{
	struct page *head = memmap_lookup_head(arch_cpu_ptr, copy->p);
	const struct kmem_cache *s;

	if (!head)
		return 0;
	if (page_type(head) != PAGE_TYPE_SLAB)
		return check_block(copy, head);
	s = backend_cache_of(copy->k, head);
	return s ? check_object(copy, s, head) : 0;
}
