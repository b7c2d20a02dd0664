/* SPDX-License-Identifier: MIT */
/* What the files of src/boot share. */
#ifndef KMEM_BOOT_BOOT_H
#define KMEM_BOOT_BOOT_H

#include "arch.h"
#include "lib/errno.h"
#include "lib/params.h"

/* Parse a kernel command line (NULL: empty) over the defaults in @params. 0; -EINVAL with @err naming
 * the word that is unknown or has a bad value; -EOPNOTSUPP for a word this version does not have. */
int cmdline_parse(const char *cmdline, struct kernel_params *params, struct machine_error *err);

/* Its words sysctl.NAME=VALUE, for a machine that runs and that the thread has entered. 0 or -EINVAL with
 * @err naming the word. */
int cmdline_apply_sysctl(const char *cmdline, struct machine_error *err);

/* fork.c: arch_fork_fn. */
bool kernel_fork(struct kernel *k, enum arch_fork_part part, enum arch_fork_step step, unsigned int ms);

/* Page tables, direct map, vmalloc region. 0 or -ENOMEM with @err filled. */
int boot_address_space(struct kernel *k, struct machine_error *err);

#endif
