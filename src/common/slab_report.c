/* SPDX-License-Identifier: MIT */
/*
 * What the small-object layer says about misuse and leaks, in the kernel's words where it has any.
 *
 * A leak is a warning: Linux says "BUG" in its title but goes on, and so does kmem_cache_destroy().
 * Misuse of a pointer is a bug: by default the process stops there.
 */
#include "common/backend.h"
#include "common/rcu.h"
#include "common/registry.h"
#include "buddy/buddy.h"
#include "lib/report_queue.h"
#include "lib/string.h"

/* Room for a leak report, and how many objects it names. */
#define LEAK_TEXT ((size_t)32 << 10)
#define LEAK_OBJECTS 256

unsigned long long slab_addr(const void *p)
{
	kva_t kva = arch_cpu_ptr != &arch_cpu_none ? ptr_to_kva(p) : 0;

	return kva ? kva : (unsigned long long)(uintptr_t)p;
}

void slab_bug(struct kernel *k, const char *what, const struct kmem_cache *s, const void *object,
	      const char *why)
{
	if (s)
		report_bug(k, "%s: %s, ptr 0x%llx cache %s", what, why, slab_addr(object), s->name);
	else
		report_bug(k, "%s: %s, ptr 0x%llx", what, why, slab_addr(object));
}

struct tracked {
	struct kmem_cache *s;
	const void *object;
};

static void put_tracks(void *arg, struct seq_file *m)
{
	const struct tracked *t = arg;

	backend_put_tracks(t->s, t->object, m);
}

void slab_wrong_cache(struct kernel *k, const struct kmem_cache *s, const struct kmem_cache *owner,
		      const void *object)
{
	struct tracked t = {(struct kmem_cache *)(uintptr_t)owner, object};
	struct report_queue q;

	report_warn(k, "cache_from_obj: Wrong slab cache. %s but object is from %s", s->name,
		    owner->name);
	report_queue_init(&q, k);
	report_queue_lines(&q, 3, put_tracks, &t);
	report_queue_say(&q);
}

