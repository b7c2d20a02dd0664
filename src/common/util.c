/* SPDX-License-Identifier: MIT */
/* Copies of memory and strings in kmalloc()'s memory. */
#include "common/registry.h"
#include "lib/string.h"

void memzero_explicit(void *p, size_t size)
{
	memset(p, 0, size);
	__asm__ volatile("" : : "r"(p) : "memory");
}

void *kmemdup(const void *src, size_t len, gfp_t gfp)
{
	void *p = kmalloc(len, gfp);

	if (p && len)
		memcpy(p, src, len);
	return p;
}

char *kmemdup_nul(const char *s, size_t len, gfp_t gfp)
{
	char *p;

	if (!s || len == SIZE_MAX)
		return NULL;
	p = kmalloc(len + 1, gfp);
	if (!p)
		return NULL;
	memcpy(p, s, len);
	p[len] = '\0';
	return p;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	return s ? kmemdup_nul(s, strlen(s), gfp) : NULL;
}

char *kstrndup(const char *s, size_t max, gfp_t gfp)
{
	size_t len = 0;

	if (!s)
		return NULL;
	while (len < max && s[len])
		len++;
	return kmemdup_nul(s, len, gfp);
}
