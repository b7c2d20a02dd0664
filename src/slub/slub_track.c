/* SPDX-License-Identifier: MIT */
/*
 * SLAB_STORE_USER: behind each object (and its free pointer) stand two tracks, of its last
 * allocation and of its last free, and behind those of a kmalloc object the size that was asked
 * for. A track is a caller, a handle of his stack, CPU, thread and time, by the machine's clock.
 */
#include "slub/slub_debug.h"

#include "common/stack_depot.h"

static char *track_at(const struct slub_cache *s, const void *object, unsigned int item)
{
	return (char *)(uintptr_t)object + slub_info_end(s) + item * sizeof(struct slub_track);
}

uint64_t slub_jiffies(const struct slub_cache *s)
{
	return kernel_clock(s->common.kernel) / 4;
}

void slub_track_prepare(struct slub_cache *s, const void *caller, struct slub_track *track)
{
	char comm[32];
	int tid = 0;

	__builtin_memset(track, 0, sizeof(*track));
	if (!(s->common.flags & SLAB_STORE_USER))
		return;
	arch_thread_name(comm, sizeof(comm), &tid);
	track->addr = (uintptr_t)caller;
	track->stack = stack_depot_save(s->common.kernel, caller);
	track->cpu = (int32_t)arch_cpu_ptr->id;
	track->pid = tid;
	track->when = slub_jiffies(s);
}

void slub_track_set(const struct slub_cache *s, void *object, enum slub_track_item item,
		    const struct slub_track *track)
{
	if (s->common.flags & SLAB_STORE_USER)
		arch_raw_copy(track_at(s, object, item), track, sizeof(*track));
}

void slub_track_get(const struct slub_cache *s, const void *object, enum slub_track_item item,
		    struct slub_track *track)
{
	if (s->common.flags & SLAB_STORE_USER)
		arch_raw_copy(track, track_at(s, object, item), sizeof(*track));
	else
		__builtin_memset(track, 0, sizeof(*track));
}

void slub_track_clear(const struct slub_cache *s, void *object)
{
	if (s->common.flags & SLAB_STORE_USER)
		arch_raw_fill(track_at(s, object, 0), 0, 2 * sizeof(struct slub_track));
}

void slub_orig_size_set(const struct slub_cache *s, void *object, size_t size)
{
	unsigned int n = (unsigned int)size;

	if (slub_keeps_orig_size(s))
		arch_raw_copy(track_at(s, object, 2), &n, sizeof(n));
}

size_t slub_orig_size_get(const struct slub_cache *s, const void *object)
{
	unsigned int n;

	if (!slub_keeps_orig_size(s))
		return s->common.object_size;
	arch_raw_copy(&n, track_at(s, object, 2), sizeof(n));
	return n;
}

static void put_track(struct slub_cache *s, const char *what, const struct slub_track *t,
		      struct seq_file *m)
{
	char name[128];

	if (!t->addr)
		return;
	arch_symbol((unsigned long)t->addr, name, sizeof(name));
	seq_printf(m, "%s in %s age=%llu cpu=%d pid=%d\n", what, name,
		   (unsigned long long)(slub_jiffies(s) - t->when), t->cpu, t->pid);
	if (t->stack)
		stack_depot_print(s->common.kernel, t->stack, 1, m);
	else
		seq_puts(m, "object allocation/free stack trace missing\n");
}

void slub_put_tracking(struct slub_cache *s, const void *object, struct seq_file *m)
{
	struct slub_track t;

	slub_track_get(s, object, SLUB_TRACK_ALLOC, &t);
	put_track(s, "Allocated", &t, m);
	slub_track_get(s, object, SLUB_TRACK_FREE, &t);
	put_track(s, "Freed", &t, m);
}

void backend_put_tracks(struct kmem_cache *cache, const void *object, struct seq_file *m)
{
	slub_put_tracking(slub_of(cache), object, m);
}

void backend_obj_info(const struct kmem_cache *cache, const void *object,
		      struct slab_obj_info *info)
{
	const struct slub_cache *s = slub_of((struct kmem_cache *)(uintptr_t)cache);
	struct slub_track t;

	slub_track_get(s, object, SLUB_TRACK_ALLOC, &t);
	info->data_offset = s->red_left_pad;
	info->caller = (const void *)(uintptr_t)t.addr;
	info->alloc_stack = t.stack;
	slub_track_get(s, object, SLUB_TRACK_FREE, &t);
	info->free_stack = t.stack;
}
