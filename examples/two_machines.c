/* SPDX-License-Identifier: MIT */
/*
 * Two machines in one program: a small one, and one with two NUMA nodes. Each has its own RAM, CPUs
 * and caches; a thread works on the one that it has entered. What belongs to one is unknown in the
 * other, and giving it back there is refused.
 *
 *	cc two_machines.c -lkmem -o two_machines && ./two_machines
 */
#include <kmem/kmem.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* What stands in place of printing and, after a BUG, aborting: the title, and on we go. */
static enum machine_verdict on_report(struct machine *m, const struct machine_report *r, void *arg)
{
	unsigned int *reports = arg;

	(void)m;
	(*reports)++;
	printf("  reported: %s\n", r->title);
	return MACHINE_CONTINUE;
}

static struct machine *boot(const char *text, unsigned int *reports)
{
	struct machine_error err;
	struct machine *m;

	if (machine_boot_text(text, &m, &err)) {
		fprintf(stderr, "two_machines: %s\n", err.reason);
		exit(1);
	}
	machine_set_report_handler(m, on_report, reports);
	return m;
}

static void enter(const char *name, struct machine *m)
{
	if (machine_enter(m))
		exit(1);
	printf("%s: %u CPUs, %u nodes, %lu pages, %lu free\n", name, machine_description(m)->cpus,
	       machine_description(m)->nodes, totalram_pages(), nr_free_pages());
}

struct job {
	struct machine *m;
	unsigned long most_used;	/* pages */
};

/* A thread on one machine: takes as much as there is, and gives it back. */
static void *take_all(void *arg)
{
	struct job *job = arg;
	unsigned long nr = 0;
	void *list = NULL, **page;

	if (machine_enter(job->m))
		return NULL;
	while ((page = (void **)__get_free_page(GFP_KERNEL | __GFP_NOWARN))) {
		*page = list;
		list = page;
		nr++;
	}
	job->most_used = nr;
	for (; list; list = page) {
		page = *(void **)list;
		free_page((unsigned long)list);
	}
	return NULL;
}

int main(void)
{
	unsigned int reports[2] = {0, 0};
	struct machine *small = boot("preset=tiny-8M", &reports[0]);
	struct machine *large = boot("preset=numa-2 mem=64M cpus=4", &reports[1]);
	struct job jobs[2] = {{.m = small}, {.m = large}};
	struct kmem_cache *cache;
	unsigned long leaks;
	pthread_t thread[2];
	char *p, *q;

	enter("small", small);
	cache = kmem_cache_create("mine", 100, 0, 0, NULL);
	p = kmem_cache_alloc(cache, GFP_KERNEL);
	enter("large", large);
	q = kmalloc(100, GFP_KERNEL);
	if (!p || !q)
		return 1;

	printf("large knows a cache \"mine\": %s\n", kmem_find_cache("mine") ? "yes" : "no");
	printf("large knows small's object: %s; its own: %s\n", virt_addr_valid(p) ? "yes" : "no",
	       virt_addr_valid(q) ? "yes" : "no");
	printf("small's object, freed on large:\n");
	kfree(p);
	printf("an object from small's cache, on large:\n");
	if (kmem_cache_alloc(cache, GFP_KERNEL))
		return 1;

	printf("two threads, each takes all of its machine at the same time:\n");
	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, take_all, &jobs[i]))
			return 1;
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	printf("  small gave %lu pages, large %lu\n", jobs[0].most_used, jobs[1].most_used);

	kfree(q);
	leaks = machine_shutdown(large);
	enter("large is gone; small", small);
	kmem_cache_free(cache, p);
	kmem_cache_destroy(cache);
	leaks += machine_shutdown(small);
	printf("leaks: %lu; reports: small %u, large %u\n", leaks, reports[0], reports[1]);
	return leaks != 0;
}
