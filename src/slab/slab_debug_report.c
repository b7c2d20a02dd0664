/* SPDX-License-Identifier: MIT */
/*
 * Reports of debug caches, in the words of a kernel with CONFIG_DEBUG_SLAB; docs/debugging.md decodes
 * one of each.
 *
 *	Slab corruption (Not tainted): t start=ffff888002001008, len=100
 *	Redzone: 0x9f911029d74e35b/0x9f911029d74e35b
 *	Last user: (drop+0x1f/0x30)
 *	010: 6b 6b 6b 00 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b 6b  kkk.kkkkkkkkkkkk
 *	Prev obj: start=…                       and its words and first lines
 *	Next obj: start=…
 *
 *	slab error in verify_redzone_free(): cache `t': memory outside object was overwritten
 *	CPU: …                                  who freed it
 *	ffff888002001000: redzone 1:0xd84156c5635688c0, redzone 2:0xd84156c563568800
 *
 * No report is said under a lock.
 */
#include "slab/slab_debug.h"

#include "lib/kfmt.h"
#include "lib/string.h"

/* Bytes of a line; lines of the damaged object and of its neighbours. */
#define SLAB_LINE 16u
#define SLAB_CORRUPT_LINES 6u
#define SLAB_NEIGHBOUR_LINES 2u

/* Where the characters of a line stand behind its bytes. */
#define SLAB_LINE_WIDTH (3u * SLAB_LINE + 1)

/* A line with one wrong bit is likelier to be bad memory than a bad program. */
static void slab_put_bit_error(struct seq_file *m, const uint8_t *bytes, unsigned int nr)
{
	unsigned int i, bad = 0;
	uint8_t error = 0;

	for (i = 0; i < nr; i++) {
		if (bytes[i] == SLAB_POISON_FREE)
			continue;
		error = bytes[i] ^ SLAB_POISON_FREE;
		bad++;
	}
	if (bad == 1 && !(error & (error - 1))) {
		seq_puts(m, "Single bit error detected. Probably bad RAM.\n");
		seq_puts(m, "Run memtest86+ or a similar memory test tool.\n");
	}
}

static void slab_put_line(struct seq_file *m, const void *object, unsigned int from,
			  unsigned int size)
{
	uint8_t *p = (uint8_t *)(uintptr_t)object + from, bytes[SLAB_LINE];
	unsigned int nr = size - from < SLAB_LINE ? size - from : SLAB_LINE, i;

	for (i = 0; i < nr; i++)
		bytes[i] = arch_raw_read(&p[i]);
	seq_printf(m, "%03x:", from);
	for (i = 0; i < nr; i++)
		seq_printf(m, " %02x", bytes[i]);
	for (i = 3 * nr; i < SLAB_LINE_WIDTH + 1; i++)
		seq_putc(m, ' ');
	for (i = 0; i < nr; i++)
		seq_putc(m, bytes[i] >= ' ' && bytes[i] < 0x7f ? (char)bytes[i] : '.');
	seq_putc(m, '\n');
	slab_put_bit_error(m, bytes, nr);
}

void backend_put_tracks(struct kmem_cache *cache, const void *object, struct seq_file *m)
{
	char user[128];

	if (!(cache->flags & SLAB_STORE_USER))
		return;
	arch_symbol(arch_raw_read(slab_last_user(to_slab_cache(cache), object)), user, sizeof(user));
	seq_printf(m, "Last user: (%s)\n", user);
}

void backend_obj_info(const struct kmem_cache *cache, const void *object,
		      struct slab_obj_info *info)
{
	const struct slab_cache *s = to_slab_cache((struct kmem_cache *)(uintptr_t)cache);

	__builtin_memset(info, 0, sizeof(*info));
	info->data_offset = s->geo.obj_offset;
	if (cache->flags & SLAB_STORE_USER)
		info->caller = (const void *)arch_raw_read(slab_last_user(s, object));
}

/* The words around an object, and its first @lines lines. */
static void slab_put_object(struct seq_file *m, struct slab_cache *s, const void *object,
			    unsigned int lines)
{
	unsigned int size = s->common.object_size, at;
	struct slab_redzones rz;

	if (s->common.flags & SLAB_RED_ZONE) {
		rz = slab_redzones(s, object);
		seq_printf(m, "Redzone: 0x%llx/0x%llx\n", (unsigned long long)rz.before,
			   (unsigned long long)rz.behind);
	}
	backend_put_tracks(&s->common, object, m);
	for (at = 0; at < size && lines; at += SLAB_LINE, lines--)
		slab_put_line(m, object, at, size);
}

