/* SPDX-License-Identifier: MIT */
/*
 * Performs a parsed script and prints results in the words of the golden runs.
 *
 * A result names a place as slab ordinal + offset (labels.h). Constructor calls are remembered
 * while an op runs, since a constructor may not call the library, and printed before the op's own
 * line; slabs that went back are printed after it.
 */
#include "runner.h"
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A constructor gets nothing but the object, so its calls are collected here. */
static struct {
	void **objects;
	size_t nr;
	size_t capacity;
} constructed;

static void ctor(void *object)
{
	if (constructed.nr == constructed.capacity) {
		constructed.capacity = constructed.capacity ? 2 * constructed.capacity : 256;
		constructed.objects = xrealloc(constructed.objects, constructed.capacity,
					       sizeof(*constructed.objects));
	}
	constructed.objects[constructed.nr++] = object;
}

static void on_slab_event(void *arg, enum kmem_slab_event ev, struct kmem_cache *s, void *base,
			  unsigned int order)
{
	struct runner *r = arg;

	if (ev == KMEM_SLAB_FREED)
		labels_slab_freed(r->labels, base);
}

/* Script caches go by their number, kmalloc's by their own name. */
static const char *owner_name(struct runner *r, const struct kmem_cache *s, int cache, char buf[16])
{
	if (r->slob)
		return "slob";
	if (cache < 0)
		return kmem_cache_name(s);
	snprintf(buf, 16, "c%d", cache);
	return buf;
}

/* "s3+128", or for a block of whole pages "PAGES off=0". @cache: number, -1 for kmalloc's. */
static void print_place(struct runner *r, const struct kmem_cache *s, int cache, const void *object)
{
	const char *base = kmem_slab_base(object);
	unsigned int order;
	char buf[16];

	if (kmem_is_large(object, &order)) {
		printf("pages off=%td", (const char *)object - base);
		return;
	}
	printf("s%u+%td",
	       labels_slab(r->labels, r->slob ? NULL : s, owner_name(r, s, cache, buf), base),
	       (const char *)object - base);
}

static void print_constructed(struct runner *r, unsigned int cache)
{
	char buf[16];

	for (size_t i = 0; i < constructed.nr; i++) {
		printf("  ctor %s ", owner_name(r, r->caches[cache], (int)cache, buf));
		print_place(r, r->caches[cache], (int)cache, constructed.objects[i]);
		putchar('\n');
	}
	constructed.nr = 0;
}

void hold(struct runner *r, unsigned int id, void *ptr)
{
	r->objects[id].ptr = ptr;
	r->objects[id].is_page = false;
	if (ptr)
		r->objects[id].last = ptr;
}

void *take(struct runner *r, unsigned int id)
{
	void *ptr = r->objects[id].ptr;

	if (!ptr)
		printf("free-none o%u\n", id);
	r->objects[id].ptr = NULL;
	return ptr;
}

/* --- caches ---------------------------------------------------------------------------------- */

/* A line of the library into r->text. */
static const char *geometry(struct runner *r, struct kmem_cache *s, bool counts)
{
	long len = kmem_cache_print_geometry(s, counts, r->text, r->text_size);

	if (len >= (long)r->text_size) {
		r->text_size = (size_t)len + 1;
		r->text = xrealloc(r->text, r->text_size, 1);
		kmem_cache_print_geometry(s, counts, r->text, r->text_size);
	}
	return r->text;
}

static void print_cache(struct runner *r, const char *label, struct kmem_cache *s)
{
	printf("cache %s name=%s %s\n", label, kmem_cache_name(s), geometry(r, s, true));
}

struct state_label {
	struct runner *runner;
	int cache;
};

static void label_slab(void *arg, const struct kmem_cache *s, const void *base, char *buf,
		       size_t size)
{
	struct state_label *l = arg;
	struct runner *r = l->runner;
	char name[16];
	const char *owner = owner_name(r, s, l->cache, name);

	snprintf(buf, size, "s%u", labels_slab(r->labels, r->slob ? NULL : s, owner, base));
}

static void print_state(struct runner *r, const char *label, struct kmem_cache *s, int cache)
{
	struct state_label l = {r, cache};
	long len = kmem_cache_print_state(s, label_slab, &l, r->text, r->text_size);

	if (len >= (long)r->text_size) {
		r->text_size = (size_t)len + 1;
		r->text = xrealloc(r->text, r->text_size, 1);
		kmem_cache_print_state(s, label_slab, &l, r->text, r->text_size);
	}
	printf("state %s %s\n", r->slob ? "slob" : label, r->text);
}