/* One row: 16 bytes or fewer, the characters always in the same column. */
static void put_row(struct seq_file *m, const char *label, const char *p, size_t len)
{
	unsigned long long addr = slab_addr(p);
	unsigned char bytes[16];

	arch_raw_copy(bytes, p, len);
	seq_printf(m, addr >> 32 ? "%s%016llx: " : "%s%08llx: ", label, addr);
	for (size_t i = 0; i < 16; i++) {
		if (i < len)
			seq_printf(m, "%02x ", bytes[i]);
		else
			seq_puts(m, "   ");
	}
	seq_putc(m, ' ');
	for (size_t i = 0; i < len; i++)
		seq_putc(m, bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.');
	seq_putc(m, '\n');
}

void slab_put_section(struct seq_file *m, const char *label, const void *p, size_t len)
{
	for (size_t at = 0; at < len; at += 16)
		put_row(m, label, (const char *)p + at, len - at < 16 ? len - at : 16);
}

/* --- leaks ------------------------------------------------------------------------------------- */

static void put_rule(struct seq_file *m, char c)
{
	unsigned int i;

	for (i = 0; i < 77; i++)
		seq_putc(m, c);
	seq_putc(m, '\n');
}

static void put_header(struct seq_file *m, const struct kmem_cache *s)
{
	put_rule(m, '=');
	seq_printf(m, "BUG %s (", s->name);
	report_put_taint(m, s->kernel);
	seq_printf(m, "): Objects remaining in %s on __kmem_cache_shutdown()\n", s->name);
	put_rule(m, '-');
	seq_putc(m, '\n');
	report_taint(s->kernel, TAINT_BAD_PAGE);
}

/* The kernel's order: a slab, how the program came here, the slab's objects; then the next slab. */
static void put_live(struct seq_file *m, struct kmem_cache *s, unsigned long objects, char *lines,
		     size_t room)
{
	struct seq_file live;
	const char *line, *next;

	seq_init_buf(&live, lines, room);
	backend_report_live(s, LEAK_OBJECTS, &live);
	if (!live.len || !strchr(lines, '\n')) {
		put_header(m, s);
		seq_printf(m, "%lu object%s of %u bytes\n", objects, objects == 1 ? "" : "s",
			   s->object_size);
		report_put_caller(m, 3);
		return;
	}
	for (line = lines; (next = strchr(line, '\n')); line = next + 1) {
		bool slab = !strncmp(line, "Slab ", 5);

		if (slab)
			put_header(m, s);
		seq_write(m, line, (size_t)(next + 1 - line));
		if (slab)
			report_put_caller(m, 3);
	}
	if (objects > LEAK_OBJECTS)
		seq_printf(m, "... and %lu more\n", objects - LEAK_OBJECTS);
}

noinline void cache_report_leak(struct kmem_cache *s, unsigned long objects)
{
	struct kernel *k = s->kernel;
	/* With tracks an object takes a dozen lines. */
	size_t room = s->flags & SLAB_STORE_USER ? 16 * LEAK_TEXT : LEAK_TEXT;
	char *text = arch_host_alloc(k->arch, 3 * room);
	struct seq_file m;

	if (!text) {
		report_warn(k, "BUG %s (Not tainted): Objects remaining in %s on __kmem_cache_shutdown()",
			    s->name, s->name);
		return;
	}
	seq_init_buf(&m, text, 2 * room);
	put_live(&m, s, objects, text + 2 * room, room);
	report_text(k, MACHINE_WARN, text);
	arch_host_free(k->arch, text, 3 * room);
}

/* Objects of a library cache that the library itself still holds: structures of caches that leaked,
 * and with them their parts. */
static unsigned long own_objects(struct kernel *k, const struct kmem_cache *s)
{
	struct cache_registry *r = k->caches;
	unsigned long own = 0;
	struct kmem_cache *c;
	unsigned int i;

	if (s == r->kmem_cache) {
		list_for_each_entry(c, &r->list, list)
			own += !c->boot;
		return own;
	}
	for (i = 0; i <= KMALLOC_SHIFT_HIGH; i++)
		if (r->kmalloc.cache[KMALLOC_NORMAL][i] == s)
			own += (unsigned long)r->meta_live[i];
	return own;
}

static unsigned long leaks_of(struct kernel *k, struct kmem_cache *s)
{
	unsigned long live = backend_shutdown(s);
	unsigned long own = s->boot ? own_objects(k, s) : 0;

	return live > own ? live - own : 0;
}

/* SLOB: blocks of kmalloc belong to no cache. */
static unsigned long report_kmalloc_leaks(struct kernel *k)
{
	struct cache_registry *r = k->caches;
	long live = r->kmalloc_live - r->meta_live[0];

	if (backend_traits.kmalloc_shift_low || live <= 0)
		return 0;
	report_warn(k, "BUG kmalloc (Not tainted): %ld block%s remaining at shutdown", live,
		    live == 1 ? "" : "s");
	return (unsigned long)live;
}

/* Whether nothing refers to an empty cache any more: a reader that never ended its section keeps
 * slabs. */
static bool cache_is_idle(struct kernel *k, const struct kmem_cache *s)
{
	return !(s->flags & SLAB_TYPESAFE_BY_RCU) || rcu_drain(k);
}

/* The library's own caches, or all others, which are released as far as they are empty. */
static unsigned long report_leaks_locked(struct kernel *k, bool boot)
{
	struct kmem_cache *s, *next;
	unsigned long total = 0, leaks;

	list_for_each_entry_safe(s, next, &k->caches->list, list) {
		if (s->boot != boot)
			continue;
		leaks = leaks_of(k, s);
		total += leaks;
		if (leaks)
			cache_report_leak(s, leaks);
		else if (!boot && cache_is_idle(k, s))
			cache_destroy_locked(k, s);
	}
	return total;
}

unsigned long caches_report_leaks(struct kernel *k)
{
	unsigned long total;

	caches_lock(k);
	/* What a cache holds of the library's caches goes with it: the library's come last. */
	total = report_leaks_locked(k, false);
	total += report_leaks_locked(k, true);
	total += report_kmalloc_leaks(k);
	caches_unlock(k);
	return total;
}