static bool slab_line_is_corrupt(const struct slab_cache *s, const void *object, unsigned int from)
{
	uint8_t *bytes = (uint8_t *)(uintptr_t)object;
	unsigned int i;

	for (i = from; i < from + SLAB_LINE && i < s->common.object_size; i++)
		if (arch_raw_read(&bytes[i]) != slab_poison_byte(s, i))
			return true;
	return false;
}

static void slab_put_corrupt_lines(struct seq_file *m, const struct slab_cache *s,
				   const void *object)
{
	unsigned int at, lines = SLAB_CORRUPT_LINES;

	for (at = 0; at < s->common.object_size && lines; at += SLAB_LINE) {
		if (!slab_line_is_corrupt(s, object, at))
			continue;
		slab_put_line(m, object, at, s->common.object_size);
		lines--;
	}
}

static void slab_put_neighbour(struct seq_file *m, struct slab_cache *s, const char *which,
			       const void *object)
{
	seq_printf(m, "%s obj: start=%llx, len=%u\n", which, slab_addr(object),
		   s->common.object_size);
	slab_put_object(m, s, object, SLAB_NEIGHBOUR_LINES);
}

struct slab_finding {
	struct slab_cache *s;
	const struct slab_slab *slab;
	const void *object;
	const char *where, *what;
	unsigned int active;
};

static void slab_put_corruption(void *arg, struct seq_file *m)
{
	const struct slab_finding *f = arg;
	unsigned int index = slab_object_index(f->s, f->slab, f->object);
	struct slab_cache *s = f->s;
	const char *p = f->object;

	seq_puts(m, "Slab corruption (");
	report_put_taint(m, s->common.kernel);
	seq_printf(m, "): %s start=%llx, len=%u\n", s->common.name, slab_addr(p),
		   s->common.object_size);
	slab_put_object(m, s, p, 0);
	slab_put_corrupt_lines(m, s, p);
	if (index)
		slab_put_neighbour(m, s, "Prev", p - s->geo.size);
	if (index + 1 < s->geo.num)
		slab_put_neighbour(m, s, "Next", p + s->geo.size);
	report_put_caller(m, 3);
}

static void slab_put_redzones(void *arg, struct seq_file *m)
{
	const struct slab_finding *f = arg;
	struct slab_redzones rz = slab_redzones(f->s, f->object);

	seq_printf(m, "slab error in %s(): cache `%s': %s\n", f->where, f->s->common.name, f->what);
	report_put_caller(m, 3);
	seq_printf(m, "%llx: redzone 1:0x%llx, redzone 2:0x%llx\n",
		   slab_addr((const char *)f->object - f->s->geo.obj_offset),
		   (unsigned long long)rz.before, (unsigned long long)rz.behind);
}

static void slab_report(struct slab_finding *f, report_writer *write, struct report_queue *q)
{
	struct report_queue now;

	report_queue_init(&now, f->s->common.kernel);
	report_queue_text(q ? q : &now, MACHINE_BUG, write, f);
	report_queue_say(&now);
}

noinline void slab_report_corruption(struct slab_cache *s, const struct slab_slab *slab,
				     const void *object, struct report_queue *q)
{
	struct slab_finding f = { .s = s, .slab = slab, .object = object };

	slab_report(&f, slab_put_corruption, q);
}

noinline void slab_report_redzones(struct slab_cache *s, const void *object, const char *where,
				   const char *what, struct report_queue *q)
{
	struct slab_finding f = { .s = s, .object = object, .where = where, .what = what };

	slab_report(&f, slab_put_redzones, q);
	report_taint(s->common.kernel, TAINT_BAD_PAGE);
}

void slab_report_double_free(struct slab_cache *s, const void *object)
{
	report_bug(s->common.kernel, "slab: double free detected in cache '%s', objp %llx",
		   s->common.name, slab_addr(object));
}

/* --- SLAB_TRACE ------------------------------------------------------------------------------- */

static void slab_put_traced(void *arg, struct seq_file *m)
{
	const struct slab_finding *f = arg;

	seq_printf(m, "TRACE %s %s 0x%llx active=%u\n", f->s->common.name, f->what,
		   slab_addr(f->object), f->active);
	if (!strcmp(f->what, "free"))
		slab_put_section(m, "Object   ", f->object, f->s->common.object_size);
	report_put_caller(m, 3);
}

noinline void slab_trace(struct slab_cache *s, const struct slab_slab *slab, const void *object,
			 bool alloc)
{
	struct slab_finding f = { .s = s, .slab = slab, .object = object,
				  .what = alloc ? "alloc" : "free" };
	struct slab_node *n = s->node[slab_nid(slab)];
	struct report_queue q;

	arch_spin_lock(&n->list_lock);
	f.active = slab->active;
	arch_spin_unlock(&n->list_lock);
	report_queue_init(&q, s->common.kernel);
	report_queue_lines(&q, 6, slab_put_traced, &f);
	report_queue_say(&q);
}