static void do_cache(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = kmem_cache_create(op->word, (unsigned int)op->numbers[0],
						 (unsigned int)op->numbers[1], op->flags,
						 op->ctor ? ctor : NULL);
	char label[16];

	r->caches[op->cache] = s;
	if (!s) {
		printf("cache c%u name=%s = NULL\n", op->cache, op->word);
		return;
	}
	snprintf(label, sizeof(label), "c%u", op->cache);
	print_cache(r, label, s);
}

static void do_print_cache(struct runner *r, const struct op *op)
{
	char label[16];

	if (!r->caches[op->cache])
		return;
	snprintf(label, sizeof(label), "c%u", op->cache);
	print_cache(r, label, r->caches[op->cache]);
}

static void do_print_state(struct runner *r, const struct op *op)
{
	char label[16];

	/* SLOB's lists are there whether the cache is or not. */
	if (!r->caches[op->cache] && !r->slob)
		return;
	snprintf(label, sizeof(label), "c%u", op->cache);
	print_state(r, label, r->caches[op->cache], (int)op->cache);
}

static void do_print_kmcache(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = r->slob ? NULL : kmem_find_cache(op->word);

	if (!s)
		return;
	print_cache(r, op->word, s);
	print_state(r, op->word, s, -1);
}

static void do_shrink(struct runner *r, const struct op *op)
{
	if (r->caches[op->cache])
		printf("shrink c%u = %d\n", op->cache, kmem_cache_shrink(r->caches[op->cache]));
}

static void do_destroy(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = r->caches[op->cache];
	char *name;

	if (!s)
		return;
	name = xstrdup(kmem_cache_name(s));
	kmem_cache_destroy(s);
	printf("destroy c%u\n", op->cache);
	r->caches[op->cache] = NULL;
	/* A cache with live objects has stayed, and so have its names. */
	if (kmem_find_cache(name) != s && !r->slob)
		labels_forget_cache(r->labels, s);
	free(name);
}

static void do_geom(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = kmem_cache_create("geom", (unsigned int)op->numbers[0],
						 (unsigned int)op->numbers[1], op->flags,
						 op->ctor ? ctor : NULL);

	printf("geom req=%lld reqalign=%lld reqflags=%s %s\n", (long long)op->numbers[0],
	       (long long)op->numbers[1], op->word, s ? geometry(r, s, false) : "NULL");
	if (s)
		kmem_cache_destroy(s);
}

/* --- objects --------------------------------------------------------------------------------- */

static void print_alloc(struct runner *r, const struct op *op, void *object, bool with_node)
{
	hold(r, op->object, object);
	print_constructed(r, op->cache);
	printf("alloc c%u o%u = ", op->cache, op->object);
	if (!object) {
		puts("NULL");
		return;
	}
	print_place(r, r->caches[op->cache], (int)op->cache, object);
	if (with_node)
		printf(" nid=%d", page_to_nid(virt_to_page(object)));
	putchar('\n');
}

static void do_alloc(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = r->caches[op->cache];

	print_alloc(r, op, s ? kmem_cache_alloc(s, GFP_KERNEL) : NULL, false);
}

static void do_allocn(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = r->caches[op->cache];
	void *object = NULL;

	if (s)
		object = kmem_cache_alloc_node(s, GFP_KERNEL | __GFP_THISNODE, (int)op->numbers[0]);
	print_alloc(r, op, object, true);
}

static void do_free(struct runner *r, const struct op *op)
{
	void *object = take(r, op->object);

	if (object && r->caches[op->cache])
		kmem_cache_free(r->caches[op->cache], object);
}

static void do_balloc(struct runner *r, const struct op *op)
{
	struct kmem_cache *s = r->caches[op->cache];
	size_t n = (size_t)op->numbers[0];
	int ret = s ? kmem_cache_alloc_bulk(s, GFP_KERNEL, n, r->bulk) : 0;

	print_constructed(r, op->cache);
	printf("balloc c%u n=%zu ret=%d\n", op->cache, n, ret);
	for (unsigned int i = 0; i < n; i++)
		hold(r, op->object + i, i < (unsigned int)ret ? r->bulk[i] : NULL);
	for (unsigned int i = 0; i < (unsigned int)ret; i++) {
		printf("  o%u = ", op->object + i);
		print_place(r, s, (int)op->cache, r->bulk[i]);
		putchar('\n');
	}
}

static void do_bfree(struct runner *r, const struct op *op)
{
	size_t n = 0;

	for (unsigned int i = 0; i < (unsigned int)op->numbers[0]; i++) {
		void *object = take(r, op->object + i);

		if (object)
			r->bulk[n++] = object;
	}
	if (n && r->caches[op->cache])
		kmem_cache_free_bulk(r->caches[op->cache], n, r->bulk);
	printf("bfree c%u n=%zu\n", op->cache, n);
}

