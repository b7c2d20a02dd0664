/* SPDX-License-Identifier: MIT */
/*
 * Formatting without libc: one bounded printf subset and a text stream on top of it.
 *
 * Conversions: %d %i %u %x %X %c %s %p %%, with h, hh, l, ll, z, j; flags - 0 + space #; width and precision,
 * also as *. %p prints 0x and lower-case hex. No floating point. Never allocates.
 */
#ifndef KMEM_LIB_KFMT_H
#define KMEM_LIB_KFMT_H

#include <stdarg.h>
#include <stddef.h>

#include <kmem/proc.h>
#include <kmem/types.h>

/* As vsnprintf: writes at most @size bytes with the NUL, returns the length needed without it. */
int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args);
int ksnprintf(char *buf, size_t size, const char *fmt, ...) KMEM_PRINTF(3, 4);

/*
 * A text being written: into a bounded buffer, to a sink, or both absent to count only. `len` counts
 * everything, written or cut.
 */
struct seq_file {
	char *buf;
	size_t size;
	size_t len;
	kmem_sink_fn *sink;
	void *arg;
};

void seq_init_buf(struct seq_file *m, char *buf, size_t size);
void seq_init_sink(struct seq_file *m, kmem_sink_fn *sink, void *arg);
void seq_write(struct seq_file *m, const char *text, size_t len);
void seq_puts(struct seq_file *m, const char *text);
void seq_putc(struct seq_file *m, char c);
void seq_printf(struct seq_file *m, const char *fmt, ...) KMEM_PRINTF(2, 3);

#endif
