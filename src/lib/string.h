/* SPDX-License-Identifier: MIT */
/*
 * The eight functions of libc that the kernel part may call (libc's own, or the port's). Copies and
 * clears of fixed size use __builtin_memcpy and __builtin_memset, which the compiler expands.
 */
#ifndef KMEM_LIB_STRING_H
#define KMEM_LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#endif
