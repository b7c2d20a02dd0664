/* SPDX-License-Identifier: MIT */
/* <kmem/inspect.h>: counters, texts and lookups. */
#include "common/backend.h"
#include "common/registry.h"
#include "common/stack_depot.h"
#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/report.h"
#include "lib/report_queue.h"
#include "lib/string.h"

int kmem_get_stats(struct kmem_stats *st)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return -ENODEV;
	__builtin_memset(st, 0, sizeof(*st));
	caches_get_stats(k, st);
	buddy_get_stats(k, st);
	return 0;
}

uint64_t kmem_management_bytes(const struct kmem_cache *s, unsigned int nodes, unsigned int cpus)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return 0;
	if (!s || s->kernel == k)
		return caches_scaled_bytes(k, s, nodes, cpus);
	report_warn(k, "kmem_management_bytes: no cache of this machine");
	return 0;
}

void kmem_stats_reset_peak(void)
{
	struct kernel *k = arch_kernel();
	struct cache_registry *r;

	if (!k)
		return;
	r = k->caches;
	__atomic_store_n(&r->peak_pages, __atomic_load_n(&r->slab_pages, __ATOMIC_RELAXED) +
						 __atomic_load_n(&r->large_pages, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
}

long kmem_cache_print_geometry(struct kmem_cache *s, bool counts, char *buf, size_t size)
{
	struct kernel *k = s->kernel;
	struct seq_file m;

	seq_init_buf(&m, buf, size);
	caches_lock_to_look(k);
	backend_show_geometry(s, counts, &m);
	caches_unlock_to_look(k);
	return (long)m.len;
}

/* Slabs by their frame number. */
static void frame_label(void *arg, const struct kmem_cache *s, const void *base, char *buf,
			size_t size)
{
	struct kernel *k = arg;
	uint64_t off = (uint64_t)((const char *)base - k->arch->ram);

	ksnprintf(buf, size, "%llx", (unsigned long long)(off >> PAGE_SHIFT));
}

long kmem_cache_print_state(struct kmem_cache *s, kmem_label_fn *label, void *arg, char *buf,
			    size_t size)
{
	struct kernel *k = s ? s->kernel : arch_kernel();
	struct seq_file m;

	if (!k)
		return -ENODEV;
	seq_init_buf(&m, buf, size);
	caches_lock_to_look(k);
	backend_show_state(s, k, label ? label : frame_label, label ? arg : k, &m);
	caches_unlock_to_look(k);
	return (long)m.len;
}

/* Head of the slab or block of pages in which @object lies, or NULL. */
static struct page *object_head(struct arch_cpu *cpu, const void *object)
{
	struct page *head = cpu ? memmap_lookup_head(cpu, object) : NULL;

	if (!head || (head->type != PAGE_TYPE_SLAB && !(head->flags & PG_LARGE)))
		return NULL;
	return head;
}

struct kmem_cache *kmem_cache_of(const void *object)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct page *head = object_head(cpu, object);

	if (!head || head->flags & PG_LARGE)
		return NULL;
	return backend_cache_of(cpu->kernel, head);
}

void *kmem_slab_base(const void *object)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct page *head = object_head(cpu, object);

	return head ? memmap_address(cpu, head) : NULL;
}

bool kmem_is_large(const void *object, unsigned int *order)
{
	struct page *head = object_head(arch_cpu_current(), object);

	if (!head || !(head->flags & PG_LARGE))
		return false;
	if (order)
		*order = head->order;
	return true;
}

struct kmem_cache *kmem_find_cache(const char *name)
{
	struct kernel *k = arch_kernel();
	struct kmem_cache *found;

	if (!k)
		return NULL;
	caches_lock_to_look(k);
	found = cache_find_locked(k, name);
	caches_unlock_to_look(k);
	return found;
}

bool kmem_valid_obj(const void *object)
{
	struct page *head = object_head(arch_cpu_current(), object);

	return head && !(head->flags & PG_LARGE);
}

/* The line of an object in the slab @head: where it begins, and what else is known. */
static void put_object(struct kernel *k, struct page *head, const void *p, struct seq_file *m)
{
	struct kmem_cache *s = backend_cache_of(k, head);
	long off = s ? backend_offset(s, head, p) : BACKEND_NO_OBJECT;
	struct slab_obj_info info;
	char name[128];

	seq_printf(m, s ? "slab %s" : "slab", s ? s->name : "");
	if (off == BACKEND_NO_OBJECT) {
		if (s)
			seq_printf(m, " size %u", cache_object_size(s));
		seq_putc(m, '\n');
		return;
	}
	backend_obj_info(s, (const char *)p - off, &info);
	seq_printf(m, " start %llx", slab_addr((const char *)p - off - info.data_offset));
	if (info.data_offset)
		seq_printf(m, " data offset %zu", info.data_offset);
	seq_printf(m, " pointer offset %ld size %u", off, cache_object_size(s));
	if (info.caller) {
		arch_symbol((unsigned long)info.caller, name, sizeof(name));
		seq_printf(m, " allocated at %s", name);
	}
	seq_putc(m, '\n');
	stack_depot_print(k, info.alloc_stack, 4, m);
	if (info.free_stack)
		seq_puts(m, " Free path:\n");
	stack_depot_print(k, info.free_stack, 4, m);
}

struct dumped {
	struct kernel *k;
	struct page *head;
	const void *object;
};

static void put_dumped(void *arg, struct seq_file *m)
{
	const struct dumped *d = arg;

	put_object(d->k, d->head, d->object, m);
}

void kmem_dump_obj(const void *object)
{
	struct arch_cpu *cpu = arch_cpu_current();
	struct dumped d = {.head = object_head(cpu, object), .object = object};
	struct report_queue q;

	if (!cpu)
		return;
	d.k = cpu->kernel;
	if (!d.head || d.head->flags & PG_LARGE) {
		report_warn(d.k, "kmem_dump_obj: 0x%llx is in no slab", slab_addr(object));
		return;
	}
	report_queue_init(&q, d.k);
	report_queue_lines(&q, 6, put_dumped, &d);
	report_queue_say(&q);
}

void kmem_set_slab_event_hook(kmem_slab_event_fn *fn, void *arg)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	k->caches->event_arg = arg;
	k->caches->event = fn;
}
