/* SPDX-License-Identifier: MIT */
/* Prints slabinfo of a machine with some life in its caches, for test_slabtop.sh. */
#include <stdio.h>
#include <stdlib.h>

#include <kmem/kmem.h>

static void print_text(void *arg, const char *text, size_t len)
{
	fwrite(text, 1, len, arg);
}

int main(void)
{
	static const unsigned int sizes[] = { 24, 100, 192, 700, 1200, 3000, 5000 };
	struct machine_error err;
	struct machine *m;
	unsigned int i, n;

	if (machine_boot_text("x86_64 mem=256M cpus=2 cmdline=slab_nomerge", &m, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return 1;
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct kmem_cache *s;
		void *p[500];
		char name[32];

		snprintf(name, sizeof(name), "objects_of_%u_bytes", sizes[i]);
		s = kmem_cache_create(name, sizes[i], 0, SLAB_HWCACHE_ALIGN * (i & 1), NULL);
		for (n = 0; n < 500; n++)
			p[n] = kmem_cache_alloc(s, GFP_KERNEL);
		for (n = 0; n < 500; n++)
			if (n % 7 < i)
				kmem_cache_free(s, p[n]);
		for (n = 0; n < 300; n++)
			if (!kmalloc(sizes[i], GFP_KERNEL))
				return 1;
	}
	return proc_write_to("slabinfo", print_text, stdout) < 0 || fflush(stdout);
}
