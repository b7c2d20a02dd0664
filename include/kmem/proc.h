/* SPDX-License-Identifier: MIT */
/*
 * The machine's state as text, in Linux's own formats, so that tools that read the files of /proc
 * read these. proc_name() lists them: those of /proc ("buddyinfo", "slabinfo", "vmallocinfo", …), of
 * debugfs ("extfrag_index", …), and "zones-csv", which is libkmem's own (docs/kmemsim.md).
 *
 * Besides these, on SLUB, caches are files as under /sys/kernel/slab: "slab" lists them, "slab/NAME"
 * the files of one, "slab/NAME/FILE" is a file (docs/debugging.md says what is in it). The traces
 * that debugfs has stand beside the others. Some can be written.
 */
#ifndef KMEM_PROC_H
#define KMEM_PROC_H

#include <kmem/types.h>

KMEM_BEGIN_DECLS

/* Receives a piece of text, not NUL-terminated. */
typedef void kmem_sink_fn(void *arg, const char *text, size_t len);

/**
 * proc_read - a file's text into a buffer
 * @name: one of those of proc_name()
 * @buf:  receives at most @size - 1 bytes and a NUL; NULL with @size 0 to ask for the length
 *
 * Return: length of the whole text without the NUL (may be @size or more: then it was cut), or
 * -ENOENT, or -ENODEV without a machine. The text may change between two calls: compare lengths.
 * Context: any thread, any context; takes the locks of what it shows, so it may wait. Source: the
 * files of a running Linux 6.1.
 */
KMEM_DECL(long, proc_read, (const char *name, char *buf, size_t size));

/**
 * proc_write_to - a file's text, piece by piece into a sink
 * @name: as proc_read()
 * @sink: may be called with locks held: it must not call the library
 * @arg:  given to @sink
 *
 * Return and context: as proc_read().
 */
KMEM_DECL(long, proc_write_to, (const char *name, kmem_sink_fn *sink, void *arg));

/**
 * proc_write - write to a file, as `echo TEXT > /proc/NAME` does
 * @name: as proc_read(). "slabinfo" takes something on SLAB; on SLUB min_partial, cpu_partial,
 *        remote_node_defrag_ratio, shrink and validate of a cache do, a line each; with SLAB
 *        and SLUB the files of fault injection, "failslab/times" and so on (docs/debugging.md)
 * @text: for slabinfo "CACHE LIMIT BATCHCOUNT SHARED": new tunables of a cache. LIMIT is how many free
 *        objects a CPU's array holds, BATCHCOUNT how many move at once, SHARED × BATCHCOUNT how many
 *        a node's shared array holds (0: it has none). What follows is not looked at.
 * @len:  bytes of @text, at most 128; no NUL is needed
 *
 * The free objects that arrays held go back to their slabs; live ones notice nothing. Numbers that
 * make no sense (LIMIT or BATCHCOUNT below 1, BATCHCOUNT above LIMIT, SHARED below 0) are taken and
 * change nothing, as in Linux.
 *
 * Return: @len; -EINVAL: too long, not of this form, or no such cache; -ERANGE: a number too large; -ENOMEM: no room for arrays of
 * that size, nothing has changed; -EIO: this file cannot be written, as slabinfo on SLUB and SLOB;
 * -ENOENT; -ENODEV without a machine. Context: any thread; may sleep. Source: slabinfo(5).
 */
KMEM_DECL(long, proc_write, (const char *name, const char *text, size_t len));

/** proc_name - name of the @i-th file, from 0, NULL past the last. Any thread; needs no machine. */
KMEM_DECL(const char *, proc_name, (unsigned int i));

KMEM_END_DECLS

#endif
