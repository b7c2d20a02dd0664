/* SPDX-License-Identifier: MIT */
/* What kmem_check_usercopy() (src/vmalloc/usercopy.c) finds out about objects and pages. */
#ifndef KMEM_COMMON_USERCOPY_H
#define KMEM_COMMON_USERCOPY_H

#include "arch.h"

struct usercopy {
	struct kernel *k;
	const void *p;
	unsigned long n;
	bool to_user;
};

/* The kernel's report, a BUG: @n bytes at @offset of @what (its name behind it, if not NULL). Returns
 * -EFAULT. */
int usercopy_abort(const struct usercopy *copy, const char *what, const char *name,
		   unsigned long offset);

/* The bytes lie in the direct map, or are nothing of this machine's. 0 or -EFAULT. */
int usercopy_check_page(const struct usercopy *copy);

#endif
