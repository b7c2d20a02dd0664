/* SPDX-License-Identifier: MIT */
/*
 * What it costs to be ready: bytes of management data of empty caches, as machines grow. SLAB keeps, for
 * each cache, an array of free objects on every CPU, a shared one on every node, and on every node an
 * alien array for every other node; that last part grows with the square of the nodes, and was why SLUB
 * was written. Built once for each backend; run any of them:
 *
 *	scale-slub		all three, as one table
 *	scale-slub --row	its own figures only
 *
 * The figures up to 64 nodes and 1024 CPUs are measured: a machine is booted and asked what its caches
 * hold. The backend's own size function (kmem_management_bytes) must say the same, and then says what a
 * machine with 1024 nodes and 1024 CPUs would need, which nobody has to boot for that.
 */
#include "rows.h"

#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHES 100	/* of a kernel's own, besides kmalloc's; a small system has as many */

static const struct {
	unsigned int nodes, cpus;	/* cpus: of all nodes together */
} sizes[] = {
	{ 1, 1 }, { 1, 64 }, { 4, 4 }, { 4, 256 }, { 16, 16 }, { 16, 1024 }, { 64, 64 }, { 64, 1024 },
};
#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static struct machine *boot(unsigned int nodes, unsigned int cpus)
{
	struct machine_error err;
	struct machine *m;
	char text[160];

	snprintf(text, sizeof(text),
		 "x86_64 mem=8G nodes=%u cpus=%u isolate_metadata=1 cmdline=slab_nomerge", nodes, cpus);
	if (!machine_boot_text(text, &m, &err))
		return m;
	fprintf(stderr, "%s: %s\n", text, err.reason);
	exit(1);
}

/* Caches of 16 … 3184 bytes. */
static void make_caches(struct kmem_cache **caches)
{
	char name[16];

	for (unsigned int i = 0; i < CACHES; i++) {
		snprintf(name, sizeof(name), "cache-%u", i);
		caches[i] = kmem_cache_create(name, 16 + 32 * i, 0, 0, NULL);
		if (!caches[i]) {
			fprintf(stderr, "no cache %s\n", name);
			exit(1);
		}
	}
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

/* Returns the bytes on this machine; @huge: what the size function has for 1024 nodes and CPUs. */
static uint64_t measure(unsigned int nodes, unsigned int cpus, uint64_t *huge)
{
	struct kmem_cache *caches[CACHES];
	struct machine *m = boot(nodes, cpus);
	struct kmem_stats st;
	uint64_t computed;

	make_caches(caches);
	kmem_get_stats(&st);
	computed = kmem_management_bytes(NULL, nodes, cpus);
	if (st.management_bytes != computed) {
		fprintf(stderr, "%s, %u nodes, %u CPUs: %llu bytes, the size function has %llu\n",
			machine_backend(), nodes, cpus, (unsigned long long)st.management_bytes,
			(unsigned long long)computed);
		exit(1);
	}
	*huge = kmem_management_bytes(NULL, 1024, 1024);
	for (unsigned int i = 0; i < CACHES; i++)
		kmem_cache_destroy(caches[i]);
	machine_shutdown(m);
	return st.management_bytes;
}

/* The last line of a command's output. */
static void last_line(const char *command, char *line, size_t size)
{
	FILE *f = popen(command, "r");

	*line = '\0';
	while (f && fgets(line, (int)size, f))
		;
	if (f)
		pclose(f);
}

/* What the compiler made of the backend, and what it was made of but for debug options and the extra paths of
 * a thread that is alone. */
static void print_code(void)
{
	unsigned long text = 0, lines = 0;
	char line[256];

	last_line("size -t " OBJECTS, line, sizeof(line));
	sscanf(line, "%lu", &text);
	last_line("ls " SOURCES "/*.[ch] | grep -v -e _debug -e _alone | xargs cat | "
		  "grep -vcE '^[[:space:]]*(/?[*]|$)'", line, sizeof(line));
	sscanf(line, "%lu", &lines);
	printf("   code %4lu KiB, %4lu lines without comments\n", (text + 1023) / 1024, lines);
}

static int print_row(void)
{
	uint64_t huge = 0;

	printf("%-8s", machine_backend());
	for (unsigned int i = 0; i < NR_SIZES; i++)
		printf(" %9.2f", mib(measure(sizes[i].nodes, sizes[i].cpus, &huge)));
	printf(" %11.2f", mib(huge));
	print_code();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--row"))
		return print_row();
	printf("management data of empty caches, MiB, by nodes × CPUs (kmalloc's caches and %d more)\n",
	       CACHES);
	printf("%-8s", "");
	for (unsigned int i = 0; i < NR_SIZES; i++) {
		char head[32];

		snprintf(head, sizeof(head), "%ux%u", sizes[i].nodes, sizes[i].cpus);
		printf(" %9s", head);
	}
	printf(" %11s\n", "1024x1024");
	return run_rows();
}
