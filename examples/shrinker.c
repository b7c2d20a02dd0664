/* SPDX-License-Identifier: MIT */
/*
 * A cache that gives way: a file system's names of files (dentries), kept because they may be asked
 * for again, in a machine that is too small for all of them.
 *
 *	look up		found: it moves to the young end of the list. Not found: it is "read from the
 *			disk", and kept.
 *	shrinker	when a request finds no memory it is asked how many names there are, and
 *			then to look at some from the old end. Those that are in use or were used since it
 *			last looked stay; the others go.
 *
 * Nothing else limits the cache. First it fills the machine and lives within it. Then somebody needs
 * half of the memory, and it makes room. Then kswapd is called in time, so that a request that may
 * not wait gets a page too.
 */
#include <kmem/kmem.h>

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS 1024
#define MACHINE "preset=tiny-8M"

struct dentry {
	struct dentry *next;			/* of its bucket */
	struct dentry *younger, *older;		/* of the list */
	unsigned long ino;
	unsigned int in_use;
	bool referenced;			/* used since the shrinker looked last */
	char name[152];				/* what makes it large */
};

static struct kmem_cache *dentry_cache;
static struct dentry *bucket[BUCKETS];
static struct dentry *youngest, *oldest;
static unsigned long nr_dentries, nr_reads, nr_calls, nr_kept;

/* --- the list --------------------------------------------------------------------------------- */

static void list_put_young(struct dentry *d)
{
	d->younger = NULL;
	d->older = youngest;
	if (youngest)
		youngest->younger = d;
	else
		oldest = d;
	youngest = d;
}

static void list_take(struct dentry *d)
{
	*(d->younger ? &d->younger->older : &youngest) = d->older;
	*(d->older ? &d->older->younger : &oldest) = d->younger;
}

/* --- the cache -------------------------------------------------------------------------------- */

static void die(const char *what)
{
	fprintf(stderr, "shrinker: %s\n", what);
	exit(1);
}

static struct dentry *d_alloc(unsigned long ino)
{
	struct dentry *d = kmem_cache_zalloc(dentry_cache, GFP_KERNEL);

	/* Here the shrinker below has done its work already. */
	if (!d)
		die("a cache that can shrink found no memory");
	d->ino = ino;
	snprintf(d->name, sizeof(d->name), "file-%lu", ino);
	d->next = bucket[ino % BUCKETS];
	bucket[ino % BUCKETS] = d;
	list_put_young(d);
	nr_dentries++;
	nr_reads++;
	return d;
}

static void d_drop(struct dentry *d)
{
	struct dentry **link = &bucket[d->ino % BUCKETS];

	while (*link != d)
		link = &(*link)->next;
	*link = d->next;
	list_take(d);
	nr_dentries--;
	kmem_cache_free(dentry_cache, d);
}

static struct dentry *d_lookup(unsigned long ino)
{
	struct dentry *d = bucket[ino % BUCKETS];

	while (d && d->ino != ino)
		d = d->next;
	if (!d)
		return d_alloc(ino);
	d->referenced = true;
	list_take(d);
	list_put_young(d);
	return d;
}

/* --- the shrinker ----------------------------------------------------------------------------- */

static unsigned long dentry_count(struct shrinker *s, struct shrink_control *sc)
{
	(void)s;
	(void)sc;
	return nr_dentries ? nr_dentries : SHRINK_EMPTY;
}

static unsigned long dentry_scan(struct shrinker *s, struct shrink_control *sc)
{
	unsigned long freed = 0;

	(void)s;
	nr_calls++;
	/* Who asks with GFP_NOFS may hold what the file system needs: not now. */
	if (!(sc->gfp_mask & __GFP_FS))
		return SHRINK_STOP;
	for (unsigned long i = 0; i < sc->nr_to_scan && oldest; i++) {
		struct dentry *d = oldest;

		if (!d->in_use && !d->referenced) {
			d_drop(d);
			freed++;
			continue;
		}
		d->referenced = false;
		nr_kept++;
		list_take(d);
		list_put_young(d);
	}
	return freed;
}

