/* SPDX-License-Identifier: MIT */
/* "slab/NAME/FILE" of proc_read() and proc_write(): caches as files. */
#ifndef KMEM_COMMON_SYSFS_H
#define KMEM_COMMON_SYSFS_H

#include "lib/kernel.h"
#include "lib/kfmt.h"

/* Whether @name is "slab" or begins with "slab/". */
bool sysfs_is_slab(const char *name);

/* "slab": the names of the caches, a line each; "slab/NAME": of a cache's files; "slab/NAME/FILE":
 * what is in one. 0 or -ENOENT: no such cache or file, or a backend that has none. */
long sysfs_slab_show(struct kernel *k, const char *name, struct seq_file *m);

/* What `echo TEXT > FILE` does. @len, or -ENOENT, -EINVAL, -ERANGE, -EIO: it cannot be written. */
long sysfs_slab_store(struct kernel *k, const char *name, const char *text, size_t len);

#endif
