/* SPDX-License-Identifier: MIT */
/*
 * The smallest program: boot a machine, allocate, look, free, shut down.
 *
 *	cc hello.c -lkmem -o hello
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* /proc/slabinfo, as on a running kernel. */
static void print_slabinfo(void)
{
	long len = proc_read("slabinfo", NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (!text)
		return;
	proc_read("slabinfo", text, (size_t)len + 1);
	fputs(text, stdout);
	free(text);
}

int main(void)
{
	struct machine_error err;
	struct machine *m;
	char *greeting;

	if (machine_boot_text("preset=x86_64 mem=256M cpus=2", &m, &err)) {
		fprintf(stderr, "hello: %s\n", err.reason);
		return 1;
	}

	greeting = kmalloc(100, GFP_KERNEL);
	if (!greeting) {
		fprintf(stderr, "hello: out of simulated memory\n");
		return 1;
	}
	strcpy(greeting, "hello from simulated physical memory");
	printf("%s, by %s\n", greeting, machine_backend());
	printf("asked for 100 bytes, may use %zu; physical address 0x%llx, page %lu of zone %s\n",
	       ksize(greeting), (unsigned long long)__pa((unsigned long)greeting),
	       page_to_pfn(virt_to_page(greeting)),
	       zone_type_name(page_zonenum(virt_to_page(greeting))));
	print_slabinfo();
	kfree(greeting);

	return machine_shutdown(m) != 0;	/* 0: nothing was leaked */
}
