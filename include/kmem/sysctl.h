/* SPDX-License-Identifier: MIT */
/*
 * What an administrator can change while the machine runs: the files of /proc/sys/vm, by sysctl's
 * names. Meaning, defaults and limits are those of Linux 6.1, Documentation/admin-guide/sysctl/vm.rst:
 *
 *	vm.min_free_kbytes		what zones keep free; all watermarks follow. 0 and more.
 *	vm.watermark_scale_factor	distance between the watermarks, in 1/10000 of the zone at least: 1
 *					to 3000, 10
 *	vm.watermark_boost_factor	how high stealing pageblocks may raise the watermarks, in 1/10000 of
 *					the high one: 15000; 0: never
 *	vm.lowmem_reserve_ratio		a number for each zone: it keeps that part of the zones above it
 *					from requests that could use them; 0: nothing. Fewer numbers
 *					than zones set the first ones.
 *	vm.percpu_pagelist_high_fraction  per-CPU lists hold up to that part of a zone: 8 and more; 0: a
 *					share of its low watermark
 *	vm.drop_caches			written only: with 2 or 3 all shrinkers are called (drop_slab()); 1:
 *					there is no page cache
 *
 * The kernel command line sets them at the end of boot: sysctl.vm.min_free_kbytes=8192. All functions
 * work on the machine that the thread has entered.
 */
#ifndef KMEM_SYSCTL_H
#define KMEM_SYSCTL_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/**
 * sysctl_write - change a figure
 * @name:  as above
 * @value: a number, decimal, octal (0…) or hexadecimal (0x…); of lowmem_reserve_ratio several,
 *         separated by blanks
 *
 * All that follows from it is worked out anew before the return: watermarks (the boost becomes 0),
 * reserves, limits of the lists of all CPUs.
 *
 * Return: 0; -ENOENT: no such name; -EINVAL: no number, or out of its limits: nothing has changed;
 * -EDEADLK (reported): called from a shrinker; -ENODEV. Context: may sleep.
 */
KMEM_DECL(int, sysctl_write, (const char *name, const char *value));

/**
 * sysctl_read - a figure as text: numbers separated by tabs, a newline at the end
 * @name: as above
 * @buf:  receives at most @size - 1 bytes and a NUL; NULL with @size 0 to ask for the length
 * @size: bytes of @buf
 *
 * Return: length needed, as proc_read(); -ENOENT: no such name; -EACCES: it can only be written;
 * -ENODEV. Never sleeps.
 */
KMEM_DECL(long, sysctl_read, (const char *name, char *buf, size_t size));

/** sysctl_name - the names, @i = 0, 1, …; NULL at the end. Needs no machine. */
KMEM_DECL(const char *, sysctl_name, (unsigned int i));

KMEM_END_DECLS

#endif
