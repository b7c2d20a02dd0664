/* SPDX-License-Identifier: MIT */
/* <kmem/inspect.h>: counters, texts and lookups. */
#include "common/backend.h"
#include "common/registry.h"
#include "buddy/buddy.h"
#include "lib/errno.h"
#include "lib/report.h"
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

void kmem_set_slab_event_hook(kmem_slab_event_fn *fn, void *arg)
{
	struct kernel *k = arch_kernel();

	if (!k)
		return;
	k->caches->event_arg = arg;
	k->caches->event = fn;
}
