/* SPDX-License-Identifier: MIT */
/*
 * geometry32 ROWS: the library in a 32-bit process, as a part of every 64-bit build whose compiler makes
 * such programs: caches come out as on a 32-bit kernel, and memory of each kind can be had.
 */
#include "geometry_rows.h"

static bool rows_agree(const char *path, unsigned int cpus)
{
	struct machine_error err = { 0, "" };
	unsigned int rows, leaks;
	struct machine *m;
	char text[100];

	snprintf(text, sizeof(text), "mem=64M isolate_metadata=1 cpus=%u", cpus);
	if (machine_boot_text(text, &m, &err)) {
		fprintf(stderr, "%s\n", err.reason);
		return false;
	}
	rows = geometry_rows_agree(path, cpus);
	leaks = (unsigned int)machine_shutdown(m);
	printf("%u rows of machines with %u CPUs\n", rows, cpus);
	return rows > 1700 && !leaks;
}

/* On what a program gets without saying more. */
static bool memory_of_each_kind(void)
{
	struct machine *m;
	char *p[3];
	unsigned int i;
	bool good = true;

	if (machine_boot_text("x86_32", &m, NULL))
		return false;
	p[0] = kmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	p[1] = vmalloc(3 * PAGE_SIZE);
	p[2] = (char *)__get_free_pages(GFP_KERNEL, 2);
	for (i = 0; i < 3; i++) {
		good = good && p[i];
		if (p[i])
			memset(p[i], 1, 3 * PAGE_SIZE);
	}
	free_pages((unsigned long)p[2], 2);
	vfree(p[1]);
	kfree(p[0]);
	return !machine_shutdown(m) && good;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	return rows_agree(argv[1], 1) && rows_agree(argv[1], 4) && memory_of_each_kind() ? 0 : 1;
}
