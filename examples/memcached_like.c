/* SPDX-License-Identifier: MIT */
/*
 * A key-value store as memcached is one. Items go into classes of sizes that grow by a quarter from
 * one to the next, so that no item wastes more than a fifth of its place; here each class is a
 * kmem_cache. When the machine has no memory for one more item, those that were used longest ago make
 * room. A cache keeps the slabs that fall empty then, so they must be shrunk away for other classes.
 *
 *	cc memcached_like.c -lkmem -o memcached_like && ./memcached_like
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES 20
#define SMALLEST 96		/* bytes of the first class */
#define KEYS 20000
#define REQUESTS 200000
#define EVICT 200		/* whole slabs fall empty only when many items go */

struct link {
	struct link *older, *newer;
};

struct item {
	struct link link;	/* of the ring `used` */
	unsigned int key, class, size;
	unsigned char value[];
};

/* Head of all items: used.older is the newest, used.newer the oldest. */
static struct link used = {&used, &used};
static struct kmem_cache *classes[CLASSES];
static struct item *by_key[KEYS];	/* memcached hashes its keys; here they are numbers */
static unsigned long items, evicted;

static void link_newest(struct item *it)
{
	it->link = (struct link){.older = used.older, .newer = &used};
	used.older->newer = &it->link;
	used.older = &it->link;
}

static void unlink_item(struct item *it)
{
	it->link.older->newer = it->link.newer;
	it->link.newer->older = it->link.older;
}

static bool evict_oldest(void)
{
	struct item *it = (struct item *)used.newer;

	if (used.newer == &used)
		return false;
	unlink_item(it);
	by_key[it->key] = NULL;
	kmem_cache_free(classes[it->class], it);
	items--;
	return true;
}

/* False: there was nothing left to evict. */
static bool make_room(void)
{
	unsigned long before = evicted;

	for (int i = 0; i < EVICT && evict_oldest(); i++)
		evicted++;
	for (int i = 0; i < CLASSES; i++)
		kmem_cache_shrink(classes[i]);
	return evicted > before;
}

static void store(unsigned int key, unsigned int size)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	unsigned int i = 0;
	struct item *it;

	while (kmem_cache_size(classes[i]) < sizeof(*it) + size)
		i++;
	while (!(it = kmem_cache_alloc(classes[i], gfp)))
		if (!make_room())
			exit(1);
	it->key = key;
	it->class = i;
	it->size = size;
	memset(it->value, (int)key, size);
	link_newest(it);
	by_key[key] = it;
	items++;
}

/* Look a key up; false: it is not there. */
static bool fetch(unsigned int key)
{
	struct item *it = by_key[key];

	if (!it)
		return false;
	if (it->key != key || it->value[0] != (unsigned char)key ||
	    memcmp(it->value, it->value + 1, it->size - 1)) {
		fprintf(stderr, "memcached_like: the value of key %u is not its own\n", key);
		exit(1);
	}
	unlink_item(it);
	link_newest(it);
	return true;
}

/* The classes' lines of /proc/slabinfo; SLOB, whose pages hold objects of all caches, has none. */
static void print_classes(void)
{
	static char text[32768];

	proc_read("slabinfo", text, sizeof(text));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (!strncmp(line, "item-", 5))
			puts(line);
}

/* Requests for keys, low ones more often, whose values have @min … @min + @range - 1 bytes. */
static void serve(const char *when, unsigned int min, unsigned int range)
{
	unsigned long hits = 0;
	struct kmem_stats st;

	for (int i = 0; i < REQUESTS; i++) {
		unsigned int key = (unsigned int)((random() % KEYS) * (random() % KEYS) / KEYS);

		if (fetch(key))
			hits++;
		else
			store(key, min + key * 7919 % range);
	}
	if (kmem_get_stats(&st))
		exit(1);
	printf("%s: %lu of %d requests hit, %lu items, %lu evicted so far, %llu pages in slabs\n",
	       when, hits, REQUESTS, items, evicted,
	       (unsigned long long)(st.slab_pages + st.large_pages));
	print_classes();
}

int main(void)
{
	unsigned int size = SMALLEST;
	struct machine_error err;
	struct machine *m;

	if (machine_boot_text("preset=tiny-8M", &m, &err)) {
		fprintf(stderr, "memcached_like: %s\n", err.reason);
		return 1;
	}
	for (int i = 0; i < CLASSES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "item-%u", size);
		classes[i] = kmem_cache_create(name, size, 0, 0, NULL);
		if (!classes[i])
			return 1;
		size = (size * 5 / 4 + 7) & ~7u;	/* memcached's -f 1.25 */
	}
	serve("values up to 1 KB", 10, 1000);
	serve("values up to 7 KB", 3000, 4000);
	while (evict_oldest())
		;
	for (int i = 0; i < CLASSES; i++)
		kmem_cache_destroy(classes[i]);
	return machine_shutdown(m) != 0;
}
