/* SPDX-License-Identifier: MIT */
/* Error numbers, with Linux's values (a port without <errno.h> has no others). */
#ifndef KMEM_LIB_ERRNO_H
#define KMEM_LIB_ERRNO_H

#ifndef ENOENT
#define EPERM 1
#define ENOENT 2
#define EIO 5
#define E2BIG 7
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ERANGE 34
#define EDEADLK 35
#define EOPNOTSUPP 95
#endif

#endif