static void print_kmalloced(struct runner *r, void *object)
{
	struct kmem_cache *s = kmem_cache_of(object);
	unsigned int order;

	if (kmem_is_large(object, &order)) {
		printf("large off=%td order=%u", (char *)object - (char *)kmem_slab_base(object),
		       order);
	} else {
		if (s)
			printf("%s ", kmem_cache_name(s));
		print_place(r, s, -1, object);
	}
	printf(" ksize=%zu\n", ksize(object));
}

static void do_kmalloc(struct runner *r, const struct op *op)
{
	size_t size = (size_t)op->numbers[0];
	void *object = kmalloc(size, op->gfp);

	hold(r, op->object, object);
	printf("kmalloc o%u %zu = ", op->object, size);
	if (!object)
		puts("NULL");
	else if (ZERO_OR_NULL_PTR(object))
		puts("ZERO_SIZE_PTR");
	else
		print_kmalloced(r, object);
}

static void do_kfree(struct runner *r, const struct op *op)
{
	void *object = take(r, op->object);

	if (object)
		kfree(object);
}

static void do_ksize(struct runner *r, const struct op *op)
{
	printf("ksize o%u = %zu\n", op->object, ksize(r->objects[op->object].ptr));
}

static void do_ksweep(struct runner *r, const struct op *op)
{
	size_t lo = (size_t)op->numbers[0];
	size_t hi = (size_t)op->numbers[1];
	size_t before = 0;

	for (size_t size = lo; size <= hi; size++) {
		void *object = kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
		size_t usable = ksize(object);
		unsigned int order;

		if (!object || usable != before || size == lo || size == hi)
			printf("ksweep %zu ksize=%zu where=%s\n", size, usable,
			       !object                        ? "null"
			       : kmem_is_large(object, &order) ? "pages"
							       : "slab");
		before = usable;
		kfree(object);
	}
}

static void do_rcu(struct runner *r, const struct op *op)
{
	rcu_barrier();
	puts("rcu");
}

/* --- vmalloc ------------------------------------------------------------------------------- */

static void do_vmalloc(struct runner *r, const struct op *op)
{
	unsigned long size = (unsigned long)op->numbers[0];
	void *ptr = vmalloc(size);
	const struct vm_struct *area = ptr ? find_vm_area(ptr) : NULL;
	kva_t kva = ptr_to_kva(ptr);

	hold(r, op->object, ptr);
	printf("vmalloc o%u %lu = ", op->object, size);
	if (!area) {
		puts("NULL");
		return;
	}
	if (!r->first_area)
		r->first_area = r->last_area = kva;
	printf("+%lld delta=%lld pages=%u areasize=%lu\n", (long long)(kva - r->first_area),
	       (long long)(kva - r->last_area), area->nr_pages, area->size);
	r->last_area = kva;
}

static void do_vfree(struct runner *r, const struct op *op)
{
	void *ptr = take(r, op->object);

	if (ptr)
		vfree(ptr);
}

static void do_vpurge(struct runner *r, const struct op *op)
{
	vm_unmap_aliases();
}

/* The address a walk begins with; what holds nothing is NULL. */
static kva_t address_of(const struct object *object)
{
	const void *ptr = object->ptr;

	if (ptr && object->is_page)
		ptr = page_address(object->ptr);
	return ptr ? ptr_to_kva(ptr) : 0;
}

static void do_walk(struct runner *r, const struct op *op)
{
	kva_t kva = address_of(&r->objects[op->object]) + (kva_t)op->numbers[0];
	struct mmu_walk_result walk;
	int ret = mmu_walk(kva, MMU_READ | MMU_PROBE, &walk);

	if (ret && ret != -EFAULT)
		die("walk: this machine's page tables cannot be walked (%s)", strerror(-ret));
	printf("walk o%u+%lld", op->object, (long long)op->numbers[0]);
	for (unsigned int i = 0; i < walk.nr_entries; i++)
		printf(" %s=%llx", walk.entries[i].name,
		       (unsigned long long)(walk.entries[i].value & X86_PTE_FLAGS_MASK));
	puts(walk.nr_entries == 1 && !walk.entries[0].value ? " none" : "");
}

/* --- misuse: these mean what the id held last, whether it still does or not ------------------ */

static void do_refree(struct runner *r, const struct op *op)
{
	char *object = r->objects[op->object].last;

	if (object && r->caches[op->cache])
		kmem_cache_free(r->caches[op->cache], object + op->numbers[0]);
	r->objects[op->object].ptr = NULL;
}