static struct shrinker dentry_shrinker = {
	.count_objects = dentry_count,
	.scan_objects = dentry_scan,
	.seeks = DEFAULT_SEEKS,
};

/* --- the story -------------------------------------------------------------------------------- */

static void tell(const char *what)
{
	printf("%-46s %6lu names, %4lu pages free\n", what, nr_dentries, nr_free_pages());
}

/* Half of the machine for somebody else: the pages are linked through their first words. */
static void **take_pages(unsigned long n)
{
	void **list = NULL;

	while (n--) {
		void **page = (void **)__get_free_page(GFP_KERNEL);

		if (!page)
			die("no page though names could have gone");
		*page = list;
		list = page;
	}
	return list;
}

static void give_pages(void **list)
{
	while (list) {
		void **page = list;

		list = *page;
		free_page((unsigned long)page);
	}
}

static void fill(void)
{
	struct dentry *in_use = d_lookup(0);

	in_use->in_use = 1;
	for (unsigned long ino = 1; ino < 100000; ino++)
		d_lookup(ino);
	tell("100000 files were looked at, not all are kept:");
	printf("the oldest of all is in use and still there: %s\n",
	       d_lookup(0) == in_use && in_use->ino == 0 ? "yes" : "no");
	in_use->in_use = 0;
}

/* A few files that are looked at again and again stay, whatever else passes by. */
static void keep_the_hot_ones(void)
{
	unsigned long before;

	for (unsigned long ino = 0; ino < 100; ino++)
		d_lookup(ino);
	before = nr_reads;
	for (unsigned long i = 0; i < 50000; i++)
		d_lookup(i % 2 ? 1000000 + i : i / 2 % 100);
	printf("100 hot files among 25000 others: read again %lu times\n", nr_reads - before - 25000);
}

static void press(void)
{
	void **list = take_pages(totalram_pages() / 2);

	tell("half of the machine is somebody else's:");
	give_pages(list);
	tell("it came back:");
}

/* A request that may not wait calls no shrinker. It wakes kswapd, which a program calls itself. */
static void call_kswapd(void)
{
	struct kswapd_state st;
	unsigned long calls = nr_calls, pages = 0;
	void **list = NULL, **page;

	while ((page = (void **)__get_free_page(GFP_ATOMIC | __GFP_NOWARN))) {
		*page = list;
		list = page;
		pages++;
	}
	machine_kswapd_state(0, &st);
	printf("GFP_ATOMIC took pages until there was none: the shrinker was called %lu times, kswapd is "
	       "%swanted\n", nr_calls - calls, st.wanted ? "" : "not ");
	if (machine_kswapd(0) <= 0)
		die("kswapd freed nothing");
	machine_kswapd_state(0, &st);
	page = (void **)__get_free_page(GFP_ATOMIC);
	printf("after machine_kswapd() it has one: %s; kswapd is %swanted\n", page ? "yes" : "no",
	       st.wanted ? "" : "not ");
	free_page((unsigned long)page);
	give_pages(list);
}

int main(void)
{
	struct machine_error err;
	struct machine *m;

	if (machine_boot_text(MACHINE, &m, &err))
		die(err.reason);
	dentry_cache = kmem_cache_create("dentry", sizeof(struct dentry), 0,
					 SLAB_RECLAIM_ACCOUNT | SLAB_PANIC, NULL);
	if (register_shrinker(&dentry_shrinker, "dentry"))
		die("no shrinker");
	tell("booted:");
	fill();
	keep_the_hot_ones();
	press();
	fill();
	call_kswapd();
	printf("drop_slab() frees the rest: %s\n", drop_slab() && !nr_dentries ? "yes" : "no");
	unregister_shrinker(&dentry_shrinker);
	kmem_cache_destroy(dentry_cache);
	return machine_shutdown(m) != 0;
}
