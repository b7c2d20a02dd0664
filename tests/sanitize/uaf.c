/* SPDX-License-Identifier: MIT */
/*
 * A program with a mistake: uaf CASE uses memory of libkmem after it was freed (clean: not at all).
 * uaf.sh runs it under AddressSanitizer or Valgrind and looks for the line marked "bad: CASE" in
 * what they say. Linked as a user would link.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kmem/kmem.h>

struct item {
	int key;
	char text[60];
};

/* Read, so that the compiler cannot know what comes of it. */
static volatile int seen;

static void constructed(void *object)
{
	struct item *item = object;

	memset(item, 0, sizeof(*item));
	item->key = 1;
}

static void use_cache(void)
{
	struct kmem_cache *s = kmem_cache_create("item", sizeof(struct item), 0, 0, NULL);
	struct item *item = kmem_cache_alloc(s, GFP_KERNEL);

	item->key = 1;
	kmem_cache_free(s, item);
	seen = item->key; /* bad: cache */
}

/* Written, not read; and the object lies in an array or list of many. */
static void use_written(void)
{
	struct kmem_cache *s = kmem_cache_create("item", sizeof(struct item), 0, 0, NULL);
	struct item *item[100];

	for (int i = 0; i < 100; i++)
		item[i] = kmem_cache_zalloc(s, GFP_KERNEL);
	for (int i = 0; i < 100; i++)
		kmem_cache_free(s, item[i]);
	item[50]->text[20] = 1; /* bad: written */
}

static void use_ctor(void)
{
	struct kmem_cache *s = kmem_cache_create("item", sizeof(struct item), 0, 0, constructed);
	struct item *item = kmem_cache_alloc(s, GFP_KERNEL);

	/* What the constructor has written counts as written. */
	if (item->key != 1)
		exit(1);
	kmem_cache_free(s, item);
	item = kmem_cache_alloc(s, GFP_KERNEL);
	if (item->key != 1)
		exit(1);
	kmem_cache_free(s, item);
	seen = item->key; /* bad: ctor */
}

static void use_bulk(void)
{
	struct kmem_cache *s = kmem_cache_create("item", sizeof(struct item), 0, 0, NULL);
	void *p[20], *kept;

	if (!kmem_cache_alloc_bulk(s, GFP_KERNEL, 20, p))
		exit(1);
	kept = p[7];
	kmem_cache_free_bulk(s, 20, p);
	seen = ((struct item *)kept)->key; /* bad: bulk */
}

static void use_kmalloc(void)
{
	int *p = kmalloc(100, GFP_KERNEL);

	p[0] = 1;
	kfree(p);
	seen = p[0]; /* bad: kmalloc */
}

static void use_large(void)
{
	int *p = kmalloc(50000, GFP_KERNEL);

	p[0] = 1;
	kfree(p);
	seen = p[10000]; /* bad: large */
}

static void use_page(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);
	int *p = page_address(page);

	p[0] = 1;
	__free_pages(page, 2);
	seen = p[3000]; /* bad: page */
}

/* Never handed out: a slab's other objects. */
static void use_neighbour(void)
{
	struct kmem_cache *s = kmem_cache_create("wide", 600, 0, 0, NULL);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	p[0] = 1;
	/* SLAB hands a slab's objects out from its end. */
	p += strcmp(machine_backend(), "slab") ? 608 : -600;
	seen = p[0]; /* bad: neighbour */
}

static void use_shrunk(void)
{
	struct kmem_cache *s = kmem_cache_create("item", sizeof(struct item), 0, 0, NULL);
	struct item *item = kmem_cache_alloc(s, GFP_KERNEL);

	item->key = 1;
	kmem_cache_free(s, item);
	kmem_cache_shrink(s);
	kmem_cache_destroy(s);
	seen = item->key; /* bad: shrunk */
}

static void use_vmalloc(void)
{
	int *p = vmalloc(20000);

	p[0] = 1;
	vfree(p);
	seen = p[2000]; /* bad: vmalloc */
}

/* Nothing wrong: memory that comes back, objects that readers may see after they were freed, zeroed
 * ones. */
static void use_clean(void)
{
	struct kmem_cache *rcu = kmem_cache_create("rcu", sizeof(struct item), 0,
						   SLAB_TYPESAFE_BY_RCU, NULL);
	struct item *item = kmem_cache_alloc(rcu, GFP_KERNEL);
	char *p;

	item->key = 1;
	rcu_read_lock();
	kmem_cache_free(rcu, item);
	seen = item->key;
	rcu_read_unlock();
	kmem_cache_destroy(rcu);
	for (size_t size = 1; size < 100000; size = size * 3 / 2 + 1) {
		for (int i = 0; i < 50; i++) {
			p = i % 2 ? kzalloc(size, GFP_KERNEL) : kmalloc(size, GFP_KERNEL);
			if (i % 2)
				seen = p[size - 1] ? 1 : 2;
			memset(p, i, ksize(p));
			p = krealloc(p, size * 2, GFP_KERNEL);
			seen = p[size - 1] ? 1 : 2;
			kfree(p);
		}
	}
	p = vmalloc(50000);
	p[0] = 5;
	seen = *(char *)page_address(vmalloc_to_page(p)) == 5 ? 1 : 2;
	vfree(p);
}

static const struct {
	const char *name;
	void (*use)(void);
} cases[] = {
	{ "cache", use_cache },	   { "written", use_written },	   { "ctor", use_ctor },
	{ "bulk", use_bulk },	   { "kmalloc", use_kmalloc },	   { "large", use_large },
	{ "page", use_page },	   { "neighbour", use_neighbour }, { "shrunk", use_shrunk },
	{ "vmalloc", use_vmalloc }, { "clean", use_clean },
};

int main(int argc, char **argv)
{
	struct machine_error err;
	struct machine *m;

	/* A machine before it, whose addresses come again, leaves nothing behind. */
	for (int i = 0; i < 3; i++) {
		if (machine_boot_text("preset=x86_64 mem=64M", &m, &err)) {
			fprintf(stderr, "uaf: %s\n", err.reason);
			return 1;
		}
		if (i < 2) {
			kfree(kmalloc(100, GFP_KERNEL));
			machine_shutdown(m);
		}
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) && argc == 2; i++) {
		if (strcmp(argv[1], cases[i].name))
			continue;
		cases[i].use();
		machine_shutdown(m);
		return 0;
	}
	fprintf(stderr, "usage: uaf CASE\n");
	return 1;
}