static void do_rekfree(struct runner *r, const struct op *op)
{
	char *object = r->objects[op->object].last;

	if (object)
		kfree(object + op->numbers[0]);
	r->objects[op->object].ptr = NULL;
}

static void do_refpages(struct runner *r, const struct op *op)
{
	struct page *page = r->objects[op->object].last;

	if (page)
		__free_pages(page, (unsigned int)op->numbers[0]);
	r->objects[op->object].ptr = NULL;
}

/* A write that AddressSanitizer is not to stop: the object may be free. */
__attribute__((no_sanitize("address"))) static void write_byte(volatile char *at, int byte)
{
	*at = (char)byte;
}

static void do_poke(struct runner *r, const struct op *op)
{
	char *object = r->objects[op->object].last;

	if (!object)
		return;
	if (!ptr_to_kva(object + op->numbers[0]))
		die("poke: o%u%+lld is no memory of the machine", op->object,
		    (long long)op->numbers[0]);
	write_byte(object + op->numbers[0], (int)op->numbers[1]);
}

static void do_validate(struct runner *r, const struct op *op)
{
	if (r->caches[op->cache])
		printf("validate c%u = %ld\n", op->cache, kmem_cache_validate(r->caches[op->cache]));
}

static void do_say(struct runner *r, const struct op *op)
{
	sim_messages(7);
}

/* --------------------------------------------------------------------------------------------- */

typedef void op_fn(struct runner *r, const struct op *op);

static op_fn *const actions[] = {
	[OP_CACHE] = do_cache,
	[OP_ALLOC] = do_alloc,
	[OP_ALLOCN] = do_allocn,
	[OP_FREE] = do_free,
	[OP_BALLOC] = do_balloc,
	[OP_BFREE] = do_bfree,
	[OP_KMALLOC] = do_kmalloc,
	[OP_KFREE] = do_kfree,
	[OP_KSIZE] = do_ksize,
	[OP_PAGES] = do_pages,
	[OP_FPAGES] = do_fpages,
	[OP_SHRINK] = do_shrink,
	[OP_DESTROY] = do_destroy,
	[OP_DRAIN] = do_drain,
	[OP_ARENA] = do_arena,
	[OP_PCP] = do_pcp,
	[OP_WMARK] = do_wmark,
	[OP_EXHAUST] = do_exhaust,
	[OP_PRINT_BUDDY] = do_print_buddy,
	[OP_RCU] = do_rcu,
	[OP_PRINT_CACHE] = do_print_cache,
	[OP_PRINT_STATE] = do_print_state,
	[OP_PRINT_KMCACHE] = do_print_kmcache,
	[OP_GEOM] = do_geom,
	[OP_KSWEEP] = do_ksweep,
	[OP_REFREE] = do_refree,
	[OP_REKFREE] = do_rekfree,
	[OP_REFPAGES] = do_refpages,
	[OP_SAY] = do_say,
	[OP_POKE] = do_poke,
	[OP_VALIDATE] = do_validate,
	[OP_VMALLOC] = do_vmalloc,
	[OP_VFREE] = do_vfree,
	[OP_VPURGE] = do_vpurge,
	[OP_WALK] = do_walk,
};

static size_t largest_bulk(const struct script *s)
{
	size_t max = 1;

	for (size_t i = 0; i < s->nr_ops; i++) {
		const struct op *op = &s->ops[i];

		if (op->code != OP_BALLOC && op->code != OP_BFREE)
			continue;
		if ((size_t)op->numbers[0] > max)
			max = (size_t)op->numbers[0];
	}
	return max;
}

void script_execute(const struct script *s)
{
	struct runner r = {
		.caches = xcalloc(s->nr_caches, sizeof(*r.caches)),
		.objects = xcalloc(s->nr_objects, sizeof(*r.objects)),
		.labels = labels_new(),
		.slob = !strcmp(machine_backend(), "slob"),
		.bulk = xcalloc(largest_bulk(s), sizeof(*r.bulk)),
		.text = xcalloc(4096, 1),
		.text_size = 4096,
	};

	kmem_set_slab_event_hook(on_slab_event, &r);
	for (size_t i = 0; i < s->nr_ops; i++) {
		actions[s->ops[i].code](&r, &s->ops[i]);
		labels_print_freed(r.labels, stdout);
	}
	kmem_set_slab_event_hook(NULL, NULL);
	labels_free(r.labels);
	free(r.caches);
	free(r.objects);
	free(r.bulk);
	free(r.text);
	free(constructed.objects);
	memset(&constructed, 0, sizeof(constructed));
}
