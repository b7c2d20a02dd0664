/* SPDX-License-Identifier: MIT */
/*
 * kmem_check_usercopy(): stands here because only vmalloc sees both areas and objects.
 */
#include "common/usercopy.h"
#include "lib/errno.h"

#include <kmem/slab.h>
#include <kmem/vmalloc.h>

static int check_area(const struct usercopy *copy)
{
	const struct vm_struct *vm = find_vm_area(copy->p);
	unsigned long size, offset;

	if (!vm)
		return usercopy_abort(copy, "vmalloc", "no area", 0);
	size = vm->size - PAGE_SIZE; /* the guard page behind it */
	offset = (unsigned long)((uintptr_t)copy->p - (uintptr_t)vm->addr);
	if (offset <= size && copy->n <= size - offset)
		return 0;
	return usercopy_abort(copy, "vmalloc", NULL, offset);
}

int kmem_check_usercopy(const void *p, unsigned long n, bool to_user)
{
	struct usercopy copy = {.p = p, .n = n, .to_user = to_user};
	unsigned long at = (unsigned long)(uintptr_t)p;

	if (!n)
		return 0;
	copy.k = arch_kernel();
	if (!copy.k)
		return -EFAULT;
	if (at + (n - 1) < at)
		return usercopy_abort(&copy, "wrapped address", NULL, 0);
	if (ZERO_OR_NULL_PTR(p))
		return usercopy_abort(&copy, "null address", NULL, at);
	return is_vmalloc_addr(p) ? check_area(&copy) : usercopy_check_page(&copy);
}
